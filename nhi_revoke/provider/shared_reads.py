"""Reads of one connection: those that ask for the same while it is asked already hear that answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from nhi_revoke.provider.together import Together

N = TypeVar("N")


class SharedReads(Generic[N]):
    """Thread-safe, and keeps nothing: what was asked for before a change is told to nobody who asks after it, and the
    second of two looks is a look of its own. Whoever hears an answer leaves it as it is: it is others', too.
    """

    def __init__(self) -> None:
        self.together: Together[Any] = Together()
        self._lock = threading.Lock()
        self._changes = 0

    def read(self, key: Hashable, look: Callable[[], N]) -> N:
        """What `look` gives, or what another's for this key gives, which is under way. Raises what that raises."""
        with self._lock:
            changes = self._changes
        answer: N = self.together.once((key, changes), look)
        return answer

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around each change of this connection, whatever comes of it."""
        try:
            yield
        finally:
            with self._lock:
                self._changes += 1
