"""The one clock of a sandbox world: real time plus an offset that tests and the demo move."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class MovableClock:
    """Runs like the real one from `start` on, and jumps when told. Never goes back.

    `running=False`: it stands, and only jumps. A test that holds something against a second needs that; two processes
    that share a sandbox need a clock that runs.
    """

    def __init__(self, start: datetime, *, running: bool = True) -> None:
        self._start, self._running = start.astimezone(UTC), running
        self._began = time.monotonic()
        self._offset = 0.0
        self._lock = threading.Lock()
        self._moves = threading.Condition()
        self._still, self._jumps = 0, 0

    def now(self) -> datetime:
        with self._lock:
            passed = time.monotonic() - self._began if self._running else 0.0
            return self._start + timedelta(seconds=passed + self._offset)

    def advance(self, seconds: float) -> None:
        """Waits for whatever must not be jumped over. Raises ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("a sandbox's clock never goes back")
        with self._moves:
            self._jumps += 1
            self._moves.wait_for(lambda: not self._still)
            with self._lock:
                self._offset += seconds
            self._jumps -= 1
            self._moves.notify_all()

    @contextmanager
    def no_jump(self) -> Iterator[None]:
        """A request of some milliseconds takes no minutes because somebody else's wait was skipped meanwhile."""
        with self._moves:
            self._moves.wait_for(lambda: not self._jumps)
            self._still += 1
        try:
            yield
        finally:
            with self._moves:
                self._still -= 1
                self._moves.notify_all()
