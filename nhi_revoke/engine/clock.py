"""Waiting. Only the engine waits, and always on a clock that a test or the demo can put in."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol


class Interrupted(Exception):
    """The operator pressed Ctrl-C (once): start nothing more."""


class Clock(Protocol):
    """The live one only runs; a sandbox's is moved instead of waited for."""

    def now(self) -> datetime: ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Returns after `seconds`, or as soon as `stop` is set."""
        ...


class LiveClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(max(0.0, seconds))


class Movable(Protocol):
    """What a sandbox's clock can do (`provider/sandbox/clock.py` in process, `remote.py` from another one)."""

    def now(self) -> datetime: ...
    def advance(self, seconds: float) -> None: ...


class SandboxClock:
    """Moves the sandbox's clock instead of waiting. Never given to a live connection."""

    def __init__(self, movable: Movable) -> None:
        self._movable = movable

    def now(self) -> datetime:
        return self._movable.now()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        if not stop.is_set() and seconds > 0:
            self._movable.advance(seconds)
