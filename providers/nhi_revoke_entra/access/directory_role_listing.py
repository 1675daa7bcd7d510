"""Where a principal's directory roles are listed: its own, its groups', and those that it may activate (PIM).

Microsoft docs: rbacapplication-list-roleassignments, rbacapplication-list-roleeligibilityscheduleinstances. The latter
needs a licence of the tenant's, without which Graph answers 400 AadPremiumLicenseRequired (maester365/maester#1421).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.io import Io
from nhi_revoke_entra.access.group import Group, groups_of
from nhi_revoke_entra.access.stopping import STOPS
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import USER
from nhi_revoke_entra.permissions import READ_ROLES

T = TypeVar("T")
ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
ELIGIBLE = "/roleManagement/directory/roleEligibilityScheduleInstances"
NO_LICENCE = "AadPremiumLicenseRequired"
LICENCE = "Entra ID P2 or Entra ID Governance"
BY_GROUP = "directory roles that come to it through groups"
BY_ACTIVATION = "directory roles that it may activate (PIM)"


class Held(Struct, frozen=True):
    """One row of either listing. `group`: whose it is, unless it is the principal's own."""

    row: dict[str, Any]
    group: Group | None = None
    eligible: bool = False


def roles_of(conn: EntraConnection, listing: str, principal: str) -> list[dict[str, Any]]:
    """Of exactly this object: what its groups hold is not among them. Raises Denied, Rejected."""
    query = {"$filter": f"principalId eq '{principal}'", "$expand": "roleDefinition"}
    return list(conn.rows(listing, READ_ROLES, **query))


def held_by(conn: EntraConnection, ref: PrincipalRef, kind: str, principal: str, io: Io) -> Iterator[Held | BlindSpot]:
    """Its own, and whatever it holds otherwise. Raises Denied, Rejected where its own cannot be listed.

    Of the others a look that fails hides none, and is a blind spot: a token may use what it would have shown.
    """
    own, groups, eligible = conn.side_by_side(
        lambda: roles_of(conn, ASSIGNMENTS, principal),
        lambda: _tried(lambda: groups_of(conn, principal, user=ref.kind == USER)),
        lambda: _tried(lambda: roles_of(conn, ELIGIBLE, principal)),
    )
    yield from (Held(row) for row in own)
    if isinstance(groups, Missing):
        return  # the principal is gone
    if isinstance(groups, Fault):
        yield _unseen(ref, kind, BY_GROUP, groups)
        groups = ()
    if isinstance(eligible, Fault):
        yield _unseen(ref, kind, BY_ACTIVATION, eligible)
    else:
        yield from (Held(row, eligible=True) for row in eligible)
    listings = (ASSIGNMENTS,) if isinstance(eligible, Fault) else (ASSIGNMENTS, ELIGIBLE)
    asked = [(listing, group) for listing in listings for group in groups]
    answers = io.map(lambda each: _tried(lambda: roles_of(conn, each[0], each[1].id)), asked)
    yield from _sorted(ref, kind, asked, answers)


def _sorted(
    ref: PrincipalRef, kind: str, asked: Sequence[tuple[str, Group]], answers: Sequence[Any]
) -> Iterator[Held | BlindSpot]:
    """One blind spot for each listing that failed for any group."""
    failed: dict[str, Fault] = {}
    for (listing, group), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Fault):
            failed.setdefault(BY_ACTIVATION if listing == ELIGIBLE else BY_GROUP, answer)
        else:
            yield from (Held(row, group, listing == ELIGIBLE) for row in answer)
    yield from (_unseen(ref, kind, what, fault) for what, fault in failed.items())


def _tried(look: Callable[[], T]) -> T | Fault:
    try:
        return look()
    except Fault as fault:
        return fault


def _unseen(ref: PrincipalRef, kind: str, what: str, fault: Fault) -> BlindSpot:
    if fault.code == NO_LICENCE:
        return BlindSpot(
            ref, kind, f"{what}: the tenant has no licence for it ({NO_LICENCE})", LICENCE, covered_by=STOPS
        )
    why = "not allowed" if isinstance(fault, Denied) else "could not be read"
    needs = fault.needs if isinstance(fault, Denied) else ""
    return BlindSpot(ref, kind, f"{what}: {why} ({fault.message})", needs, covered_by=STOPS)
