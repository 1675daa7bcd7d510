"""Workloads that the account is attached to: each gets new tokens of it from its machine, without any key.

facts gcp.md 1 (row 12): whoever is on such a machine has them for as long as the account is enabled; no end of a key
reaches them. Nothing here stops a workload: the brake does, and what somebody may type next is told. GKE nodes are
virtual machines, and functions (2nd generation) are Cloud Run services.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke.provider.times import moment
from nhi_revoke_gcp.access.behind import behind, unseen
from nhi_revoke_gcp.attached_workloads import LISTINGS, MACHINE, Listed, Listing, Workload
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.named import Named
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.naming import COMPUTE
from nhi_revoke_gcp.stopping import ATTACHED, brake_of

KIND = ATTACHED
BEYOND = (
    "what this version does not look at: Dataflow, Composer, Vertex AI, Cloud Build, App Engine, Scheduler, Tasks and "
    "Pub/Sub that run or call as it; and workloads of other projects than {projects}"
)
MOST_SHOWN = 5
"""Commands of one notice."""


class Attached(AccessKind[GcpConnection]):
    """`late`: pages of each interface, one after the other."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "workloads that the account is attached to"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = tuple(each.needs for each in LISTINGS)
    late: ClassVar[bool] = True
    manual: ClassVar[str] = (
        "Disabled, the account gets its workloads no more tokens. Before it is enabled again, stop or clean what an "
        "intruder was on: a managed instance group makes a machine that was stopped or deleted anew."
    )
    survives: ClassVar[str] = "the workload, and whoever is on it: both have tokens again once the account is enabled"

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        if named.agent or not named.project:
            return
        projects = tuple(dict.fromkeys((named.project, *conn.settings.projects)))
        wanted = [(project, listing) for project in projects for listing in LISTINGS]
        answers = list(zip(wanted, io.map(lambda each: _read(conn, *each), wanted), strict=True))
        spots = [spot for (project, listing), told in answers for spot in _unseen(ref, project, listing, told)]
        beyond = unseen(ref, KIND, BEYOND.format(projects=", ".join(projects)))
        yield from behind(conn, named, [*spots, beyond])
        for (project, _), told in answers:
            for one in told.workloads if isinstance(told, Listed) else ():
                if one.account == named.email or (not one.account and _is_default(named, project)):
                    yield _access(ref, named, one)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step: what stops them is the brake, or somebody who types it."""
        found = [a for a in view.of(KIND) if a.state == "live"]
        if intent.order != "contain" or not found:
            return
        typed = "; ".join(str(a.before["stop"]) for a in found[:MOST_SHOWN])
        more = f"; and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
        if brake_of(view, intent).on:
            said = f"workloads of {view.who.name} get no tokens while it is disabled, and do once it is enabled"
            yield Notice(view.who.ref, f"{said}: stop what an intruder was on first. {typed}{more}", "warning")
            return
        said = f"workloads go on to get tokens of {view.who.name}: no end of a key reaches them"
        yield Notice(view.who.ref, f"{said}. --brake on stops them all, or one by one: {typed}{more}", "danger")


def _read(conn: GcpConnection, project: str, listing: Listing) -> Listed | Fault:
    try:
        return listing.read(conn, project)
    except Fault as fault:
        return fault


def _unseen(ref: PrincipalRef, project: str, listing: Listing, told: Listed | Fault) -> Iterable[BlindSpot]:
    """An API that is off is unknown, and never "none" (facts gcp.md 7, 20)."""
    what = f"{listing.words} of project {project} that run as it"
    if isinstance(told, Fault):
        yield unseen(ref, KIND, what, told, listing.needs)
    elif told.unreached:
        yield unseen(ref, KIND, f"{what}: Google could not look in {', '.join(told.unreached)}")


def _is_default(named: Named, project: str) -> bool:
    """Whether it is the account that workloads of this project have where they name none: that of Compute Engine."""
    return bool(COMPUTE.fullmatch(named.email)) and named.project == project


def _access(ref: PrincipalRef, named: Named, one: Workload) -> Access:
    where = f"{one.project}/{one.where}"
    notes: Sequence[str] = (
        "gets tokens of it from its own machine while the account is enabled: no end of a key reaches it",
        f"made by {one.pool}, which may make another" if one.pool else "",
        f"{_typed(one)} stops it" if one.runs else "stopped: whoever may start it can",
    )
    return Access(
        id=f"{KIND}/{named.email}/{one.sort.replace(' ', '-').lower()}/{where}/{one.name}",
        on=ref,
        kind=KIND,
        family="grant",
        state="live" if one.runs else "disabled",
        label=f"{one.sort} {one.name} in {where}",
        created=moment(one.created),
        evidence="GET …/aggregated/instances" if one.sort == MACHINE else "GET …/namespaces/…",
        door=f"{one.sort} {where}/{one.name}",
        before={"stop": _typed(one)},
        note="; ".join(filter(None, notes)),
    )


def _typed(one: Workload) -> str:
    """As a shell takes it, whatever its name holds."""
    return shlex.join(one.stop())
