"""Keys, hooks, apps, secrets and members that the identity put elsewhere: no access of its own, told from the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP, USER
from nhi_revoke_github.planted import KIND, READS, observed


class PlantedThings(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "what it put elsewhere"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP, USER)
    reads: ClassVar[tuple[str, ...]] = ()
    reads_logs: ClassVar[tuple[str, ...]] = READS
    manual: ClassVar[str] = "each is another principal's: the report names it, with the command or the place"
    survives: ClassVar[str] = "what it pushed (a workflow, a dependency): that stands in the repository's history"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Nothing: no list tells who made what."""
        return ()

    def observe(
        self, conn: GithubConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        yield from observed(conn, io, who, since)
