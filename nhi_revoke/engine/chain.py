"""Whether a journal holds together, line by line, and what that is worth. Asks no vendor, changes nothing."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from nhi_revoke.engine.journal import Tampered, split_torn, unsealed
from nhi_revoke.model.error import Usage
from nhi_revoke.model.line import Closed, Opened, Sealed

PROVES = (
    "every line is as it was written, in the order in which it was written, and none is missing before the last one"
)
PROVES_NOT = (
    "who wrote it, nor that lines were not cut off at its end, nor that nobody wrote the whole file anew: the chain "
    "has no key. Against that, compare the sha256 with one that was noted elsewhere (a report, an export)"
)


class ChainCheck(Struct, frozen=True):
    """`report --verify`."""

    source: str
    """The run, or the file."""
    run: str
    """As its first line names it; empty where that line does not hold."""
    whole: bool
    lines: int
    """How many hold, from the first on."""
    sha256: str
    """Of all whole lines, holding or not: what the report of the run names."""
    broken_line: int | None
    """The first one that does not hold, from 1."""
    why: str
    torn_bytes: int
    """Of a last line that a crash cut off: it was never acted upon."""
    closed: bool
    """Whether the last line ends a section. If not, the run was interrupted, or lines were cut off."""
    proves: str
    proves_not: str


def check_chain(source: str, stored: bytes, run: str = "") -> ChainCheck:
    """`run`: which one it must be; else the first line says. Raises Usage for what is no journal at all."""
    named = run or run_of(stored)
    lines, closed, broken, torn = 0, False, None, b""
    kept = stored[: stored.rfind(b"\n") + 1]
    try:
        for line, _ in unsealed(named, kept):
            lines, closed = lines + 1, isinstance(line, Closed)
        torn = split_torn(named, stored)[1]
    except Tampered as found:
        broken = found
    return ChainCheck(
        source,
        named,
        broken is None,
        lines,
        hashlib.sha256(kept).hexdigest(),
        None if broken is None else broken.number + 1,
        "" if broken is None else broken.why,
        len(torn),
        closed and broken is None,
        PROVES if broken is None else "",
        PROVES_NOT,
    )


def run_of(stored: bytes) -> str:
    """The run that the first line names; empty where it is one of a journal, and changed. Raises Usage."""
    first = stored.split(b"\n", 1)[0]
    try:
        line = msgspec.json.decode(first, type=Sealed).line
    except (msgspec.MsgspecError, UnicodeDecodeError):
        line = None
    if isinstance(line, Opened):
        return line.run
    if b'"own":"' in first and b'"prev":"' in first:
        return ""
    raise Usage("not-a-journal", "it is no journal of a run: its first line opens none.")
