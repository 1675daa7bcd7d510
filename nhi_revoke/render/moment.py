"""Times and lengths of time, in the few words that fit a column. Always UTC.

A moment has no blank in it: no line breaks there, and it can be typed again (`--since`, `--until`).
"""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime | None) -> str:
    """`2026-01-31T14:05:09Z`, to the second; empty for None."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def minute(at: datetime | None) -> str:
    """`2026-01-31T14:05Z`; empty for None."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ") if at else ""


def length(seconds: float) -> str:
    """`58 s`, `12 min`, `3 h 05 min`, `2 d 04 h`. Rounded up: a wait is never said shorter than it is."""
    whole = int(seconds) + (seconds > int(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = -(-whole // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest:02} min" if rest else f"{hours} h"
    return f"{hours // 24} d {hours % 24:02} h" if hours % 24 else f"{hours // 24} d"
