"""What stands around a credential in a text, and what only fills the place of one. Pure."""

from __future__ import annotations

import hashlib
import re

FILLER = re.compile(
    r"(.)\1{5}|x{4}|your|example|placeholder|replace|redacted|change.?me|dummy|insert|here$|1234567|abcdefg",
    re.IGNORECASE,
)
VARIED = 8
"""So many different characters, at least, has whatever a machine drew: of 28 letters and digits fewer never come up."""


def is_filler(drawn: str) -> bool:
    """Whether somebody typed it to show where a credential goes. `drawn`: the part that a machine draws."""
    return len(set(drawn)) < VARIED or bool(FILLER.search(drawn))


def beside(text: str, start: int, end: int, pattern: re.Pattern[str], within: int) -> str:
    """What `pattern` matches nearest to the place from `start` to `end`: its group `value`; empty where none is near.

    `within`: characters between both, at most.
    """
    near = max(0, start - within)
    found = [
        (max(m.start("value") - end, start - m.end("value")), m["value"])
        for m in pattern.finditer(text, near, min(len(text), end + within))
    ]
    return min(found, key=lambda each: each[0])[1] if found else ""


def digest(value: str) -> str:
    """Names a credential that has no public id of its own: the beginning of its sha256, from which nobody makes it."""
    return hashlib.sha256(value.encode()).hexdigest()[:16]
