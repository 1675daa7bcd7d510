"""One page of the documentation as a test reads it: commands in `console` blocks, with what each prints below it.

    <!-- world: okta,local -->       providers of the sandboxes that the page works with, one world a page

    ```console
    $ nhi-revoke list payments-bot
    LIVE 12  OPEN 1 …
    … 20 more lines
    # exit 8
    ```

A line of `…` stands for any lines; ```console 12 shows so many of each command. `# exit N` is told where it is not 0.
`<!-- run: COMMAND -->` runs unseen.
Ids, times and folders differ from run to run: both sides are compared without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WORLD = re.compile(r"^<!-- world: ([a-z,]+) -->$", re.MULTILINE)
BLOCK = re.compile(r"^```console(?: (\d+))?\n(.*?)^```$|^<!-- run: (.*?) -->$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"# exit (\d+)")
ANY = re.compile(r"…( \d+ more lines)?")
SHOWN = 24
"""Lines of one command that a page shows, where its block does not say how many."""
_VARIES = (
    (r"\S*/nhi-revoke-(docs|demo)-\w+", "FOLDER"),
    (r"\bc?\d{8}T\d{6}Z-[0-9a-f]{6}\b", "RUN"),
    (r"SHA256:[A-Za-z0-9+/_=-]{43,}|(?<![\w-])(?=[\w-]*\d)[\w-]{43}(?![\w-])", "FINGERPRINT"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?|\d{4}-\d\d-\d\d", "TIME"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "ID"),
    (r"\b(AKIA|ASIA|AIDA|AROA|ACCA|APKA|ANPA)[A-Z0-9]{16}\b", "ID"),
    (r"\b(?=[0-9A-Za-z]*[0-9A-Z])(?=[0-9A-Za-z]*[a-z])[0-9A-Za-z]{20}\b", "ID"),
    (r"\b(?=[0-9a-z]*\d)[0-9a-f]{8,}\b", "ID"),
    (r"\b\d{5,}\b", "N"),
    (r"\b\d+(\.\d+)? ?(ms|s|min|minutes|seconds|h|hours)\b", "SPAN"),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"\b\d+\.\d(?= |$)", "RATE"),
    (r"\bUNSEEN \d+", "UNSEEN N"),  # what the logs do not show yet: the sandboxes' clock runs meanwhile
    (r"[ ─]+", " "),
)


class Command(NamedTuple):
    """As it stands on the page."""

    text: str
    shown: tuple[str, ...]
    """What the page shows of its output."""
    exit_code: int
    silent: bool = False


class Page(NamedTuple):
    path: Path
    text: str
    world: str
    """Providers, separated by commas; empty: the page needs no sandbox."""
    blocks: tuple[tuple[Command, ...], ...]


def read(path: Path) -> Page:
    """Raises ValueError for a console block that does not begin with a command."""
    text = path.read_text(encoding="utf-8")
    world = WORLD.search(text)
    blocks = tuple(
        (Command(found[3], (), 0, silent=True),) if found[3] else tuple(_commands(found[2], path))
        for found in BLOCK.finditer(text)
    )
    return Page(path, text, world[1] if world else "", blocks)


def _commands(block: str, path: Path) -> Iterator[Command]:
    command, code = "", 0
    shown: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield Command(command, tuple(shown), code)
            command, shown, code = line[2:], [], 0
        elif not command:
            raise ValueError(f"{path}: a console block begins with {line!r}, and not with a command")
        elif line.startswith("> ") and not shown:
            command += "\n" + line[2:]
        elif found := EXIT.fullmatch(line):
            code = int(found[1])
        else:
            shown.append(line)
    yield Command(command, tuple(shown), code)


def masked(line: str) -> str:
    """Without what differs from run to run."""
    for pattern, word in _VARIES:
        line = re.sub(pattern, word, line)
    return line.strip()


def differs(shown: tuple[str, ...], printed: list[str]) -> str:
    """The first line that the page shows and the command does not print, or the other way round; empty: alike."""
    rest = [masked(line) for line in printed]
    anything = False
    for line in shown:
        if ANY.fullmatch(line.strip()):
            anything = True
            continue
        wanted = masked(line)
        place = next((n for n, each in enumerate(rest) if _alike(wanted, each)), -1) if anything else 0
        if not rest or place < 0 or not _alike(wanted, rest[place]):
            return f"shown: {line!r}; printed: {rest[:1]}"
        rest, anything = rest[place + 1 :], False
    return "" if anything or not [line for line in rest if line] else f"printed, and not shown: {rest[0]!r}"


def _alike(wanted: str, printed: str) -> bool:
    """`…` within a line stands for any characters."""
    return bool(re.fullmatch(".*".join(map(re.escape, wanted.split("…"))), printed))


def shortened(printed: list[str], most: int = SHOWN) -> list[str]:
    """What a page shows of it."""
    lines = [line.rstrip() for line in printed]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) <= most + 3:
        return lines
    return [*lines[:most], f"… {len(lines) - most} more lines"]
