"""One pattern for thousands of names: tried side by side they would cost a try each at every letter of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby


def any_of(names: Iterable[str]) -> str:
    """A regular expression that matches any of them, the longest that stands there. Raises ValueError for none."""
    wanted = sorted(set(names) - {""})
    if not wanted:
        raise ValueError("there is no name to look for")
    return _branches(wanted, 0)


def _branches(names: list[str], start: int) -> str:
    """Of sorted names that are equal up to `start`; each letter is looked at once."""
    ends = len(names[0]) == start
    parts = []
    for _, group in groupby(names[1:] if ends else names, key=lambda name: name[start]):
        same = list(group)
        shared = _shared(same[0], same[-1], start)
        rest = "" if len(same) == 1 and len(same[0]) == shared else _branches(same, shared)
        parts.append(re.escape(same[0][start:shared]) + rest)
    if not parts:
        return ""
    return f"(?:{'|'.join(parts)})" + ("?" if ends else "")


def _shared(first: str, last: str, start: int) -> int:
    """Up to where all that sort between two names are equal."""
    length = start
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return length
