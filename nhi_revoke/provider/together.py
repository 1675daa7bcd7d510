"""One answer for all who ask the same side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

N = TypeVar("N")


class Together(Generic[N]):
    """By key. Thread-safe. Nothing is kept: whoever asks once an answer has come asks anew, so that the second of two
    looks is a look of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[N]] = {}

    def once(self, key: Hashable, look: Callable[[], N]) -> N:
        """What `look` gives, or what another's for this key, which is under way, will give. Raises what that raises."""
        with self._lock:
            other = self._under_way.get(key)
            mine = self._under_way.setdefault(key, Future())
        if other is not None:
            return other.result()
        try:
            answer = look()
        except BaseException as error:
            self._over(key)
            mine.set_exception(error)
            raise
        self._over(key)  # first: an answer that is there already is nobody's who asks now
        mine.set_result(answer)
        return answer

    def _over(self, key: Hashable) -> None:
        with self._lock:
            del self._under_way[key]
