"""One answer for all who ask the same side by side, and for looks that are one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
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


class Looks(Generic[N]):
    """Looks that are made side by side and are one: what one of them asked, once the other had begun, that other hears
    too, though the answer has come. For answers that are slow to get and old in any case: logs. Thread-safe. Once
    none is under way, nothing is kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = itertools.count()
        self._under_way: set[int] = set()
        self._asked: dict[Hashable, tuple[int, Future[N]]] = {}

    @contextmanager
    def look(self) -> Iterator[Callable[[Hashable, Callable[[], N]], N]]:
        """Gives what asks: by key, as `Together.once`. No answer is older than the beginning of this look."""
        with self._lock:
            began = next(self._number)
            self._under_way.add(began)
        try:
            yield partial(self._once, began)
        finally:
            with self._lock:
                self._under_way.remove(began)
                if not self._under_way:
                    self._asked.clear()

    def _once(self, began: int, key: Hashable, look: Callable[[], N]) -> N:
        with self._lock:
            number, answer = self._asked.get(key, (-1, None))
            mine: Future[N] = Future()
            if answer is None or number < began:
                answer = None
                self._asked[key] = next(self._number), mine
        if answer is not None:
            return answer.result()
        try:
            mine.set_result(look())
        except BaseException as error:
            mine.set_exception(error)
            raise
        return mine.result()
