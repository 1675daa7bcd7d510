"""Delegated grants: what an app may do for users. Users' refresh tokens for it work as long as one stands.

facts entra.md 1 (row 10) and 8 (4): the grant names its client by the service principal's object id. What one user or
an administrator consented to is written again from what was kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.right_removal import RightRemoval
from nhi_revoke_entra.access.stopping import is_wanted
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import after_grant
from nhi_revoke_entra.named import SERVICE_PRINCIPALS
from nhi_revoke_entra.naming import AGENT, APP
from nhi_revoke_entra.permissions import READ_GRANTS, WRITE_GRANTS

KIND = "entra:delegated-grant"
ALL = "AllPrincipals"
GONE: Json = {"granted": False}
THERE: Json = {"granted": True}


def grants_of(conn: EntraConnection, principal: str) -> list[dict[str, Any]]:
    """Raises Denied; none where the service principal is gone."""
    try:
        return list(conn.rows(f"/{SERVICE_PRINCIPALS}/{principal}/oauth2PermissionGrants", READ_GRANTS))
    except Missing:
        return []


def grants_listed(conn: EntraConnection, principal: str) -> list[dict[str, Any]]:
    """As `grants_of`, for lists."""
    found: list[dict[str, Any]] = conn.reads.read(("grants", principal), lambda: grants_of(conn, principal))
    return found


class Remove(RightRemoval):
    """The consent is meant: given anew it has another id, perhaps. One client has one for each resource and user."""

    permissions: ClassVar[tuple[str, ...]] = (WRITE_GRANTS, READ_GRANTS)
    says: ClassVar[str] = "removes the delegated grant"
    undone: ClassVar[str] = "the same consent is written again"
    survives: ClassVar[str] = "users' access tokens for the app: 60 to 90 minutes, up to 28 hours with CAE"
    source: ClassVar[str] = "Microsoft docs: oauth2permissiongrant-delete"
    gone: ClassVar[Json] = GONE
    there: ClassVar[Json] = THERE
    kept: ClassVar[str] = "this run did not remove the grant"

    def held(self, conn: EntraConnection, step: Step) -> Sequence[str]:
        wanted = (step.before["consent"], step.before["user"], step.before["resource"])
        rows = grants_of(conn, str(step.before["object"]))
        told = {
            str(r["id"]): (r.get("consentType"), str(r.get("principalId") or ""), r.get("resourceId")) for r in rows
        }
        return [its_id for its_id, grant in told.items() if grant == wanted]

    def delete(self, conn: EntraConnection, step: Step, its_id: str) -> None:
        conn.send("DELETE", f"/oauth2PermissionGrants/{segment(its_id)}", WRITE_GRANTS)

    def give(self, conn: EntraConnection, step: Step) -> None:
        body = {
            "clientId": step.before["object"],
            "consentType": step.before["consent"],
            "resourceId": step.before["resource"],
            "scope": step.before["scope"],
        }
        if step.before["user"]:
            body["principalId"] = step.before["user"]
        conn.send("POST", "/oauth2PermissionGrants", WRITE_GRANTS, body, again=False)

    def left(self, conn: EntraConnection, step: Step) -> Json:
        return {**GONE, "residuals": after_grant(conn.now(), conn.scope, step.on.id)}


def _given(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row.get("consentType") or ""), str(row.get("principalId") or ""), str(row.get("resourceId") or "")


class DelegatedGrants(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "delegated grants"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT)
    reads: ClassVar[tuple[str, ...]] = (READ_GRANTS,)
    remedies = (Remove(),)
    survives: ClassVar[str] = Remove.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        principal = conn.named(ref).service_principal
        for row in grants_listed(conn, principal) if principal else ():
            consent, user = str(row.get("consentType") or ""), str(row.get("principalId") or "")
            scope = " ".join(str(row.get("scope") or "").split())
            yield Access(
                id=f"{KIND}/{principal}/{row['id']}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"delegated grant for {'every user' if consent == ALL else f'user {user}'}: {scope}",
                evidence="GET /servicePrincipals/…/oauth2PermissionGrants",
                door=f"{consent} {user} {row.get('resourceId')}",
                before={
                    "object": principal,
                    "consent": consent,
                    "user": user,
                    "resource": str(row.get("resourceId") or ""),
                    "scope": scope,
                },
                note="users' refresh tokens for this app work while it stands",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if is_wanted(access, intent):
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"remove the {access.label} of {view.who.name}",
                    breaks=f"what {view.who.name} does for these users, until somebody consents again (or undo)",
                )  # fmt: skip
