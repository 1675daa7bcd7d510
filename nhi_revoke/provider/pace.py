"""One tenant's request budget: what the vendor says is left in its window, shared by everything that asks there.

The engine waits: a request that would go over raises UsedUp before it is sent. Only for answers that are under way
it stands in line here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from nhi_revoke.provider.fault import Throttled
from nhi_revoke.provider.retry import A_MOMENT, Window

SPARE = 0.1
"""Share of a window that reading leaves to the tenant's own traffic. Ending something uses all of it: whoever uses up
the window must not keep the door open."""
A_TURN = 30.0
"""Seconds at most (of this machine, no sandbox's) in line for an answer; every socket's timeout is shorter."""
NEAR = 2.0
"""Seconds between two resets that are told of one and the same window."""


class UsedUp(Throttled):
    """The vendor did not refuse it: nothing was sent."""


class Budget:
    """Thread-safe. `clock`: the vendor's, UTC. A bucket is what the vendor counts together (an endpoint, a tenant)."""

    def __init__(self, clock: Callable[[], datetime], *, spare: float = SPARE) -> None:
        self._clock = clock
        self._spare = spare
        self._windows: dict[str, Window] = {}
        self._under_way: dict[str, int] = {}
        self._turn = threading.Condition()

    def take(self, bucket: str, *, reads: bool) -> None:
        """One request is about to be sent. Raises UsedUp with the seconds to wait where none is left.

        Nothing is known of a bucket before its first answer. A window that follows another is taken to be as large:
        where what is under way may fill it, the next answer tells.
        """
        with self._turn:
            answered = True
            while not self._has_room(bucket, reads):
                until = (self._windows[bucket].reset - self._clock()).total_seconds()
                if until > 0 or not answered:
                    wait = max(0.0, until) + A_MOMENT
                    raise UsedUp("the tenant's request limit is used up: waiting for it", retry_after=wait)
                answered = self._turn.wait(A_TURN)
            self._under_way[bucket] = self._under_way.get(bucket, 0) + 1

    def _has_room(self, bucket: str, reads: bool) -> bool:
        window = self._windows.get(bucket)
        if window is None:
            return True
        left = window.remaining if self._clock() < window.reset else window.limit
        return left - self._under_way.get(bucket, 0) > (window.limit * self._spare if reads else 0)

    def back(self, bucket: str, told: Window | None) -> None:
        """That request was answered, or failed. `told`: what the answer said of the window.

        Answers come in any order: in one window the lowest number counts, and an earlier window's is of no use.
        """
        with self._turn:
            self._under_way[bucket] = max(0, self._under_way.get(bucket, 0) - 1)
            self._turn.notify_all()
            if told is None:
                return
            old = self._windows.get(bucket)
            if old is not None and self._clock() < old.reset:
                later = (told.reset - old.reset).total_seconds()
                if later < -NEAR:
                    return
                if later <= NEAR:
                    told = Window(told.limit, min(old.remaining, told.remaining), max(old.reset, told.reset))
            self._windows[bucket] = told
