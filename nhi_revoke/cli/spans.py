"""Lengths of time and moments, as typed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

from nhi_revoke.model.error import Usage

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?", re.IGNORECASE)


def duration(text: str | float) -> float:
    """Seconds: `60`, `90s`, `30m`, `12h`, `1h30m`. Raises typer.BadParameter for anything else."""
    if isinstance(text, int | float):
        return float(text)
    rest, seconds = text.strip(), 0.0
    while rest:
        part = _PART.match(rest)
        if part is None:
            break
        seconds += float(part[1]) * _UNITS[(part[2] or "").lower()]
        rest = rest[part.end() :].lstrip()
    if rest or not text.strip():
        raise typer.BadParameter(f"{text!r} is no length of time; write 60, 90s, 30m, 12h or 1h30m")
    return seconds


def moment_of(text: str, now: datetime, option: str) -> datetime:
    """UTC: ISO 8601 (a time without a zone is UTC), or a length of time before `now`, with or without `ago`.

    Raises Usage, naming the option.
    """
    typed = text.strip()
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        at = None
    if at is not None:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    try:
        return now - timedelta(seconds=duration(typed.removesuffix("ago").strip()))
    except typer.BadParameter:
        raise Usage(
            "bad-time",
            f"{option}: {text!r} is no time. Nothing was done.",
            "Write 2026-01-31T14:00Z (UTC where no zone is given), or 2h ago.",
        ) from None
