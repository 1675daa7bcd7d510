"""All that was found for an identity in one look."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.ref import PrincipalRef, Utc


class Unreachable(Struct, frozen=True):
    """A principal that was named but could not be looked at."""

    ref: PrincipalRef
    code: str
    """`not-found`, `ambiguous`, `no-credentials`, `denied`, `not-installed`, `unavailable`, …"""
    why: str
    hint: str = ""


class Inventory(Struct, frozen=True):
    identity: Identity
    at: Utc
    principals: tuple[Principal, ...] = ()
    accesses: tuple[Access, ...] = ()
    leads: tuple[Lead, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    operator: tuple[PrincipalRef, ...] = ()
    """The operator's whole chain, on every provider that was asked."""

    def of(self, ref: PrincipalRef) -> tuple[Access, ...]:
        """The accesses of one principal."""
        return tuple(a for a in self.accesses if a.on == ref)
