"""What a sandbox is told to do wrong, what it was asked, and what the operator may do."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import get_args

from nhi_revoke.provider.sandbox.contract import Call, FaultName


class _Order:
    """One fault, and how often it is still to come."""

    def __init__(self, call: str, fault: FaultName, times: int, after: int) -> None:
        self.call = call
        self.fault = fault
        self.times = times
        self.after = after


class FaultBook:
    """Faults to come, per call name. Safe to use from many threads.

    A call name is the vendor's (`keys:Update`), or a pattern with `*`; case matters.
    """

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._lock = threading.Lock()

    def add(self, call: str, fault: FaultName, times: int = 1, after: int = 0) -> None:
        """The call fails `times` times after `after` good ones. Raises ValueError for what makes no sense."""
        if fault not in get_args(FaultName):
            raise ValueError(f"unknown fault {fault!r}: one of {', '.join(get_args(FaultName))}")
        if times < 1 or after < 0:
            raise ValueError("a fault comes at least once, after zero or more good calls")
        with self._lock:
            self._orders.append(_Order(call, fault, times, after))

    def next(self, call: str) -> FaultName | None:
        """Count this call, and say what is to go wrong with it. The oldest order wins."""
        with self._lock:
            hit: FaultName | None = None
            for order in self._orders:
                if not fnmatchcase(call, order.call):
                    continue
                if order.after > 0:
                    order.after -= 1
                elif hit is None and order.times > 0:
                    order.times -= 1
                    hit = order.fault
            self._orders = [o for o in self._orders if o.times > 0]
            return hit

    def pending(self) -> int:
        """How many faults have not come yet: a test that wanted them all asserts zero."""
        with self._lock:
            return sum(o.times for o in self._orders)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()


class CallLog:
    """Every request that reached the vendor, in order of arrival."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def all(self) -> tuple[Call, ...]:
        with self._lock:
            return tuple(self._calls)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()


class Permissions:
    """What the operator may do: everything, until told otherwise."""

    def __init__(self) -> None:
        self._only: tuple[str, ...] | None = None

    def allow_only(self, permissions: Sequence[str] | None) -> None:
        """Names in the vendor's words, patterns with `*` allowed; None allows all."""
        self._only = None if permissions is None else tuple(permissions)

    @property
    def limited(self) -> bool:
        """Whether anything is withheld."""
        return self._only is not None

    def allows(self, permission: str) -> bool:
        """An empty permission is one that the vendor asks for of nobody. Letters' case does not matter."""
        only = self._only
        if only is None or not permission:
            return True
        return any(fnmatchcase(permission.lower(), pattern.lower()) for pattern in only)
