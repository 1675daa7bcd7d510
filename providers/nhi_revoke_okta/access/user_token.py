"""Refresh tokens that clients hold for a user: each mints access tokens, whatever becomes of the user's sessions.

OpenAPI: listRefreshTokensForUserAndClient (20 unless asked for more), revokeTokensForUserAndClient. Okta docs:
revoke-tokens (revoking a refresh token revokes its access tokens); manage-user-creds (5 minutes to 24 hours at a custom
authorization server, whose tokens whoever takes them may check without asking).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Residual, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import user_session
from nhi_revoke_okta.access.times import later
from nhi_revoke_okta.access.user_tokens_read import client_tokens, clients_of
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.scopes import USERS

KIND = "okta:user-token"
LIST = "GET /api/v1/users/{id}/clients/{clientId}/tokens"
GONE: Json = {"tokens": "none"}
LONGEST = timedelta(hours=24)
"""Of an access token of a custom authorization server: its rules may say less, never more."""


def minted(on: PrincipalRef, client: str) -> str:
    """Id of what the client's refresh tokens minted at custom servers."""
    return f"{KIND}/{on.id}/{client}/access-tokens"


class Revoke(Doer[OktaConnection]):
    """All of one client's. Clearing the sessions ends them, too: this is seen for itself."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (USERS.manage, USERS.read)
    says: ClassVar[str] = "revokes the refresh tokens that a client holds for the user"
    survives: ClassVar[str] = (
        "access tokens of a custom authorization server, where whoever takes them asks nobody, for up to 24 hours"
    )
    source: ClassVar[str] = "OpenAPI: revokeTokensForUserAndClient; Okta docs: revoke-tokens"
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (f"{user_session.KIND}/clear",)

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        client = str(step.before["client"])
        left = _left(conn, step)
        if not client_tokens(conn, step.on.id, client):
            return Already(left)  # the clearing ended them; what they minted may live on
        path = f"/api/v1/users/{segment(step.on.id)}/clients/{segment(client)}/tokens"
        conn.send("DELETE", path, USERS.manage)
        return Done(left, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        if client_tokens(conn, step.on.id, str(step.before["client"])):
            return None
        return dict(run.left(step.id)) or _left(conn, step)


def _left(conn: OktaConnection, step: Step) -> Json:
    """With the end of what was minted until now, where nothing ends it before its time."""
    if not step.before.get("local"):
        return dict(GONE)
    return {**GONE, "residuals": {minted(step.on, str(step.before["client"])): later(conn.now(), LONGEST)}}


class UserTokens(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "refresh tokens of a user"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (USERS.read,)
    remedies = (Revoke(),)
    survives: ClassVar[str] = Revoke.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        user = conn.named(ref).id
        clients = clients_of(conn, user)
        held = io.map(lambda c: client_tokens(conn, user, str(c["client_id"])), clients)
        for client, rows in zip(clients, held, strict=True):
            its_id = str(client["client_id"])
            name = str(client.get("client_name") or its_id)
            for row in rows:
                issuer = str(row.get("issuer") or "")
                yield Access(
                    id=f"{KIND}/{user}/{its_id}/{row['id']}",
                    on=ref,
                    kind=KIND,
                    family=self.family,
                    state="live",
                    label=f"refresh token {row['id']} of {name}",
                    created=moment(row.get("created")),
                    expires=moment(row.get("expiresAt")),
                    evidence=LIST,
                    door=f"{its_id}/{issuer}",
                    before={"client": its_id, "name": name, "custom": "/oauth2/" in issuer},
                    note=f"scopes {', '.join(str(s) for s in row.get('scopes') or ()) or 'unknown'}",
                )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        mine: dict[str, list[Access]] = {}
        for access in view.of(KIND):
            if intent.covers(access) and not intent.keep_sessions:
                mine.setdefault(str(access.before["client"]), []).append(access)
        for client, tokens in mine.items():
            yield from self._revoke(view, client, tokens)

    def _revoke(self, view: View, client: str, tokens: Sequence[Access]) -> Iterable[Draft]:
        name, custom = str(tokens[0].before["name"]), any(t.before["custom"] for t in tokens)
        for phase, when in ((Phase.END, ""), (Phase.SEAL, ", again at the seal")):
            yield draft_step(
                self, self.remedies[0], view, *tokens, phase=phase, lock=f"{view.who.ref}:tokens:{client}",
                says=f"revoke every refresh token that {name} holds for {view.who.name}{when}",
                before={"client": client, "name": name, "local": custom},
                breaks=f"{view.who.name} signs in anew to {name}",
            )  # fmt: skip
        if custom:
            yield Residual(
                view.who.ref, minted(view.who.ref, client), view.inventory.at + LONGEST,
                f"access tokens that {name} got for {view.who.name} from a custom authorization server: whoever takes "
                "them without asking it does so until they expire",
                "Okta docs: manage-user-creds (24 hours at most)",
            )  # fmt: skip
