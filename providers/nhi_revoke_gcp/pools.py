"""Workload identity pools as the IAM API shows them: their state, and the providers that say whom they trust.

facts gcp.md 1 (row 9) and 2; discovery document iam.v1. What was deleted is there for 30 days: it can be undeleted, and
its tokens work again then. A pool that cannot be read is told, never raised: whose policy names it is listed all the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke_gcp.federation import Federated, provider_of
from nhi_revoke_gcp.permissions import GET_POOL, GET_POOL_PROVIDER, LIST_POOL_PROVIDERS
from nhi_revoke_gcp.universe import IAM

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

SHUT = "its tokens are refused, and work again once somebody {undoes} it"


class Pool(Struct, frozen=True):
    """One pool. `unread`: why its state or its providers are not known; then `providers` says nothing."""

    name: str
    """`projects/NUMBER/locations/global/workloadIdentityPools/POOL`."""
    providers: tuple[Federated, ...] = ()
    disabled: bool = False
    deleted: bool = False
    named: str = ""
    """As Google writes its name: its project by number."""
    of_google: bool = False
    """Its mode is SYSTEM_TRUST_DOMAIN: a service of Google runs it."""
    gone: bool = False
    """There is none of this name, not even a deleted one."""
    purged: str = ""
    """Of a deleted one: when it is gone for good, as Google writes it."""
    unread: str = ""
    needs: str = ""

    @property
    def state(self) -> str:
        """In words; empty where it works."""
        if self.gone:
            return "is gone: it lets nobody in"
        if self.deleted:
            until = f", which can be done until {self.purged}" if self.purged else ""
            return f"is deleted: {SHUT.format(undoes='undeletes')}{until}"
        return f"is disabled: {SHUT.format(undoes='enables')}" if self.disabled else ""


class PoolReads:
    """What was read of each pool (fresh.py). Thread-safe; never raises a fault of the contract."""

    def __init__(self, conn: GcpConnection) -> None:
        self._conn = conn

    def of(self, name: str) -> Pool:
        """By its whole name."""
        [pool] = self.all_of([name])
        return pool

    def all_of(self, names: Iterable[str]) -> Sequence[Pool]:
        """Two reads for each, all of them at once."""
        wanted = list(names)
        looks = [partial(self._read, which, name) for name in wanted for which in LOOKS]
        told = self._conn.side_by_side(*looks)
        return [_pool(name, told[2 * place], told[2 * place + 1]) for place, name in enumerate(wanted)]

    def _read(self, which: str, name: str) -> Any:
        """What it gives, or its fault."""
        return self._conn.fresh.told((which, name), partial(LOOKS[which], self._conn, name))


def _pool(name: str, row: Any, providers: Any) -> Pool:
    faults = [each for each in (row, providers) if isinstance(each, Fault)]
    if any(isinstance(each, Missing) for each in faults):
        return Pool(name, gone=True)
    if faults:
        needs = GET_POOL if isinstance(row, Fault) else LIST_POOL_PROVIDERS
        return Pool(name, unread=faults[0].message, needs=getattr(faults[0], "needs", "") or needs)
    return Pool(
        name,
        tuple(provider_of(each) for each in providers),
        disabled=bool(row.get("disabled")),
        deleted=row.get("state") == "DELETED",
        named=str(row.get("name") or ""),
        of_google=row.get("mode") == "SYSTEM_TRUST_DOMAIN",
        purged=str(row.get("expireTime") or ""),
    )


def pool_row(conn: GcpConnection, name: str) -> Mapping[str, Any]:
    """Raises Denied, Missing."""
    return conn.get(IAM, f"/v1/{name}", GET_POOL)


def provider_row(conn: GcpConnection, name: str) -> Mapping[str, Any]:
    """Raises Denied, Missing."""
    return conn.get(IAM, f"/v1/{name}", GET_POOL_PROVIDER)


def provider_rows(conn: GcpConnection, name: str) -> list[dict[str, Any]]:
    """Deleted ones, too, which can be undeleted. Raises Denied, Missing."""
    field = "workloadIdentityPoolProviders"
    return list(conn.rows(IAM, f"/v1/{name}/providers", field, LIST_POOL_PROVIDERS, showDeleted="true"))


LOOKS: Mapping[str, Callable[[GcpConnection, str], Any]] = {"pool": pool_row, "providers": provider_rows}
"""Both of which tell what a pool is."""
