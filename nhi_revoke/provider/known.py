"""What was read once, for whoever asks again: for the life of a connection, or for a few seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Generic, TypeVar

N = TypeVar("N")


class Known(Generic[N]):
    """By key. Thread-safe. Whoever asks meanwhile hears the same, a failure too; after a failure it is asked anew.

    Without `fresh` for good, so that a plan stays on its principal. `fresh`: how long what was read is told again, by
    the clock `now`.
    """

    def __init__(self, now: Callable[[], datetime] | None = None, fresh: timedelta | None = None) -> None:
        self._now, self._fresh = now, fresh
        self._lock = threading.Lock()
        self._asked: dict[Hashable, tuple[datetime | None, Future[N]]] = {}

    def once(self, key: Hashable, look: Callable[[], N]) -> N:
        """Raises what `look` raises."""
        now = self._now() if self._now is not None else None
        with self._lock:
            began, asked = self._asked.get(key, (None, Future[N]()))
            if mine := key not in self._asked or self._is_old(began, now):
                asked = Future()
                self._asked[key] = (now, asked)
        if mine:
            try:
                asked.set_result(look())
            except BaseException as error:  # noqa: BLE001 - nobody may wait for ever; `result` raises it
                with self._lock:
                    if self._asked.get(key, (None, None))[1] is asked:
                        del self._asked[key]
                asked.set_exception(error)
        return asked.result()

    def _is_old(self, began: datetime | None, now: datetime | None) -> bool:
        return self._fresh is not None and began is not None and now is not None and now - began >= self._fresh
