"""What tenants may be asked, where that is as much as anybody likes: it is counted."""

from __future__ import annotations

import threading

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.sharing import Wish
from nhi_revoke.provider.retry import Window


class Counted:
    """A share that lets everything go, and counts it."""

    def __init__(self) -> None:
        self.wishes: list[Wish] = []
        self.paces: list[Wish] = []
        self.answers = 0
        self.told: list[tuple[str, Window, float]] = []
        self.refusals: list[float | None] = []
        self._lock = threading.Lock()

    def take(self, wish: Wish, stop: threading.Event) -> str:
        if stop.is_set():
            raise Interrupted
        with self._lock:
            self.wishes.append(wish)
        return wish.scope

    def pace(self, wish: Wish, stop: threading.Event) -> None:
        self.paces.append(wish)

    def answered(self, wish: Wish, told: Window | None, seconds: float) -> None:
        with self._lock:
            self.answers += wish.count
            if told is not None:
                self.told.append((wish.bucket, told, seconds))

    def refused(self, wish: Wish, seconds: float | None) -> None:
        with self._lock:
            self.refusals.append(seconds)

    @property
    def sent(self) -> int:
        return sum(wish.count for wish in self.wishes)
