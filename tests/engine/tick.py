"""A clock that stands still until somebody waits on it: no test of the engine sleeps."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """So many seconds after noon, when every test begins."""
    return NOON + timedelta(seconds=seconds)


class Tick:
    """Implements `engine.clock.Clock`; `wait` moves the time, and remembers how far."""

    def __init__(self) -> None:
        self._now = NOON
        self._lock = threading.Lock()
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self.waits: list[float] = []

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """Call `do` when somebody's wait passes that many seconds after noon."""
        heapq.heappush(self._due, (after(seconds), next(self._number), do))

    def wait(self, seconds: float, stop: threading.Event) -> None:
        if stop.is_set() or seconds <= 0:
            return
        self.waits.append(seconds)
        end = self.now() + timedelta(seconds=seconds)
        while self._due and self._due[0][0] <= end and not stop.is_set():
            due, _, do = heapq.heappop(self._due)
            self._set(max(due, self.now()))
            do()
        if not stop.is_set():
            self._set(end)

    def _set(self, when: datetime) -> None:
        with self._lock:
            self._now = when
