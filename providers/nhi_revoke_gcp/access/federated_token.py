"""Federated tokens of a workload: nothing lists them, and nothing ends a single one.

facts gcp.md 1 (row 3), 2 and 7 (17): the provider's end leaves them; they end with the pool, or by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Residual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import WORKLOAD as ON
from nhi_revoke_gcp.permissions import GET_POOL, LIST_POOL_PROVIDERS
from nhi_revoke_gcp.workload_stopping import LIVES, SOURCE, TOKEN, pool_is_cut, standing
from nhi_revoke_gcp.workloads import member_in

WHY = "a federated token is taken until it expires (up to an hour after it was given), unless its pool is disabled"


class FederatedTokens(AccessKind[GcpConnection]):
    """No remedy of their own: the pool's end is theirs."""

    name: ClassVar[str] = TOKEN
    title: ClassVar[str] = "federated tokens"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_POOL, LIST_POOL_PROVIDERS)
    survives: ClassVar[str] = WHY

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        who, _ = member_in(conn, ref)
        yield Access(
            id=standing(who),
            on=ref,
            kind=TOKEN,
            family=self.family,
            state="unknown",
            label="every federated token of {name}",
            evidence="none: Google lists no tokens",
            door=who.member,
            note=WHY,
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step."""
        if pool_is_cut(view, intent):
            return
        for access in view.of(TOKEN):
            yield Residual(view.who.ref, access.id, view.inventory.at + LIVES, WHY, SOURCE)
