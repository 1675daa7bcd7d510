"""Directory roles of a service principal or a user: what its tokens may do in the tenant, whatever app roles it has.

facts entra.md 1 (row 11): the unified role assignments, by principal. A role that only reads is left; any other one
lets the app undo its own containment. What it holds through groups, or may activate (PIM), is told and left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.directory_role_listing import ASSIGNMENTS, ELIGIBLE, Held, held_by, roles_of
from nhi_revoke_entra.access.right_removal import RightRemoval
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import LIVES
from nhi_revoke_entra.naming import AGENT, APP, USER
from nhi_revoke_entra.permissions import READ_APPS, READ_ROLES, READ_USERS, WRITE_ROLES

KIND = "entra:directory-role"
TENANT_WIDE = "/"
READERS = frozenset(
    {
        "Directory Readers",
        "Global Reader",
        "Message Center Reader",
        "Reports Reader",
        "Security Reader",
        "Usage Summary Reports Reader",
    }
)
"""Built-in roles that change nothing."""
OF_GROUP = "it belongs to a group: take the principal out of it by hand; when a token that is out loses it is not known"
TO_ACTIVATE = "it is its own once it activates it: take the eligibility away by hand, in Privileged Identity Management"
OWN = "what its own tokens may do in the tenant; no way in by itself"
GONE: Json = {"assigned": False}
THERE: Json = {"assigned": True}


class Remove(RightRemoval):
    """The role and its scope are meant: given anew it has another assignment id, and is the same right."""

    permissions: ClassVar[tuple[str, ...]] = (WRITE_ROLES, READ_ROLES)
    says: ClassVar[str] = "takes the directory role away"
    undone: ClassVar[str] = "the same role is assigned again, over the same scope"
    survives: ClassVar[str] = "tokens that are out, as far as is known: when they lose the role is documented nowhere"
    source: ClassVar[str] = "Microsoft docs: unifiedroleassignment-delete"
    gone: ClassVar[Json] = GONE
    there: ClassVar[Json] = THERE
    kept: ClassVar[str] = "this run did not take the role away"

    def held(self, conn: EntraConnection, step: Step) -> Sequence[str]:
        wanted = (step.before["role"], step.before["scope"])
        rows = roles_of(conn, ASSIGNMENTS, str(step.before["object"]))
        return [str(row["id"]) for row in rows if (row.get("roleDefinitionId"), _scope(row)) == wanted]

    def delete(self, conn: EntraConnection, step: Step, its_id: str) -> None:
        conn.send("DELETE", f"{ASSIGNMENTS}/{segment(its_id)}", WRITE_ROLES)

    def give(self, conn: EntraConnection, step: Step) -> None:
        body = {
            "principalId": step.before["object"],
            "roleDefinitionId": step.before["role"],
            "directoryScopeId": step.before["scope"],
        }
        conn.send("POST", ASSIGNMENTS, WRITE_ROLES, body, again=False)


def _scope(row: Mapping[str, Any]) -> str:
    return str(row.get("directoryScopeId") or TENANT_WIDE)


class DirectoryRoles(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "directory roles"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT, USER)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS, READ_USERS, READ_ROLES)
    remedies = (Remove(),)
    survives: ClassVar[str] = Remove.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        principal = conn.user_named(ref).id if ref.kind == USER else conn.named(ref).service_principal
        if not principal:
            return
        for found in held_by(conn, ref, KIND, principal, io):
            yield found if isinstance(found, BlindSpot) else self._access(ref, principal, found)

    def _access(self, ref: PrincipalRef, principal: str, held: Held) -> Access:
        row, group = held.row, held.group
        role, scope = str(row["roleDefinitionId"]), _scope(row)
        name = str((row.get("roleDefinition") or {}).get("displayName") or role)
        over = "" if scope == TENANT_WIDE else f" over {scope}"
        through = f", through group {group.name}" if group else ""
        by_hand = {"group": group.id if group else "", "eligible": held.eligible} if group or held.eligible else {}
        return Access(
            id=f"{KIND}/{principal}/{'eligible/' if held.eligible else ''}{row['id']}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"{'may activate ' if held.eligible else ''}directory role {name}{over}{through}",
            evidence=f"GET {ELIGIBLE if held.eligible else ASSIGNMENTS}",
            door=f"{role} {scope}",
            before={
                "object": group.id if group else principal,
                "role": role,
                "scope": scope,
                "reads": name in READERS,
                **by_hand,
            },
            opens=False,
            elsewhere=True,
            note=TO_ACTIVATE if held.eligible else OF_GROUP if group else OWN,
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            by_hand = access.before.get("group") or access.before.get("eligible")
            if not by_hand and not access.before["reads"] and intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, rearms=LIVES.total_seconds(),
                    says=f"take {access.label} away from {view.who.name}: with it, it could undo this",
                    breaks=f"what {view.who.name} does with it, until it is assigned again (undo)",
                )  # fmt: skip
