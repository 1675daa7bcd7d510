"""One login at one account, tenant, project or organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault


@runtime_checkable
class Connection(Protocol):
    """Made by `Provider.connect` without any I/O; the first call logs in."""

    @property
    def scope(self) -> str:
        """Account, tenant, project or organisation: one connection and one rate each. May be empty until known."""
        ...

    def whoami(self) -> Sequence[PrincipalRef]:
        """The operator's whole chain, canonical: who it is, what it assumed, what it runs from.

        Raises Unauthenticated.
        """
        ...

    def now(self) -> datetime:
        """The vendor's clock (Date header), UTC."""
        ...


@runtime_checkable
class CountedFor(Protocol):
    """What a connection has besides whose scope may be one of several names of the same tenant."""

    @property
    def counted_for(self) -> str:
        """The one that the vendor counts requests for; empty until it is known. Asks nothing."""
        ...


@runtime_checkable
class SideBySide(Protocol):
    """What a connection may have besides: it signs in by several credentials at once, and works with those that do."""

    def not_signed_in(self) -> Sequence[Fault]:
        """Why those that do not work do not: told by `doctor`. Empty where all do. Raises as `whoami` does."""
        ...
