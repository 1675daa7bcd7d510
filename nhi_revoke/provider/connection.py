"""One login at one account, tenant, project or organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from nhi_revoke.model.ref import PrincipalRef


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
