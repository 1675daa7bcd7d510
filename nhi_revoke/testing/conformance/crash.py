"""Dying at a chosen line of the journal."""

from __future__ import annotations

from collections.abc import Callable


class Killed(BaseException):
    """The process is gone: no `except Exception` hears of it."""


def kill_at(line: int) -> Callable[[int], None]:
    """A hook for the journal: neither this line nor a later one is stored."""

    def hook(number: int) -> None:
        if number >= line:
            raise Killed(f"killed before line {number}")

    return hook
