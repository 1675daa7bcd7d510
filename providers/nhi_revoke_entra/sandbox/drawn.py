"""Rows of a long listing, of which one page is drawn at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Drawn(Sequence[dict[str, Any]], Generic[T]):
    """`things` as `row` shows them, each when it is asked for."""

    def __init__(self, things: Sequence[T], row: Callable[[T], dict[str, Any]]) -> None:
        self._things, self._row = things, row

    def __len__(self) -> int:
        return len(self._things)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(at, slice):
            return [self._row(thing) for thing in self._things[at]]
        return self._row(self._things[at])
