"""The one clock of a sandbox world: real time plus an offset that tests and the demo move."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class MovableClock:
    """Runs like the real one from `start` on, and jumps when told. Never goes back."""

    def __init__(self, start: datetime) -> None:
        self._start = start.astimezone(UTC)
        self._began = time.monotonic()
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._start + timedelta(seconds=time.monotonic() - self._began + self._offset)

    def advance(self, seconds: float) -> None:
        """Raises ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("a sandbox's clock never goes back")
        with self._lock:
            self._offset += seconds
