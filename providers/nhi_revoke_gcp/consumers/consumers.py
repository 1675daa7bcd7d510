"""Who uses a credential in Google Cloud: secrets, what runs, and keys whose use Google tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from nhi_revoke.model.consumer import Consumer, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Unauthenticated
from nhi_revoke_gcp.access.key_use import LATE, last_uses
from nhi_revoke_gcp.attached_workloads import LISTINGS, Listing
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.consumers import runs, secrets
from nhi_revoke_gcp.consumers.runs import Runs
from nhi_revoke_gcp.consumers.secrets import Place
from nhi_revoke_gcp.naming import PROVIDER, project_of
from nhi_revoke_gcp.permissions import LIST_SECRETS, READ_KEY_USE, SEE_PROJECT
from nhi_revoke_gcp.projects import other_projects
from nhi_revoke_gcp.stopping import KEY

READS = (SEE_PROJECT, LIST_SECRETS, *(listing.needs for listing in LISTINGS), READ_KEY_USE)
LEFT_OUT = "functions of the first generation, App Engine, Composer, Dataflow and regional secrets are not looked at"
NAMED = 5
"""So many of the projects that could not be looked at are told by name."""
T = TypeVar("T")
Unseen = tuple[str, str, str, str, str]
"""Kind of what is unseen, what it is, why, what it needs, and the project."""


def consumers(conn: GcpConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    """Raises Unauthenticated."""
    on = PrincipalRef(PROVIDER, "project", conn.scope or "*")
    projects, spots = _projects(conn, sought, on)
    yield from spots
    unseen: list[Unseen] = []
    places = _over(
        conn, projects, lambda project: secrets.places_in(conn, project, sought),
        (secrets.KIND, "secrets", LIST_SECRETS), unseen,
    )  # fmt: skip
    yield from (place.consumer() for place in places)
    known = _known(places, sought)
    for listing in LISTINGS:
        for one in _running(conn, projects, listing, sought, unseen):
            if (found := runs.consumer(one, known, sought)) is not None:
                yield found
    yield from _used(conn, sought, unseen)
    yield from _spots(on, unseen)
    yield BlindSpot(on, runs.KIND, LEFT_OUT, counts=False)


def _projects(conn: GcpConnection, sought: Sought, on: PrincipalRef) -> tuple[list[str], list[BlindSpot]]:
    """A connection's own project; of one that has none, all others, and those that no address tells."""
    if conn.scope:
        return [conn.scope], []
    others = other_projects(conn)
    untold = [who.scope for who in sought.principals if _is_ours(conn, who)]
    why = f"secrets and workloads of {others.left_out}"
    spots = [BlindSpot(on, secrets.KIND, why, others.needs)] if others.left_out else []
    spots.append(BlindSpot(on, secrets.KIND, f"secrets and workloads of {others.beyond}", counts=False))
    return [each for each in dict.fromkeys((*others.projects, *untold)) if each], spots


def _is_ours(conn: GcpConnection, who: Principal) -> bool:
    """Whether its project is this connection's to ask, and no other's."""
    return who.ref.provider == PROVIDER and project_of(who.ref) == conn.scope


def _known(places: Sequence[Place], sought: Sought) -> dict[tuple[str, str], Place]:
    """By either name of the project."""
    known = {key: place for place in places for key in place.keys}
    for key, delivery in secrets.delivered(sought).items():
        known.setdefault(key, secrets.mapped_place(key, delivery, sought))
    return known


def _running(
    conn: GcpConnection, projects: Sequence[str], listing: Listing, sought: Sought, unseen: list[Unseen]
) -> Iterable[Runs]:
    def look(project: str) -> list[tuple[list[Runs], tuple[str, ...], str]]:
        return [(*runs.runs_in(conn, project, listing, sought), project)]

    for found, unreached, project in _over(conn, projects, look, (runs.KIND, listing.words, listing.needs), unseen):
        if unreached:
            why = f"Google could not look in {', '.join(unreached)}"
            unseen.append((runs.KIND, listing.words, why, "", project))
        yield from found


def _over(
    conn: GcpConnection, projects: Sequence[str], look: Callable[[str], list[T]], what: tuple[str, str, str],
    unseen: list[Unseen],
) -> list[T]:  # fmt: skip
    """Of every project, side by side; one that refuses hides no other. `what`: kind, words and permission."""

    def one(project: str) -> list[T] | Fault:
        try:
            return look(project)
        except Unauthenticated:
            raise
        except Fault as fault:
            return fault

    kind, words, needs = what
    found: list[T] = []
    for project, told in zip(projects, conn.io.map(one, projects), strict=True):
        if isinstance(told, Fault):
            lacks = told.needs if isinstance(told, Denied) else ""
            unseen.append((kind, words, told.message, lacks or needs, project))
        else:
            found += told
    return found


def _used(conn: GcpConnection, sought: Sought, unseen: list[Unseen]) -> Iterable[Consumer]:
    """Google tells the day on which a key was used last, and not by whom."""
    for who in sought.principals:
        mine = [mark for mark in sought.marks if mark.of == who.ref and mark.access and mark.kind == KEY]
        if not mine or not _is_ours(conn, who):
            continue
        try:
            used = last_uses(conn, who.scope)
        except Unauthenticated:
            raise
        except Fault as fault:
            lacks = fault.needs if isinstance(fault, Denied) else ""
            unseen.append((KEY, "last uses of keys", fault.message, lacks or READ_KEY_USE, who.scope))
            continue
        for mark in mine:
            if (day := used.get(mark.text.lower())) is not None:
                yield Consumer(
                    what=f"whatever holds key {mark.text}", scope=who.scope, basis="use",
                    why=f"it was last used on {day:%Y-%m-%d}: {LATE}", evidence="GET …/activities:query", of=(who.ref,),
                    by_hand="Cloud Logging tells from where, in entries whose serviceAccountKeyName is this key",
                )  # fmt: skip


def _spots(on: PrincipalRef, unseen: Sequence[Unseen]) -> Iterable[BlindSpot]:
    """One for each thing and permission, however many projects it is."""
    together: dict[tuple[str, str, str], list[Unseen]] = {}
    for each in unseen:
        together.setdefault((each[0], each[1], each[3]), []).append(each)
    for (kind, words, needs), there in together.items():
        names = ", ".join(each[4] for each in there[:NAMED])
        more = f" and {len(there) - NAMED} more" if len(there) > NAMED else ""
        yield BlindSpot(on, kind, f"{words} of project {names}{more} could not be listed: {there[0][2]}", needs)
