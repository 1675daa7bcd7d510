"""On which line of the file a key stands. tomllib does not say; this finds it in all but contrived files."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]")
_ASSIGN = re.compile(rf"^\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")


class Lines:
    """Of one file, read once: files of a campaign name thousands of identities."""

    def __init__(self, text: str) -> None:
        self._first: dict[tuple[str | int, ...], int] = {}
        for path, number in _stand(text):
            self._first.setdefault(path, number)

    def of(self, path: tuple[str | int, ...]) -> int | None:
        """Number of the line, from 1, where the value at `path` or the nearest table around it stands; None if unsure.

        `path` is `("identity", "bot", "deliver", 0, "to")`: numbers count the tables of an array.
        """
        around = (path[:size] for size in range(len(path), 0, -1))
        return next((self._first[each] for each in around if each in self._first), None)


def _stand(text: str) -> Iterator[tuple[tuple[str | int, ...], int]]:
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            names = _resolved(_parts(header[2]), counts)
            if header[1] == "[[":
                counts[names] = counts.get(names, -1) + 1
                names = (*names, counts[names])
            table = names
            yield table, number
        elif assign := _ASSIGN.match(line):
            yield (*table, *_parts(assign[1])), number


def _resolved(names: tuple[str, ...], counts: dict[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    """A header under an array of tables speaks of its latest table."""
    path: tuple[str | int, ...] = ()
    for position, name in enumerate(names):
        path = (*path, name)
        if path in counts and position < len(names) - 1:
            path = (*path, counts[path])
    return path


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in re.findall(_PART, key))
