"""A value that is read back at once and obeyed later: what propagation does to a write."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, TypeVar

V = TypeVar("V")


class Lagged(Generic[V]):
    """History of one value: when each took effect."""

    def __init__(self, first: V, at: datetime) -> None:
        self._past: list[tuple[datetime, V]] = [(at, first)]

    @property
    def shown(self) -> V:
        """What a read shows."""
        return self._past[-1][1]

    def set(self, value: V, now: datetime, lag: float) -> datetime:
        """Returns the moment from which it is obeyed. `lag`: seconds."""
        effective = max(now + timedelta(seconds=lag), self._past[-1][0])
        self._past.append((effective, value))
        return effective

    def obeyed(self, now: datetime) -> V:
        """What the data plane goes by."""
        return next((value for at, value in reversed(self._past) if at <= now), self._past[0][1])
