"""Everything of one sort in a cluster, page by page; where that is denied, in the namespaces that are known.

Kubernetes docs: reference/using-api/api-concepts (`limit`, `continue`; a token that is too old answers 410, and the
list begins anew). Each object is reduced as soon as it is read: a Secret's values are never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing, Unauthenticated
from nhi_revoke_kubernetes.connection import KubernetesConnection

PAGE = 250
"""Objects; kubectl asks for 500, and a Secret may have a megabyte."""
T = TypeVar("T")


class Sort(Struct, frozen=True):
    """One sort of object."""

    name: str
    """As RBAC has it: `cronjobs.batch`."""
    api: str
    method: str
    """How the official client writes it."""

    @property
    def needs(self) -> str:
        return f"list {self.name}"

    @property
    def evidence(self) -> str:
        """The request that lists them."""
        plural, _, group = self.name.partition(".")
        return f"GET /apis/{group}/v1/{plural}" if group else f"GET /api/v1/{plural}"

    @property
    def kind(self) -> str:
        """Of a blind spot."""
        return f"kubernetes:{self.name.partition('.')[0]}"


SECRETS = Sort("secrets", "CoreV1Api", "secret")
CONFIG_MAPS = Sort("configmaps", "CoreV1Api", "config_map")
SERVICE_ACCOUNTS = Sort("serviceaccounts", "CoreV1Api", "service_account")
DEPLOYMENTS = Sort("deployments.apps", "AppsV1Api", "deployment")
STATEFUL_SETS = Sort("statefulsets.apps", "AppsV1Api", "stateful_set")
DAEMON_SETS = Sort("daemonsets.apps", "AppsV1Api", "daemon_set")
CRON_JOBS = Sort("cronjobs.batch", "BatchV1Api", "cron_job")


class Listed(Struct, Generic[T]):
    """What there is of one sort, reduced; and what could not be listed."""

    sort: Sort
    found: list[T]
    spots: list[BlindSpot]


def everywhere(
    conn: KubernetesConnection, sort: Sort, namespaces: Sequence[str], keep: Callable[[Json], T | None]
) -> Listed[T]:
    """`namespaces`: where to look if the whole cluster may not be listed. Raises Unauthenticated."""
    try:
        return Listed(sort, _pages(conn, sort, "", keep), [])
    except Denied:
        pass
    except Fault as fault:
        if isinstance(fault, Unauthenticated):
            raise
        return Listed(sort, [], [_unseen(conn, sort, f"{sort.name} could not be listed: {fault.message}")])
    listed, found = list[str](), list[T]()
    spots: list[BlindSpot] = []
    for namespace in namespaces:
        try:
            found += _pages(conn, sort, namespace, keep)
            listed.append(namespace)
        except Unauthenticated:
            raise
        except Fault as fault:
            spots.append(_unseen(conn, sort, f"{sort.name} of namespace {namespace}: {fault.message}"))
    but = f" but {', '.join(listed)}" if listed else ""
    why = f"{sort.name} of all namespaces{but} were not looked at: listing them cluster-wide is denied"
    return Listed(sort, found, [_unseen(conn, sort, why, f"{sort.needs}, in all namespaces"), *spots])


def place(conn: KubernetesConnection) -> PrincipalRef:
    """What a blind spot is on: the cluster."""
    return PrincipalRef("kubernetes", "cluster", conn.scope)


def _unseen(conn: KubernetesConnection, sort: Sort, why: str, needs: str = "") -> BlindSpot:
    return BlindSpot(place(conn), sort.kind, why, needs or sort.needs)


def _pages(conn: KubernetesConnection, sort: Sort, namespace: str, keep: Callable[[Json], T | None]) -> list[T]:
    """Raises the faults of the contract."""
    method = f"list_namespaced_{sort.method}" if namespace else f"list_{sort.method}_for_all_namespaces"
    where = f"-n {namespace}" if namespace else "-A"
    found: list[T] = []
    token, limit = "", PAGE
    while True:
        more: dict[str, Any] = {"limit": limit} if limit else {}
        more |= {"_continue": token} if token else {}
        try:
            told = conn.ask(
                sort.api, method, *((namespace,) if namespace else ()),
                needs=sort.needs, what=f"{sort.needs} {where}", **more,
            )  # fmt: skip
        except Missing:
            if not token:
                raise
            found, token, limit = [], "", 0  # too old: all of it at once, as client-go does
            continue
        found += [kept for row in told.get("items") or () if (kept := keep(row)) is not None]
        token = str((told.get("metadata") or {}).get("continue") or "")
        if not token:
            return found
