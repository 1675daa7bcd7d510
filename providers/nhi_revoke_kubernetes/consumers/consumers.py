"""Who uses a credential in a cluster: what holds it, what names its principal, and the workloads that refer to either.

Only listings are asked for, and nothing is changed. Pods and Jobs that no such workload runs are not looked at, and
said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import FlushTarget
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.seeking import addresses, owners, told
from nhi_revoke_kubernetes.connection import KubernetesConnection
from nhi_revoke_kubernetes.consumers.listing import (
    CONFIG_MAPS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    SECRETS,
    SERVICE_ACCOUNTS,
    STATEFUL_SETS,
    Listed,
    Sort,
    everywhere,
    place,
)
from nhi_revoke_kubernetes.consumers.places import (
    Federated,
    Place,
    config_map_place,
    delivered,
    federated,
    secret_place,
)
from nhi_revoke_kubernetes.consumers.references import Reference, account, literals, pod_of, references
from nhi_revoke_kubernetes.flush.settings import NAME as RESTART
from nhi_revoke_kubernetes.flush.settings import Target
from nhi_revoke_kubernetes.flush.workloads import unfit
from nhi_revoke_kubernetes.store.address import SCHEME, parse_address

WORKLOADS = {
    DEPLOYMENTS: ("deployment", "Deployment"),
    STATEFUL_SETS: ("statefulset", "StatefulSet"),
    DAEMON_SETS: ("daemonset", "DaemonSet"),
    CRON_JOBS: ("cronjob", "CronJob"),
}
"""What kubectl calls one, and what a person does."""
LEFT_OUT = "pods and Jobs that no Deployment, StatefulSet, DaemonSet or CronJob runs are not looked at"
STRONGEST: tuple[Basis, ...] = ("id", "reference", "use", "name")


class Workload(Struct, frozen=True):
    """One, reduced to what tells consumers."""

    sort: Sort
    namespace: str
    name: str
    refers: tuple[Reference, ...]
    account: str
    marked: tuple[str, ...] = ()
    """What of its own template holds a mark, in words."""
    of: tuple[PrincipalRef, ...] = ()
    unfit: str = ""
    """Why a restart would not replace its pods."""

    @property
    def target(self) -> str:
        return f"{WORKLOADS[self.sort][0]}/{self.name}"


def consumers(conn: KubernetesConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    """Raises Unauthenticated."""
    namespaces, wrong = _namespaces(conn, sought)
    looks = {
        SECRETS: lambda row: secret_place(row, sought),
        CONFIG_MAPS: lambda row: config_map_place(row, sought),
        SERVICE_ACCOUNTS: lambda row: federated(row, sought),
        **{sort: _reader(sort, sought) for sort in WORKLOADS},
    }
    listed: Sequence[Listed[Any]] = conn.io.map(
        lambda sort: everywhere(conn, sort, namespaces, looks[sort]), tuple(looks)
    )
    yield from wrong
    for each in listed:
        yield from each.spots
    by_sort = {each.sort: each.found for each in listed}
    places = _places([*by_sort[SECRETS], *by_sort[CONFIG_MAPS]], sought)
    accounts: Mapping[tuple[str, str], Federated] = {(f.namespace, f.name): f for f in by_sort[SERVICE_ACCOUNTS]}
    for held in places.values():
        if held.seen:
            yield held.consumer(conn.scope)
    for one in accounts.values():
        yield Consumer(one.told, conn.scope, "id", one.why, SERVICE_ACCOUNTS.evidence, one.of)
    for sort in WORKLOADS:
        for workload in by_sort[sort]:
            yield from _of_workload(conn.scope, workload, places, accounts)
    yield BlindSpot(place(conn), "kubernetes:pods", LEFT_OUT, counts=False)


def _namespaces(conn: KubernetesConnection, sought: Sought) -> tuple[tuple[str, ...], list[BlindSpot]]:
    """The operator's own, and those that the map names."""
    named, wrong = [conn.namespace], list[BlindSpot]()
    for _, text in addresses(sought, SCHEME):
        try:
            named.append(parse_address(text.partition("#")[0]).namespace)
        except Rejected as fault:
            wrong.append(BlindSpot(place(conn), "kubernetes:secrets", fault.message))
    return tuple(dict.fromkeys(named)), wrong


