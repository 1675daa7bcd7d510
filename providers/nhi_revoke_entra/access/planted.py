"""Apps, users, credentials and rights that the identity made for others: no access of its own, told from the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import KINDS
from nhi_revoke_entra.planted import KIND, READS, observed


class PlantedThings(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "what it made for others"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = KINDS
    reads: ClassVar[tuple[str, ...]] = ()
    reads_logs: ClassVar[tuple[str, ...]] = READS
    manual: ClassVar[str] = "each is another principal's: the report names it, with the command"

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Nothing: no list tells who made what."""
        return ()

    def observe(
        self, conn: EntraConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        yield from observed(conn, io, who, since)
