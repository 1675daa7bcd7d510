"""Azure role assignments: what a principal's tokens may do in subscriptions. Azure looks anew for each call.

facts entra.md 3 ("remove Azure RBAC assignment"): to remove one is the quickest end of a token that no CAE reaches,
within minutes; what comes through a group waits for a new token. Azure docs: role-assignments-rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.stopping import STOPS
from nhi_revoke_entra.arm import ASSIGNMENTS, SUBSCRIPTIONS
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.identities import NO_SUBSCRIPTION, subscriptions_of
from nhi_revoke_entra.lifetimes import LIVES
from nhi_revoke_entra.naming import AGENT, APP, USER
from nhi_revoke_entra.permissions import READ_APPS, READ_AZURE, READ_USERS, REMOVE_AZURE, WRITE_AZURE

KIND = "entra:azure-role"
SETTLE = 300.0
"""Seconds: minutes are documented. Azure may remember an assignment for longer (ten minutes, as is recalled): a token
that lives counts as living for its whole time all the same.
"""
GONE: Json = {"assigned": False}
THERE: Json = {"assigned": True}
KEPT = ("roleDefinitionId", "principalId", "principalType", "condition", "conditionVersion", "description")
"""Members of an assignment that it is written again with."""
UNSEEN = f"{NO_SUBSCRIPTION}: whether it has Azure roles is unseen"


def assignments_of(
    conn: EntraConnection, subscriptions: Sequence[str], principal: str, io: Io
) -> tuple[list[dict[str, Any]], Mapping[str, Fault]]:
    """Its own and those of its groups, over these subscriptions; and those that could not be read, with why: whoever
    may do anything in a subscription sees it, and need not see its roles. Raises Denied where none can be read.
    """

    def of(subscription: str) -> list[dict[str, Any]] | Fault:
        path = f"{SUBSCRIPTIONS}/{segment(subscription)}{ASSIGNMENTS}"
        try:
            return list(conn.azure.rows(path, READ_AZURE, **{"$filter": f"assignedTo('{principal}')"}))
        except Fault as fault:
            return fault

    listed = dict(zip(subscriptions, io.map(of, subscriptions), strict=True))
    unread = {subscription: fault for subscription, fault in listed.items() if isinstance(fault, Fault)}
    # One that is not there any more, or is on its way to another tenant, says nothing of roles: never "none".
    whole = [fault for fault in unread.values() if not isinstance(fault, Missing)]
    if whole and len(unread) == len(listed):
        raise whole[0]
    # One of a management group is listed by each subscription below it.
    read = (rows for rows in listed.values() if not isinstance(rows, Fault))
    found = {str(row["id"]).lower(): row for rows in read for row in rows}
    return list(found.values()), unread


def _principal(conn: EntraConnection, ref: PrincipalRef) -> str:
    """Object id; empty where it has none here."""
    return conn.user_named(ref).id if ref.kind == USER else conn.named(ref).service_principal


def assignment(conn: EntraConnection, its_id: str) -> dict[str, Any] | None:
    """As it is now; None where it is no more."""
    try:
        found: dict[str, Any] = conn.azure.get(its_id, READ_AZURE)
    except Missing:
        return None
    return found


class Remove(Doer[EntraConnection]):
    """Written again under the same id, it is the same assignment."""

    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (REMOVE_AZURE, WRITE_AZURE, READ_AZURE)
    says: ClassVar[str] = "takes the Azure role away"
    undone: ClassVar[str] = "the same role is assigned again, over the same scope"
    survives: ClassVar[str] = "what it read while it had the role: keys of storage accounts, contents of vaults"
    source: ClassVar[str] = "Azure docs: role-assignments-rest, role-assignments/delete"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        # It answers with what it removed, and with nothing where there was nothing.
        removed = conn.azure.send("DELETE", str(step.before["id"]), REMOVE_AZURE)
        return Done(GONE, conn.now()) if removed else Already(GONE)

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        return GONE if assignment(conn, str(step.before["id"])) is None else None

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        its_id = str(step.before["id"])
        if assignment(conn, its_id) is not None:
            return Already(THERE)
        if left != GONE:
            return Failed("this run did not take the role away: nothing was changed")
        conn.azure.send("PUT", its_id, WRITE_AZURE, {"properties": dict(step.before["properties"])})
        return Done(THERE, conn.now())


class AzureRoles(AccessKind[EntraConnection]):
    """Taken away in a containment, all of its own: each keeps a token useful of which nobody can tell."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "Azure role assignments"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT, USER)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS, READ_USERS, READ_AZURE)
    remedies = (Remove(),)
    survives: ClassVar[str] = Remove.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        # Subscriptions are anybody's: they are asked for while it is looked up who this is.
        subscriptions, principal = conn.side_by_side(lambda: subscriptions_of(conn), lambda: _principal(conn, ref))
        if not principal:
            return
        rows, unread = assignments_of(conn, subscriptions, principal, io)
        if not subscriptions:
            yield BlindSpot(ref, KIND, UNSEEN, f"{READ_AZURE} on a subscription", covered_by=STOPS)
        for subscription, fault in unread.items():
            needs = (fault.needs or READ_AZURE) if isinstance(fault, Denied) else ""
            why = f"its Azure roles in subscription {subscription}: {fault.message}"
            yield BlindSpot(ref, KIND, why, needs, covered_by=STOPS)
        roles = list(dict.fromkeys(str((row.get("properties") or {}).get("roleDefinitionId")) for row in rows))
        names = dict(zip(roles, io.map(lambda each: _name(conn, each), roles), strict=True))
        for row in rows:
            yield self._access(ref, principal, row, names)

    def _access(self, ref: PrincipalRef, principal: str, row: Mapping[str, Any], names: Mapping[str, str]) -> Access:
        told = row.get("properties") or {}
        role, scope = str(told.get("roleDefinitionId")), str(told.get("scope") or "")
        group = "" if str(told.get("principalId")).lower() == principal.lower() else str(told.get("principalId"))
        through = f", through group {group}" if group else ""
        return Access(
            id=f"{KIND}/{principal}/{str(row['name']).lower()}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"Azure role {names[role]} over {scope}{through}",
            evidence="GET /subscriptions/…/roleAssignments",
            door=f"{role} {scope}",
            before={
                "id": str(row["id"]),
                "group": group,
                "properties": {name: told[name] for name in KEPT if told.get(name)},
            },
            opens=False,
            elsewhere=True,
            note="what its own tokens may do there; no way in by itself"
            if not group
            else "it belongs to a group: take the principal out of it by hand; a token that is out keeps it",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if not access.before["group"] and intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, rearms=LIVES.total_seconds(),
                    says=f"take {access.label} away from {view.who.name}",
                    breaks=f"what {view.who.name} does there, until it is assigned again (undo)",
                )  # fmt: skip


def _name(conn: EntraConnection, role: str) -> str:
    """Of a role; its id where it could not be read."""
    try:
        found = conn.azure.get(role, READ_AZURE)
    except Fault:
        return role.rpartition("/")[2]
    return str((found.get("properties") or {}).get("roleName") or role.rpartition("/")[2])
