"""Custom authorization servers: their clients, refresh tokens, and the policies that say how long a token lives.

OpenAPI: listAuthorizationServers and its neighbours. They belong to API Access Management, which is sold apart: without
it every path here answers 404. The org server is none of them.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.routes_app_tokens import end, token_row
from nhi_revoke_okta.sandbox.state import HOST, App, RefreshToken, Refusal, Server, stamp

SERVERS = "/api/v1/authorizationServers"
ONE = f"{SERVERS}/<server>"
TOKENS = f"{ONE}/clients/<client>/tokens"
READ, MANAGE = "okta.authorizationServers.read", "okta.authorizationServers.manage"


@route("GET", SERVERS, READ)
def servers(at: Context) -> Reply:
    _sold(at)
    return Reply(200, [_server_row(at, s) for s in at.org.servers.values()], rows=True, default=200)


@route("GET", f"{ONE}/clients", READ)
def clients(at: Context, server: str) -> Reply:
    """Those that it has tokens of."""
    _known(at, server)
    having = {t.app for t in _live(at, server)}
    rows = [{"client_id": a.client_id, "client_name": a.label} for a in at.org.apps.values() if a.id in having]
    return Reply(200, rows, rows=True, default=200)


@route("GET", TOKENS, READ)
def tokens(at: Context, server: str, client: str) -> Reply:
    _known(at, server)
    app = _client(at, client)
    mine = [t for t in _live(at, server) if t.app == app.id]
    return Reply(200, [token_row(at, app, t) for t in mine], rows=True, default=200)


@route("DELETE", TOKENS, MANAGE)
def revoke_all(at: Context, server: str, client: str) -> Reply:
    _known(at, server)
    app = _client(at, client)
    for held in [t for t in _live(at, server) if t.app == app.id]:
        end(at, app, held)
    return Reply(204)


@route("DELETE", f"{TOKENS}/<token>", MANAGE)
def revoke_one(at: Context, server: str, client: str, token: str) -> Reply:
    _known(at, server)
    app = _client(at, client)
    found = next((t for t in _live(at, server) if t.app == app.id and t.id == token), None)
    if found is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {token} (OAuth2RefreshToken)")
    end(at, app, found)
    return Reply(204)


@route("GET", f"{ONE}/policies", READ)
def policies(at: Context, server: str) -> Reply:
    """One for every client."""
    known = _known(at, server)
    row = {
        "id": _policy(known),
        "type": "OAUTH_AUTHORIZATION_POLICY",
        "name": "Default Policy",
        "status": "ACTIVE",
        "priority": 1,
        "system": False,
        "conditions": {"clients": {"include": ["ALL_CLIENTS"]}},
        "created": stamp(known.created),
        "lastUpdated": stamp(known.created),
    }
    return Reply(200, [row], rows=True, default=200)


@route("GET", f"{ONE}/policies/<policy>/rules", READ)
def rules(at: Context, server: str, policy: str) -> Reply:
    known = _known(at, server)
    if policy != _policy(known):
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {policy} (Policy)")
    row = {
        "id": f"0pr{known.id[3:]}",
        "type": "RESOURCE_ACCESS",
        "name": "Default Policy Rule",
        "status": "ACTIVE",
        "priority": 1,
        "system": False,
        "conditions": {"grantTypes": {"include": ["client_credentials", "authorization_code"]}},
        "actions": {"token": {"accessTokenLifetimeMinutes": known.minutes, "refreshTokenLifetimeMinutes": 0}},
        "created": stamp(known.created),
        "lastUpdated": stamp(known.created),
    }
    return Reply(200, [row], rows=True, default=200)


def _policy(server: Server) -> str:
    return f"00p{server.id[3:]}"


def _sold(at: Context) -> None:
    if not at.org.api_access_management:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {at.asked.path}")


def _known(at: Context, server: str) -> Server:
    _sold(at)
    found = at.org.servers.get(server)
    if found is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {server} (AuthorizationServer)")
    return found


def _client(at: Context, client: str) -> App:
    """By client id, which need not be the app's id."""
    found = at.org.client(client)
    if found is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {client} (PublicClientApp)")
    return found


def _live(at: Context, server: str) -> list[RefreshToken]:
    return [
        t
        for t in at.org.refresh_tokens.values()
        if t.server == server and t.status.shown == "ACTIVE" and at.now < t.expires
    ]


def _server_row(at: Context, server: Server) -> dict[str, Any]:
    return {
        "id": server.id,
        "name": server.name,
        "description": server.name,
        "audiences": [f"api://{server.name}"],
        "issuer": f"https://{HOST}/oauth2/{server.id}",
        "issuerMode": "ORG_URL",
        "status": "ACTIVE",
        "created": stamp(server.created),
        "lastUpdated": stamp(server.created),
        "_links": {"self": {"href": f"{at.asked.url}{SERVERS}/{server.id}"}},
    }
