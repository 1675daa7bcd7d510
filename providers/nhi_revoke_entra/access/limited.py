"""What policies on apps make of a replacement, in the plan's words. What was not looked at is told as such."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Notice
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.kind import View
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.places import Place
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.named import APPLICATIONS
from nhi_revoke_entra.permissions import READ_POLICIES
from nhi_revoke_entra.policies import UNREAD, lasts, limits

UNLOOKED = "whether a policy on apps lets nobody add a new one was not looked at"


def unlooked(
    conn: EntraConnection, ref: PrincipalRef, kind: str, objects: Sequence[tuple[Place, dict[str, Any]]]
) -> Iterable[BlindSpot]:
    """Hides no access: only that a replacement may be refused. `objects`: as they were read."""
    application = next((row for place, row in objects if place.collection == APPLICATIONS), None)
    if application is None:
        return
    try:
        limits(conn.policies(ref), moment(application.get("createdDateTime")))
    except Fault as fault:
        yield BlindSpot(ref, kind, f"{UNLOOKED}: {fault.message}", READ_POLICIES, counts=False)


def unsure(view: View, doubtful: str, noun: str) -> Iterable[Notice]:
    """What may refuse the mint all the same. `doubtful`: a policy that may forbid it."""
    if doubtful:
        said = f"{doubtful} may let nobody add a {noun} to this app: it exempts some, or is of a new sort"
        yield Notice(view.who.ref, f"{said}. That shows when it is tried")
    told = any(spot.needs == READ_POLICIES for spot in view.blind)
    if view.who.facts.get(UNREAD) and not told:
        yield Notice(view.who.ref, f"{UNLOOKED}: {view.who.facts[UNREAD]}")


def until(view: View, wanted: timedelta, at_most: float | None) -> str:
    """Until when a new one lasts, and why it does not last longer. `at_most`: seconds, as a policy has it."""
    end = view.inventory.at + timedelta(seconds=lasts(wanted, at_most))
    said = f"until {end:%Y-%m-%d}"
    if at_most is None or at_most >= wanted.total_seconds():
        return said
    return f"{said} (a policy on apps allows {at_most / 86400:g} days at most)"
