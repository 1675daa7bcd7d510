"""Times as Okta writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def stamp(when: datetime) -> str:
    """For queries and for what steps leave: whole milliseconds and `Z`."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later(when: datetime, by: timedelta) -> str:
    """The stamp of a moment after another, never a part of a second too early."""
    return stamp(when + by + timedelta(seconds=1))
