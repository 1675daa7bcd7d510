"""Times as vendors write them in JSON (RFC 3339), and as steps leave them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def moment(text: object) -> datetime | None:
    """`2026-11-28T12:00:00.1234567Z` as UTC; None for what is no time, or none at all."""
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def stamp(when: datetime) -> str:
    """Whole seconds and `Z`."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def later(when: datetime, by: timedelta) -> str:
    """The stamp of a moment after another, never a part of a second too early."""
    return stamp(when + by + timedelta(seconds=1))
