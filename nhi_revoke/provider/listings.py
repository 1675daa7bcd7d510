"""Several listings side by side, each by itself: one that is denied hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from nhi_revoke.provider.fault import Fault, Unauthenticated
from nhi_revoke.provider.io import Io

T = TypeVar("T")


def each_by_itself(looks: Mapping[str, Callable[[], Sequence[T]]], io: Io) -> Iterator[tuple[str, Sequence[T] | Fault]]:
    """What each brought, or why it could not be listed (a blind spot, never "none"), in their order.

    Raises Unauthenticated: whoever is not signed in sees nothing at all.
    """

    def one(what: str) -> Sequence[T] | Fault:
        try:
            return looks[what]()
        except Unauthenticated:
            raise
        except Fault as fault:
            return fault

    yield from zip(looks, io.map(one, looks), strict=True)
