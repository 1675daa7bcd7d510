"""Admin roles of a user. They go first: whatever else the intruder holds of the user acts with them.

OpenAPI: listAssignedRolesForUser, unassignRoleFromUser, assignRoleToUser. A role that comes with a group's membership
is listed, too, and is no assignment of the user's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.scopes import ROLES, USERS

KIND = "okta:user-role"
LIST = "GET /api/v1/users/{id}/roles"
OUT: Json = {"assigned": False}
IN: Json = {"assigned": True}
EXPANDS = ("targets/groups", "targets/catalog/apps")
"""Okta embeds one kind of target at a time."""
BY_HAND = "take the user out of the group, or the role from the group: Admin console, Security > Administrators"


def listed(conn: OktaConnection, user: str, **query: str) -> list[dict[str, Any]]:
    return list(conn.rows(f"/api/v1/users/{segment(user)}/roles", ROLES.read, **query))


def same(row: dict[str, Any], before: Json) -> bool:
    """Whether an assignment of the user's own gives what this one gave: whoever took it away may find it given again,
    under another id.
    """
    own = row.get("assignmentType", "USER") != "GROUP"
    return own and all(str(row.get(part) or "") == before.get(part, "") for part in ("type", "role", "resource-set"))


class Unassign(Doer[OktaConnection]):
    """Rights, not credentials: tokens and sessions stay, and may do less."""

    name: ClassVar[str] = "unassign"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (ROLES.manage, ROLES.read)
    says: ClassVar[str] = "takes the admin role from the user"
    undone: ClassVar[str] = "the same role is assigned again, where it was limited to no targets"
    survives: ClassVar[str] = "every credential and session; roles that come with a group"
    source: ClassVar[str] = "OpenAPI: unassignRoleFromUser, assignRoleToUser"
    only_first: ClassVar[bool] = True

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        gone = [_remove(conn, step, row) for row in listed(conn, step.on.id) if same(row, step.before)]
        return Done(OUT, conn.now()) if any(gone) else Already(OUT)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        return None if _assigned(conn, step) else OUT

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        if _assigned(conn, step):
            return Already(IN)
        if left != OUT:
            return Failed("this run did not take the role away: nothing was changed")
        # Okta's own roles are assigned by their type alone, those too that are listed as a custom one is.
        parts = ("type", "role", "resource-set") if step.before["type"] == "CUSTOM" else ("type",)
        body = {part: step.before[part] for part in parts}
        conn.send("POST", f"/api/v1/users/{segment(step.on.id)}/roles", ROLES.manage, body)
        return Done(IN, conn.now())


def _remove(conn: OktaConnection, step: Step, row: dict[str, Any]) -> bool:
    path = f"/api/v1/users/{segment(step.on.id)}/roles/{segment(str(row['id']))}"
    try:
        conn.send("DELETE", path, ROLES.manage)
    except Missing:
        return False
    return True


def _assigned(conn: OktaConnection, step: Step) -> bool:
    return any(same(row, step.before) for row in listed(conn, step.on.id))


class UserRoles(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "admin roles of a user"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (ROLES.read, USERS.read)
    remedies = (Unassign(),)
    survives: ClassVar[str] = Unassign.survives
    manual: ClassVar[str] = BY_HAND

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        user = conn.named(ref).id
        limits: dict[str, list[str]] = {}
        both = io.map(lambda expand: listed(conn, user, expand=expand), EXPANDS)
        rows = {str(row["id"]): row for page in both for row in page}
        for page in both:
            for row in page:
                limits.setdefault(str(row["id"]), []).extend(_targets(row))
        for its_id, row in rows.items():
            yield _access(ref, user, its_id, row, limits[its_id])

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if access.state != "live" or not intent.covers(access) or intent.order != "contain":
                continue
            if access.before["through"] == "GROUP":
                why = f"{access.label} comes with a group, and stays with {view.who.name}: {BY_HAND}"
                yield Manual(view.who.ref, KIND, why, (access.id,))
                continue
            limits = str(access.before["limited"])
            says = f"take {access.label} from {view.who.name}"
            if limits:
                # Assigned anew, it would hold for everything until each limit was set again.
                says += f" (limited to {limits}: it is not assigned again by an undo, which would lift the limits)"
            yield draft_step(
                self, self.remedies[0], view, access, says=says, reversible=not limits,
                breaks=f"what {view.who.name} administers with it",
            )  # fmt: skip


def _targets(row: dict[str, Any]) -> list[str]:
    """Names of what a standard role is limited to."""
    told = (row.get("_embedded") or {}).get("targets") or {}
    groups = [str((g.get("profile") or {}).get("name") or g.get("id")) for g in told.get("groups") or ()]
    apps = (told.get("catalog") or {}).get("apps") or ()
    return groups + [str(a.get("displayName") or a.get("name") or a.get("id")) for a in apps]


def _access(ref: PrincipalRef, user: str, its_id: str, row: dict[str, Any], limits: list[str]) -> Access:
    through = str(row.get("assignmentType") or "USER")
    label, limited = str(row.get("label") or row["type"]), ", ".join(sorted(limits))
    notes = ["rights: no way in by itself", "comes with a group" if through == "GROUP" else ""]
    return Access(
        id=f"{KIND}/{user}/{its_id}",
        on=ref,
        kind=KIND,
        family="grant",
        state="disabled" if row.get("status") == "INACTIVE" else "live",
        label=f"admin role {label}" + (f" for {limited}" if limited else ""),
        created=moment(row.get("created")),
        evidence=LIST,
        door=f"{{scope}}/{row['type']}",
        before={
            "type": str(row["type"]),
            "role": str(row.get("role") or ""),
            "resource-set": str(row.get("resource-set") or ""),
            "through": through,
            "limited": limited,
        },
        opens=False,
        note="; ".join(filter(None, notes)),
    )
