"""Consents of a user: with one, and a session, a client gets new tokens without asking anybody (facts 1.4, 10).

OpenAPI: listUserGrants, revokeUserGrant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
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
from nhi_revoke_okta.access import user_session
from nhi_revoke_okta.connection import PAGE, OktaConnection
from nhi_revoke_okta.scopes import USERS

KIND = "okta:user-grant"
LIST = "GET /api/v1/users/{id}/grants"
GONE: Json = {"status": "gone"}


def _path(step: Step) -> str:
    return f"/api/v1/users/{segment(step.on.id)}/grants/{segment(step.ends[0].rpartition('/')[2])}"


class Revoke(Doer[OktaConnection]):
    """The client must ask the user again."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (USERS.manage, USERS.read)
    says: ClassVar[str] = "revokes the consent"
    survives: ClassVar[str] = "tokens that were minted with it: ended by steps of their own"
    source: ClassVar[str] = "OpenAPI: revokeUserGrant"
    reversible: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = (f"{user_session.KIND}/clear",)

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        try:
            conn.send("DELETE", _path(step), USERS.manage)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        wanted = step.ends[0].rpartition("/")[2]
        rows = conn.rows(f"/api/v1/users/{segment(step.on.id)}/grants", USERS.read, limit=PAGE)
        held = any(str(row["id"]) == wanted and row.get("status") != "REVOKED" for row in rows)
        return None if held else GONE


class UserGrants(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "consents of a user"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (USERS.read,)
    remedies = (Revoke(),)
    survives: ClassVar[str] = Revoke.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        user = conn.named(ref).id
        for row in conn.rows(f"/api/v1/users/{segment(user)}/grants", USERS.read, limit=PAGE):
            scope, client = str(row.get("scopeId") or ""), str(row.get("clientId") or "")
            yield Access(
                id=f"{KIND}/{user}/{row['id']}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="disabled" if row.get("status") == "REVOKED" else "live",
                label=f"consent to {scope} for client {client}",
                created=moment(row.get("created")),
                evidence=LIST,
                door=f"{client}/{scope}",
                before={"client": client, "scope": scope, "issuer": str(row.get("issuer") or "")},
                note="with a session, the client gets new tokens without asking again",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if access.state == "live" and intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"revoke the {access.label}",
                    breaks="the client must ask the user again",
                )  # fmt: skip
