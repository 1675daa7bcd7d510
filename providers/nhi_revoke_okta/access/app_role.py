"""Admin roles of an app's client: what it may administer. Found by client id, which need not be the app's id.

OpenAPI: listRolesForClient, deleteRoleFromClient, assignRoleToClient (a custom role: with its resource set). Okta docs:
RoleBTargetClient (what a standard role is limited to). facts okta-github.md 1.4, 12 and 15.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.connection import PAGE, OktaConnection
from nhi_revoke_okta.lifetimes import ONCE, ORG_TOKENS_LIVE
from nhi_revoke_okta.naming import APP
from nhi_revoke_okta.scopes import ROLES

KIND = "okta:app-role"
CUSTOM = "CUSTOM"
LIMITS = {
    "APP_ADMIN": ("catalog/apps", "name"),
    "USER_ADMIN": ("groups", "id"),
    "HELP_DESK_ADMIN": ("groups", "id"),
    "GROUP_MEMBERSHIP_ADMIN": ("groups", "id"),
}
"""Standard roles that may be limited: the list that says to what, and the field that names it."""
GONE: Json = {"assigned": False}
THERE: Json = {"assigned": True}


def assigned(conn: OktaConnection, client_id: str) -> list[dict[str, Any]]:
    """Raises Denied, Missing (no OAuth client, or gone)."""
    return [row for row in conn.rows(_path(client_id), ROLES.read) if row.get("status") != "INACTIVE"]


def _path(client_id: str, role: str = "") -> str:
    path = f"/oauth2/v1/clients/{segment(client_id)}/roles"
    return f"{path}/{segment(role)}" if role else path


def body_of(before: Json) -> Json:
    """What assigns the same role again."""
    body: Json = {"type": before["type"]}
    if before["type"] == CUSTOM:
        body |= {"role": before["role"], "resource-set": before["resource-set"]}
    return body


class Unassign(Doer[OktaConnection]):
    """The client administers nothing more with it, whatever scopes its tokens hold."""

    name: ClassVar[str] = "unassign"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (ROLES.manage, ROLES.read)
    says: ClassVar[str] = "takes the admin role away from the app"
    undone: ClassVar[str] = "the same role is assigned again; one that was limited to some groups or apps is not"
    survives: ClassVar[str] = "every credential, and access that no admin role decides"
    source: ClassVar[str] = "OpenAPI: deleteRoleFromClient"
    only_first: ClassVar[bool] = True

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        """The role is meant: assigned anew it has another id, and is the same right."""
        gone = [_remove(conn, _client(step), role) for role in _held(conn, step)]
        return Done(GONE, conn.now()) if any(gone) else Already(GONE)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        return None if _held(conn, step) else GONE

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        if _held(conn, step):
            return Already(THERE)
        if left != GONE:
            return Failed("this run did not take the role away: nothing was changed")
        limits = step.before.get("limits")
        if limits:
            why = f"the role was limited to {', '.join(limits)}, and for a moment it would hold for everything"
            return Impossible(why, f"assign {step.before['type']} in the admin console, limited as it was")
        conn.send("POST", _path(_client(step)), ROLES.manage, body_of(step.before))
        return Done(THERE, conn.now())


def _client(step: Step) -> str:
    return str(step.before["client_id"])


def _held(conn: OktaConnection, step: Step) -> list[str]:
    """Ids of the assignments of this role; none where the client is gone."""
    try:
        return [str(row["id"]) for row in assigned(conn, _client(step)) if _same(row, step.before)]
    except Missing:
        return []


def _remove(conn: OktaConnection, client_id: str, role: str) -> bool:
    try:
        conn.send("DELETE", _path(client_id, role), ROLES.manage)
    except Missing:
        return False
    return True


def _same(row: dict[str, Any], before: Json) -> bool:
    return all((row.get(field) or "") == before[field] for field in ("type", "role", "resource-set"))


class AppRoles(AccessKind[OktaConnection]):
    """Taken away in an incident; a rotation leaves them, since its new credential needs them."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "admin roles of an app"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (ROLES.read,)
    remedies = (Unassign(),)
    survives: ClassVar[str] = Unassign.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        rows = assigned(conn, named.client_id)
        for row, limits in zip(rows, io.map(lambda r: _limits(conn, named.client_id, r), rows), strict=True):
            label = str(row.get("label") or row["type"])
            yield Access(
                id=f"{KIND}/{named.id}/{row['id']}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"admin role {label}",
                created=moment(row.get("created")),
                evidence="GET /oauth2/v1/clients/…/roles",
                door=f"{row['type']}/{row.get('role') or ''}/{row.get('resource-set') or ''}",
                before={
                    "type": str(row["type"]),
                    "role": str(row.get("role") or ""),
                    "resource-set": str(row.get("resource-set") or ""),
                    "limits": limits,
                    "client_id": named.client_id,
                },
                opens=False,
                elsewhere=True,
                note="what tokens of the app may administer; no way in by itself",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if intent.covers(access):
                limited = bool(access.before["limits"])
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"take {access.label} away from {view.who.name}",
                    reversible=not limited, rearms="no" if limited else ORG_TOKENS_LIVE,
                    breaks=f"what {view.who.name} administers, until the role is assigned again (undo, {ONCE})",
                )  # fmt: skip


def _limits(conn: OktaConnection, client_id: str, row: dict[str, Any]) -> list[str]:
    """Groups or apps that a standard role is limited to; none: it holds for all of them."""
    if row["type"] not in LIMITS:
        return []
    where, field = LIMITS[row["type"]]
    path = f"{_path(client_id, str(row['id']))}/targets/{where}"
    try:
        return sorted(str(target.get("id") or target.get(field)) for target in conn.rows(path, ROLES.read, limit=PAGE))
    except Missing:
        return []
