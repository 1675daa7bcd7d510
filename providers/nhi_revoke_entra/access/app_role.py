"""App roles that a service principal was given at APIs: what its own tokens may do there.

facts entra.md 1 (row 9), 3 and 8 (25): a token that is out keeps the roles that it was issued with. Taken away are
those by which the app could undo its own containment, with all that is needed to give them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.right_removal import RightRemoval
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import LIVES
from nhi_revoke_entra.named import SERVICE_PRINCIPALS
from nhi_revoke_entra.naming import AGENT, APP
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APP_ROLES

KIND = "entra:app-role"
GRAPH = "00000003-0000-0000-c000-000000000000"
"""appId of Microsoft Graph."""
REPAIRS = frozenset(
    {
        "AgentIdentity.EnableDisable.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "AppRoleAssignment.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.ReadWrite.All",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "RoleManagement.ReadWrite.Directory",
    }
)
"""Roles of Microsoft Graph by which an app or an agent is enabled, given a credential, an owner, a role (by Privileged
Identity Management, too) or a grant (microsoft-graph-devx-content: permissions.json).
"""
GONE: Json = {"assigned": False}
THERE: Json = {"assigned": True}


def _path(principal: str, assignment: str = "") -> str:
    path = f"/{SERVICE_PRINCIPALS}/{principal}/appRoleAssignments"
    return f"{path}/{assignment}" if assignment else path


def assignments_of(conn: EntraConnection, principal: str) -> list[dict[str, Any]]:
    """Raises Denied; none where the service principal is gone."""
    try:
        return list(conn.rows(_path(principal), READ_APPS))
    except Missing:
        return []


class Remove(RightRemoval):
    """The role is meant: given anew it has another assignment id, and is the same right."""

    permissions: ClassVar[tuple[str, ...]] = (WRITE_APP_ROLES, READ_APPS)
    says: ClassVar[str] = "takes the app role away"
    undone: ClassVar[str] = "the same role is assigned again"
    survives: ClassVar[str] = "tokens that hold the role already, until they expire"
    source: ClassVar[str] = "Microsoft docs: serviceprincipal-delete-approleassignments"
    gone: ClassVar[Json] = GONE
    there: ClassVar[Json] = THERE
    kept: ClassVar[str] = "this run did not take the role away"

    def held(self, conn: EntraConnection, step: Step) -> Sequence[str]:
        wanted = (step.before["resource"], step.before["role"])
        rows = assignments_of(conn, str(step.before["object"]))
        return [str(row["id"]) for row in rows if (row.get("resourceId"), row.get("appRoleId")) == wanted]

    def delete(self, conn: EntraConnection, step: Step, its_id: str) -> None:
        conn.send("DELETE", _path(str(step.before["object"]), its_id), WRITE_APP_ROLES)

    def give(self, conn: EntraConnection, step: Step) -> None:
        principal = str(step.before["object"])
        body = {
            "principalId": principal,
            "resourceId": step.before["resource"],
            "appRoleId": step.before["role"],
        }
        conn.send("POST", _path(principal), WRITE_APP_ROLES, body, again=False)


class AppRoles(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "app roles"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS,)
    remedies = (Remove(),)
    survives: ClassVar[str] = Remove.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        principal = conn.named(ref).service_principal
        rows = assignments_of(conn, principal) if principal else []
        resources = list(dict.fromkeys(str(row["resourceId"]) for row in rows))
        known = dict(zip(resources, io.map(lambda each: _resource(conn, each), resources), strict=True))
        for row in rows:
            yield self._access(ref, principal, row, known[str(row["resourceId"])])

    def _access(self, ref: PrincipalRef, principal: str, row: Mapping[str, Any], resource: Mapping[str, Any]) -> Access:
        role, at = str(row["appRoleId"]), str(row.get("resourceDisplayName") or row["resourceId"])
        named = {str(each.get("id")): str(each.get("value") or "") for each in resource.get("appRoles") or ()}
        value = named.get(role, "")
        # A role of Microsoft Graph whose name could not be read may be one of those.
        repairs = str(resource.get("appId") or GRAPH) == GRAPH and (not value or value in REPAIRS)
        return Access(
            id=f"{KIND}/{principal}/{row['id']}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"app role {value or role} at {at}",
            created=moment(row.get("createdDateTime")),
            evidence="GET /servicePrincipals/…/appRoleAssignments",
            door=f"{row['resourceId']} {role}",
            before={
                "object": principal,
                "resource": str(row["resourceId"]),
                "role": role,
                "value": value,
                "repairs": repairs,
            },
            opens=False,
            elsewhere=True,
            note="what its own tokens may do there; no way in by itself",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if access.before["repairs"] and intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, rearms=LIVES.total_seconds(),
                    says=f"take {access.label} away from {view.who.name}: with it, it could undo this",
                    breaks=f"what {view.who.name} does with it, until it is assigned again (undo)",
                )  # fmt: skip


def _resource(conn: EntraConnection, resource: str) -> Mapping[str, Any]:
    """The API's own service principal, which names its roles; nothing where it could not be read."""
    try:
        found: dict[str, Any] = conn.get(
            f"/{SERVICE_PRINCIPALS}/{resource}", READ_APPS, **{"$select": "appId,appRoles"}
        )
    except Fault:
        return {}
    return found