def _places(seen: Iterable[Place], sought: Sought) -> dict[tuple[str, str, str], Place]:
    """What is delivered to counts as such, if nothing stronger is seen there."""
    found = {each.key: each for each in seen}
    try:
        mapped = list(delivered(sought))
    except Rejected:
        mapped = []  # told above
    for each in mapped:
        known = found.get(each.key)
        if known is None:
            found[each.key] = each
        elif known.basis == "name":
            found[each.key] = Place(
                each.kind, each.namespace, each.name, each.basis, each.why, each.of, each.deliver, each.by_hand
            )
    return found


def _reader(sort: Sort, sought: Sought) -> Any:
    def read(row: Json) -> Workload:
        meta, template = row.get("metadata") or {}, pod_of(row)
        marked, of = list[str](), list[PrincipalRef]()
        for each in literals(template):
            if there := marks_in(each.text, sought.marks):
                marked.append(f"{each.where} holds {told(there)}")
                of += owners(there)
        name = str(meta.get("name"))
        why = "" if sort is CRON_JOBS else unfit(Target(WORKLOADS[sort][0], name), row)
        return Workload(
            sort, str(meta.get("namespace")), name, references(template), account(template), tuple(marked),
            tuple(dict.fromkeys(of)), why,
        )  # fmt: skip

    return read


def _of_workload(
    scope: str,
    workload: Workload,
    places: Mapping[tuple[str, str, str], Place],
    accounts: Mapping[tuple[str, str], Federated],
) -> Iterable[Consumer]:
    """One consumer for all that it refers to, by the strongest of it."""
    told_by: list[tuple[Basis, str, tuple[PrincipalRef, ...]]] = [
        ("id", words, workload.of) for words in workload.marked
    ]
    for ref in workload.refers:
        held = places.get((ref.kind, workload.namespace, ref.name))
        if held is not None:
            basis: Basis = "name" if held.basis == "name" else "reference"
            told_by.append((basis, f"it reads {ref.kind} {ref.name}, {ref.how} ({held.why})", held.of))
    if one := accounts.get((workload.namespace, workload.account)):
        told_by.append(("reference", f"its pods run as {one.told} ({one.why})", one.of))
    if not told_by:
        return
    basis = min((each[0] for each in told_by), key=STRONGEST.index)
    strongest = [each for each in told_by if each[0] == basis] if basis == "name" else told_by
    flush, by_hand = _flush(workload)
    yield Consumer(
        what=f"{WORKLOADS[workload.sort][1]} {workload.namespace}/{workload.name}",
        scope=scope,
        basis=basis,
        why="; ".join(dict.fromkeys(words for _, words, _ in strongest)),
        evidence=workload.sort.evidence,
        of=tuple(dict.fromkeys(ref for _, _, of in strongest for ref in of)),
        flush=flush,
        by_hand=by_hand,
    )


def _flush(workload: Workload) -> tuple[tuple[FlushTarget, ...], str]:
    if workload.sort is CRON_JOBS:
        return (), (
            "Its next job reads the replacement; a job that runs holds the old one: "
            f"kubectl get jobs -n {workload.namespace}"
        )
    by_hand = "" if not workload.marked else (
        f"Its template itself holds the id: kubectl edit {workload.target} -n {workload.namespace}"
    )  # fmt: skip
    if workload.unfit:
        why = f"{workload.unfit}: a restart would not replace its pods. Replace them by hand"
        return (), f"{by_hand}. {why}" if by_hand else why
    settings: Json = {"namespace": workload.namespace, "workloads": [workload.target]}
    return (FlushTarget(RESTART, settings),), by_hand
