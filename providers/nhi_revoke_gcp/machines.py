"""Virtual machines that machines of given names may be, and the accounts whose tokens those get.

A name is all that tells: the instance's own, or its internal DNS name (`NAME.ZONE.c.PROJECT.internal`, Google Cloud
docs: compute/docs/internal-dns). Whoever registers a machine chooses its name, so that a match is told as one by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke_gcp.attached_workloads import LISTINGS, Listed, Workload
from nhi_revoke_gcp.naming import canonical
from nhi_revoke_gcp.permissions import LIST_INSTANCES, SEE_PROJECT
from nhi_revoke_gcp.stopping import ATTACHED
from nhi_revoke_gcp.trusting import projects_of

if TYPE_CHECKING:
    from nhi_revoke.model.identity import Principal
    from nhi_revoke_gcp.connection import GcpConnection

READS = (LIST_INSTANCES, SEE_PROJECT)
EVIDENCE = "GET …/aggregated/instances"
INTERNAL = ".internal"
[MACHINES] = (each for each in LISTINGS if not each.path)


def on_machines(conn: GcpConnection, who: Principal, names: Sequence[str]) -> Iterable[Lead | BlindSpot]:
    """A lead for each machine. Raises Denied where no project can be seen."""
    projects, more = projects_of(conn)
    if more or not projects:
        left = "more projects than are looked through" if more else "any project: the operator sees none"
        why = f"virtual machines of {left}. Name those that matter: projects in [gcp] of nhi.toml"
        yield BlindSpot(who.ref, ATTACHED, why, SEE_PROJECT)
    for project, told in zip(projects, conn.io.map(lambda each: _read(conn, each), projects), strict=True):
        if isinstance(told, Fault):
            needs = (told.needs if isinstance(told, Denied) else "") or LIST_INSTANCES
            why = f"virtual machines of project {project} by the machines' names: {told.message}"
            yield BlindSpot(who.ref, ATTACHED, why, needs)
            continue
        if told.unreached:
            why = f"virtual machines of project {project}: Google could not look in {', '.join(told.unreached)}"
            yield BlindSpot(who.ref, ATTACHED, why)
        for one in told.workloads:
            for name in dict.fromkeys(names):
                if one.account and is_named(one, name):
                    yield _lead(who, one, name)


def is_named(one: Workload, name: str) -> bool:
    """Whether a machine of this name may be that one."""
    mine, name = one.name.lower(), name.lower().rstrip(".")
    project = f".c.{one.project.lower()}{INTERNAL}"
    return name in (mine, f"{mine}{project}", f"{mine}.{one.where.lower()}{project}")


def _read(conn: GcpConnection, project: str) -> Listed | Fault:
    try:
        return MACHINES.read(conn, project)
    except Fault as fault:
        return fault


def _lead(who: Principal, one: Workload, name: str) -> Lead:
    to, state = canonical(one.account), "" if one.runs else ", which is stopped"
    why = f"{name} is {one.sort} {one.project}/{one.where}/{one.name}{state}, by its name alone; it gets its tokens"
    return Lead(to, why, EVIDENCE, of=who.ref, next=command("list", to))
