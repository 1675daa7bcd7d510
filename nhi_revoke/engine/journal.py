"""What a run meant to do and did, in order: append-only, hash-chained, synced before and after each step.

Each stored line carries the hash of the line before (`prev`) and of itself (`own`), so that one changed byte shows.
The chain has no key: it shows accidents and careless hands. Against somebody who rewrites the whole file, or drops
its last lines, compare `sha256` with the one in the report.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from functools import cache

import msgspec

from nhi_revoke.engine.store import RunStore
from nhi_revoke.model.error import NotFound, Refused
from nhi_revoke.model.line import Line, Opened, Sealed

ZEROS = "0" * 64
"""What the first line has for the hash of the line before."""

_HEX = 64
_END = b'"}'
_SHORT_SECRET = 8
_WHOLE = re.compile(rb'"own":"[0-9a-f]{64}"\}')

BeforeAppend = Callable[[int], None]
"""Called with the number of each line just before it is stored: a test may raise, or kill the process."""


class Journal:
    """One run's journal. Safe on threads. Made by `create` or `open`."""

    def __init__(
        self, store: RunStore, run: str, stored: bytes = b"", before_append: BeforeAppend | None = None
    ) -> None:
        """Use `create` or `open`. Raises Refused where `stored` does not hold together."""
        self.run = run
        self._store = store
        self._before_append = before_append
        self._lock = threading.Lock()
        self._guarded: set[bytes] = set()
        kept, self.torn = split_torn(run, stored)
        """A last line that a crash cut off, dropped; empty where there was none."""
        self._lines, self._prev = unseal(run, kept)
        self._hash = hashlib.sha256(kept)
        self._snapshot: tuple[Line, ...] | None = None

    @classmethod
    def create(cls, store: RunStore, run: str, *, before_append: BeforeAppend | None = None) -> Journal:
        """A new one, empty; the first write makes it durable. Raises Refused where the run has one."""
        if store.read(run):
            raise Refused(
                "run-exists", f"Run {run} has a journal already. Nothing was changed.", f"nhi-revoke resume {run}"
            )
        return cls(store, run, before_append=before_append)

    @classmethod
    def open(cls, store: RunStore, run: str, *, before_append: BeforeAppend | None = None) -> Journal:
        """An existing one, its chain checked. A torn last line is dropped and kept in `torn`.

        Raises NotFound, and Refused (`tampered-journal`).
        """
        stored = store.read(run)
        if not stored:
            raise NotFound("no-such-run", f"There is no run {run} on this machine.", "nhi-revoke runs")
        return cls(store, run, stored, before_append)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines so far, as they read back."""
        with self._lock:
            if self._snapshot is None:
                self._snapshot = tuple(self._lines)
            return self._snapshot

    def sha256(self) -> str:
        """Of all stored bytes, in hex: what the report names."""
        with self._lock:
            return self._hash.hexdigest()

    def guard_secret(self, value: str) -> None:
        """Never let this value into a line. It is held in memory only.

        A short value would be found by accident, so that it is looked for as a whole JSON string. Raises ValueError
        for an empty one.
        """
        if not value:
            raise ValueError("there is nothing to guard")
        escaped = msgspec.json.encode(value)
        found_as = {escaped} if len(value) < _SHORT_SECRET else {value.encode(), escaped[1:-1]}
        with self._lock:
            self._guarded |= found_as

    def write(self, line: Line) -> None:
        """Store one line; durable when it returns.

        Raises RuntimeError for a line that holds a guarded secret or does not read back (a bug: nothing is stored),
        and what the store raises (OSError, Refused): nothing is stored then, either.
        """
        with self._lock:
            number = len(self._lines)
            sealed = seal(number, self._prev, line)
            if any(value in sealed for value in self._guarded):
                raise RuntimeError(f"line {number} of run {self.run} would hold a secret; it was not written")
            try:
                read_back = _decoder().decode(sealed)
            except msgspec.MsgspecError as error:
                raise RuntimeError(f"line {number} of run {self.run} does not read back: {error}") from None
            if self._before_append is not None:
                self._before_append(number)
            self._store.append(self.run, sealed + b"\n")
            self._lines.append(read_back.line)
            self._prev = hashlib.sha256(sealed).hexdigest()
            self._hash.update(sealed + b"\n")
            self._snapshot = None


@cache
def _decoder() -> msgspec.json.Decoder[Sealed]:
    """28 ms to build: only a command that reads or writes a journal pays."""
    return msgspec.json.Decoder(Sealed)


def prepare() -> None:
    """Build what reads lines now. Before threads that read journals: msgspec builds the parts of a type once, and ends
    the process where one thread builds what another one uses half-built.
    """
    _decoder()


def seal(number: int, prev: str, line: Line) -> bytes:
    """A line as it is stored, without its newline: numbered, chained, and with its own hash at the end."""
    blank = msgspec.json.encode(Sealed(number, prev, line))
    return blank[: -len(_END)] + hashlib.sha256(blank).hexdigest().encode() + _END


def unseal(run: str, stored: bytes) -> tuple[list[Line], str]:
    """The lines of a journal without a torn tail, and the hash that the next line chains to.

    Raises Refused (`tampered-journal`) at the first line that does not hold.
    """
    lines: list[Line] = []
    prev = ZEROS
    for line, own in unsealed(run, stored):
        lines.append(line)
        prev = own
    return lines, prev


def unsealed(run: str, stored: bytes) -> Iterator[tuple[Line, str]]:
    """Line by line: each that holds, and the hash that the next one chains to. Raises Tampered at the first other."""
    prev = ZEROS
    for number, text in enumerate(stored.split(b"\n")[:-1]):
        if not _holds(text):
            raise tampered(run, number, "it was changed")
        try:
            sealed = _decoder().decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise tampered(run, number, f"it cannot be read: {error}") from None
        if sealed.n != number or sealed.prev != prev:
            raise tampered(run, number, "it does not follow the line before it")
        if isinstance(sealed.line, Opened) and sealed.line.run != run:
            raise tampered(run, number, f"it belongs to run {sealed.line.run}")
        prev = hashlib.sha256(text).hexdigest()
        yield sealed.line, prev


def split_torn(run: str, stored: bytes) -> tuple[bytes, bytes]:
    """Whole lines, and what follows the last newline.

    A crash leaves the beginning of a line. A whole line with something behind it is no crash: Refused.
    """
    end = stored.rfind(b"\n") + 1
    kept, torn = stored[:end], stored[end:]
    for match in _WHOLE.finditer(torn):
        if match.end() < len(torn) and _holds(torn[: match.end()]):
            raise tampered(run, kept.count(b"\n"), "its end was changed")
    return kept, torn


class Tampered(Refused):
    """A chain that is broken."""

    number: int
    """Of the first line that does not hold, from 0."""
    why: str


def tampered(run: str, number: int, why: str) -> Tampered:
    """What a broken chain reads like."""
    broken = Tampered(
        "tampered-journal",
        f"Line {number + 1} of the journal of run {run} does not hold: {why}. What this run did can no longer be "
        "known from it, so that nothing is undone, resumed or finished by it.",
        "Compare it with a copy (nhi-revoke runs export), or look at the accounts afresh with nhi-revoke list.",
    )
    broken.number, broken.why = number, why
    return broken


def _holds(text: bytes) -> bool:
    """Whether a stored line is the one that its own hash was made of."""
    cut = len(text) - len(_END) - _HEX
    return cut > 0 and hashlib.sha256(text[:cut] + _END).hexdigest().encode() + _END == text[cut:]
