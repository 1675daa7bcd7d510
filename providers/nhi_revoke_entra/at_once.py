"""One answer for the lists that ask Entra for the same at once: many kinds of access stand on the same few objects."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from nhi_revoke.provider.together import Together

T = TypeVar("T")


class AtOnce:
    """For lists alone: a doer looks for itself. Thread-safe."""

    def __init__(self) -> None:
        self.together: Together[Any] = Together()
        self._last_change = object()

    def once(self, key: Hashable, look: Callable[[], T]) -> T:
        """What `look` gives, or what another's for this key will, which is under way: unless this connection has
        changed anything since that one began. Nothing is kept. Raises what either raises.

        `look` waits for no other threads: all of them may wait for it.
        """
        found: T = self.together.once((key, self._last_change), look)
        return found

    def changed(self) -> None:
        """A change was asked for, and confirmed, refused or lost: it may have happened."""
        self._last_change = object()
