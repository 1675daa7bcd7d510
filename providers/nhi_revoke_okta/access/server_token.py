"""Refresh tokens that a custom authorization server lists for an app's client, and the app's own list does not.

Every custom server is asked, `default` too (facts okta-github.md 1.4, 9). A 404 on the list of servers is never "none":
API Access Management is sold apart (1.4, 21). OpenAPI: listOAuth2ClientsForAuthorizationServer,
listRefreshTokensForAuthorizationServerAndClient, revokeRefreshTokensForAuthorizationServerAndClient.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_okta.access import refresh_token
from nhi_revoke_okta.access.refresh_token import RevokeTokens, live_rows, revoking, token_access, tokens_path
from nhi_revoke_okta.connection import Named, OktaConnection
from nhi_revoke_okta.naming import APP
from nhi_revoke_okta.scopes import APPS, SERVERS
from nhi_revoke_okta.servers import PATH, Server, servers_and_app

KIND = "okta:server-token"
COVERED_BY = (f"{refresh_token.KIND}/{RevokeTokens.name}",)
"""It revokes "all OAuth 2.0 refresh tokens for the specified app", whichever server issued them."""


class RevokeAtServer(RevokeTokens):
    permissions: ClassVar[tuple[str, ...]] = (SERVERS.manage, SERVERS.read)
    says: ClassVar[str] = "revokes every refresh token that this server issued to the app's client"
    source: ClassVar[str] = "OpenAPI: revokeRefreshTokensForAuthorizationServerAndClient"

    def path(self, step: Step) -> str:
        return _tokens(str(step.before["server"]), str(step.before["client_id"]))

    @property
    def reads(self) -> str:
        return SERVERS.read

    @property
    def writes(self) -> str:
        return SERVERS.manage


def _tokens(server: str, client_id: str) -> str:
    return f"{PATH}/{segment(server)}/clients/{segment(client_id)}/tokens"


class ServerTokens(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "refresh tokens at custom authorization servers"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (SERVERS.read, APPS.read)
    remedies = (RevokeAtServer(),)
    survives: ClassVar[str] = refresh_token.SURVIVES

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        known, named = servers_and_app(conn, ref, io)
        if known.unseen:
            why = f"{known.unseen}: refresh tokens that only these show are unseen"
            yield BlindSpot(ref, KIND, why, known.needs, covered_by=COVERED_BY)
            return
        asked: list[Server | None] = [None, *known.servers]
        listed = io.map(lambda s: _of_server(conn, s, named) if s else _of_app(conn, named), asked)
        own = {str(row["id"]) for row in listed[0]}
        for server, rows in zip(known.servers, listed[1:], strict=True):
            for row in rows:
                if str(row["id"]) not in own:
                    access = f"{KIND}/{server.id}/{named.client_id}/{row['id']}"
                    evidence = "GET /api/v1/authorizationServers/…/clients/…/tokens"
                    yield token_access(row, access, ref, KIND, conn.now(), evidence)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.keep_sessions:
            return
        live = [a for a in view.of(KIND) if a.state in ("live", "unknown") and intent.covers(a)]
        by_server: dict[str, list[Access]] = {}
        for access in live:
            by_server.setdefault(access.id.split("/")[1], []).append(access)
        for server, mine in by_server.items():
            one = len(live) == 1 and intent.scope == live[0].id
            before: dict[str, Any] = {"server": server}
            if one:
                before[refresh_token.ONLY] = refresh_token.id_of(live[0].id)
            what = live[0].label if one else f"every refresh token of {view.who.name}"
            yield from revoking(
                self, self.remedies[0], view, mine, says=f"revoke {what} at authorization server {server}",
                before=before, lock=f"{view.who.ref}:tokens/{server}",
                breaks="whoever is signed in to it with one signs in again",
            )  # fmt: skip


def _of_app(conn: OktaConnection, named: Named) -> list[refresh_token.Row]:
    return live_rows(conn, tokens_path(named.id), APPS.read)


def _of_server(conn: OktaConnection, server: Server, named: Named) -> list[refresh_token.Row]:
    """Nothing where the server is gone, or has no tokens of the client."""
    try:
        clients = conn.rows(f"{PATH}/{segment(server.id)}/clients", SERVERS.read)
        if not any(row.get("client_id") == named.client_id for row in clients):
            return []
        return live_rows(conn, _tokens(server.id, named.client_id), SERVERS.read)
    except Missing:
        return []
