"""Refresh tokens of an app, whichever server issued them.

OpenAPI: listOAuth2TokensForApplication (20 a page by default, 200 at most), revokeOAuth2TokensForApplication ("any
access tokens issued with these refresh tokens are also revoked, but access tokens issued without a refresh token aren't
affected").
"""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.routes_oauth import end_refresh_token
from nhi_revoke_okta.sandbox.state import HOST, ORG_SERVER, App, RefreshToken, Refusal, stamp

ALL = "/api/v1/apps/<app>/tokens"
ONE = f"{ALL}/<token>"


@route("GET", ALL, "okta.apps.read")
def tokens(at: Context, app: str) -> Reply:
    owner = at.org.app(app)
    return Reply(200, [token_row(at, owner, t) for t in tokens_of(at, owner)], rows=True, default=20)


@route("GET", ONE, "okta.apps.read")
def token(at: Context, app: str, token: str) -> Reply:
    owner = at.org.app(app)
    return Reply(200, token_row(at, owner, _named(at, owner, token)))


@route("DELETE", ALL, "okta.apps.manage")
def revoke_all(at: Context, app: str) -> Reply:
    owner = at.org.app(app)
    for held in tokens_of(at, owner):
        end(at, owner, held)
    return Reply(204)


@route("DELETE", ONE, "okta.apps.manage")
def revoke_one(at: Context, app: str, token: str) -> Reply:
    owner = at.org.app(app)
    end(at, owner, _named(at, owner, token))
    return Reply(204)


def tokens_of(at: Context, app: App) -> list[RefreshToken]:
    """What its own list shows: those that are not revoked. Expired ones are not shown."""
    mine = (t for t in at.org.refresh_tokens.values() if t.app == app.id)
    return [t for t in mine if t.status.shown == "ACTIVE" and at.now < t.expires]


def end(at: Context, app: App, held: RefreshToken) -> None:
    """It, and the access tokens minted from it."""
    end_refresh_token(at, held)
    kind = "app.oauth2.token.revoke" if held.server == ORG_SERVER else "app.oauth2.as.token.revoke"
    target = {"id": held.id, "type": "refresh_token", "alternateId": held.id, "displayName": "Refresh Token"}
    at.org.log(kind, at.now, at.by, target, client_of(app))


def client_of(app: App) -> dict[str, Any]:
    """As a target of an event."""
    return {"id": app.id, "type": "PublicClientApp", "alternateId": app.client_id, "displayName": app.label}


def token_row(at: Context, app: App, held: RefreshToken) -> dict[str, Any]:
    custom = "" if held.server == ORG_SERVER else f"/oauth2/{held.server}"
    return {
        "id": held.id,
        "status": "ACTIVE",
        "created": stamp(held.created),
        "lastUpdated": stamp(held.created),
        "expiresAt": stamp(held.expires),
        "issuer": f"https://{HOST}{custom}",
        "clientId": app.client_id,
        "userId": held.user,
        "scopes": list(held.scopes),
        "_links": {"self": {"href": f"{at.asked.url}/api/v1/apps/{app.id}/tokens/{held.id}"}},
    }


def _named(at: Context, app: App, token: str) -> RefreshToken:
    found = next((t for t in tokens_of(at, app) if t.id == token), None)
    if found is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {token} (OAuth2RefreshToken)")
    return found
