"""Scopes that were granted to an app: what a token of the org server may ask of the management API.

A grant lets nobody in by itself. One of an `okta.` scope is taken away first all the same: with it the app could repair
itself. OpenAPI: listScopeConsentGrants, revokeScopeConsentGrant, grantConsentToScope. facts okta-github.md 1.4, 12.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
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
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.lifetimes import ONCE, ORG_TOKENS_LIVE
from nhi_revoke_okta.naming import APP
from nhi_revoke_okta.scopes import GRANTS

KIND = "okta:app-grant"
OKTAS = "okta."
"""How the scopes of the management API begin."""
GONE: Json = {"granted": False}
THERE: Json = {"granted": True}


def granted(conn: OktaConnection, app: str) -> list[dict[str, Any]]:
    """What the app holds now. Raises Denied, Missing."""
    rows = conn.rows(_path(app), GRANTS.read)
    return [row for row in rows if row.get("status") != "REVOKED"]


def _path(app: str, grant: str = "") -> str:
    path = f"/api/v1/apps/{segment(app)}/grants"
    return f"{path}/{segment(grant)}" if grant else path


class Revoke(Doer[OktaConnection]):
    """No new token holds the scope. What one that holds it already may do, an admin role of the app decides, too."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (GRANTS.manage, GRANTS.read)
    says: ClassVar[str] = "takes the scope away from the app"
    undone: ClassVar[str] = "the scope is granted again"
    survives: ClassVar[str] = "tokens that hold the scope already, up to 60 minutes"
    source: ClassVar[str] = "OpenAPI: revokeScopeConsentGrant"
    only_first: ClassVar[bool] = True

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        """The scope is meant: granted anew it has another id, and is the same right."""
        gone = [_remove(conn, step.on.id, grant) for grant in _held(conn, step)]
        return Done(GONE, conn.now()) if any(gone) else Already(GONE)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        return None if _held(conn, step) else GONE

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        if _held(conn, step):
            return Already(THERE)
        if left != GONE:
            return Failed("this run did not take the scope away: nothing was changed")
        body = {"scopeId": step.before["scope"], "issuer": step.before["issuer"]}
        conn.send("POST", _path(step.on.id), GRANTS.manage, body)
        return Done(THERE, conn.now())


def _held(conn: OktaConnection, step: Step) -> list[str]:
    """Ids of the grants of this scope; none where the app is gone."""
    try:
        return [str(row["id"]) for row in granted(conn, step.on.id) if row.get("scopeId") == step.before["scope"]]
    except Missing:
        return []


def _remove(conn: OktaConnection, app: str, grant: str) -> bool:
    try:
        conn.send("DELETE", _path(app, grant), GRANTS.manage)
    except Missing:
        return False
    return True


class AppGrants(AccessKind[OktaConnection]):
    """Taken away in an incident; a rotation leaves them, since its new credential needs them."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "scopes granted to an app"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (GRANTS.read,)
    remedies = (Revoke(),)
    survives: ClassVar[str] = Revoke.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        app = conn.named(ref).id
        for row in granted(conn, app):
            scope = str(row["scopeId"])
            yield Access(
                id=f"{KIND}/{app}/{row['id']}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"scope {scope}",
                created=moment(row.get("created")),
                evidence="GET /api/v1/apps/…/grants",
                door=scope,
                before={"scope": scope, "issuer": str(row.get("issuer") or "")},
                opens=False,
                elsewhere=True,
                note="what tokens of the app may ask of Okta itself; no way in by itself",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            scope = str(access.before["scope"])
            if scope.startswith(OKTAS) and intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"take scope {scope} away from {view.who.name}",
                    rearms=ORG_TOKENS_LIVE,
                    breaks=f"what {view.who.name} does with {scope}, until it is granted again (undo, {ONCE})",
                )  # fmt: skip
