"""Token, revocation and introspection endpoints of the org server and of custom ones; two resource servers.

RFC 6749, 7009 (200 whatever was sent), 7662. A client revokes its own tokens alone, at the server that issued them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nhi_revoke_okta.sandbox.callers import alive
from nhi_revoke_okta.sandbox.client_auth import client_of
from nhi_revoke_okta.sandbox.dpop import key_of_proof
from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.state import ORG_SERVER, AccessToken, App, RefreshToken, Refusal


@route("POST", "/oauth2/v1/token", "-", mutates=False)
def org_token(at: Context) -> Reply:
    return _token(at, ORG_SERVER)


@route("POST", "/oauth2/<server>/v1/token", "-", mutates=False)
def custom_token(at: Context, server: str) -> Reply:
    return _token(at, _known(at, server))


@route("POST", "/oauth2/v1/revoke", "-")
def org_revoke(at: Context) -> Reply:
    return _revoke(at, ORG_SERVER)


@route("POST", "/oauth2/<server>/v1/revoke", "-")
def custom_revoke(at: Context, server: str) -> Reply:
    return _revoke(at, _known(at, server))


@route("POST", "/oauth2/v1/introspect", "-", mutates=False)
def org_introspect(at: Context) -> Reply:
    return _introspect(at, ORG_SERVER)


@route("POST", "/oauth2/<server>/v1/introspect", "-", mutates=False)
def custom_introspect(at: Context, server: str) -> Reply:
    return _introspect(at, _known(at, server))


@route("GET", "/oauth2/v1/userinfo", "-")
def org_userinfo(at: Context) -> Reply:
    return _userinfo(at, ORG_SERVER)


@route("GET", "/oauth2/<server>/v1/userinfo", "-")
def custom_userinfo(at: Context, server: str) -> Reply:
    return _userinfo(at, _known(at, server))


@route("GET", "/_resource/local", "-")
def local_resource(at: Context) -> Reply:
    """A service that checks signature and times by itself: nothing that the org does reaches it."""
    value = at.asked.headers.get("authorization", "").removeprefix("Bearer ")
    if not at.gate.issuer.validates(value, at.now):
        raise Refusal(401, "invalid_token", "not accepted")
    return Reply(200, {"served": True})


@route("GET", "/_resource/introspecting", "-")
def introspecting_resource(at: Context) -> Reply:
    """A service that asks the issuer each time."""
    value = at.asked.headers.get("authorization", "").removeprefix("Bearer ")
    token = next((t for t in at.org.access_tokens.values() if t.value == value), None)
    if token is None or not alive(token, at.asked):
        raise Refusal(401, "invalid_token", "not accepted")
    return Reply(200, {"served": True})


def _known(at: Context, server: str) -> str:
    if server not in at.org.servers or not at.org.api_access_management:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {server} (AuthorizationServer)")
    return server


def _token(at: Context, server: str) -> Reply:
    form = at.asked.form
    app = client_of(at, form)
    grant = form.get("grant_type", "")
    if grant not in app.grant_types:
        raise Refusal(400, "unauthorized_client", "The client is not authorized to use the provided grant type.")
    bound = key_of_proof(at.asked, nonce=True) if at.org.demand_dpop or at.asked.headers.get("dpop") else ""
    if grant == "client_credentials":
        return _answer(_by_client(at, app, server, form, bound))
    if grant == "refresh_token":
        return _answer(_by_refresh(at, app, server, form))
    raise Refusal(400, "unsupported_grant_type", "The authorization grant type is not supported.")


def _by_client(at: Context, app: App, server: str, form: dict[str, str], bound: str) -> AccessToken:
    scopes = tuple(form.get("scope", "").split())
    if not scopes:
        raise Refusal(400, "invalid_scope", "The authorization server resource does not have any default scopes.")
    if server == ORG_SERVER:
        if "client_assertion" not in form and app.id not in at.org.services:
            # okta.* scopes with private_key_jwt alone; API service integrations have secrets alone
            raise Refusal(401, "invalid_client", "Client Credentials requests to the Org Authorization Server must use "
                          "the private_key_jwt token_endpoint_auth_method.")  # fmt: skip
        granted = {g.scope for g in app.grants.values() if g.status.obeyed(at.now) == "ACTIVE"}
        withheld = app.client_id in at.gate.operator and not all(map(at.gate.permissions.allows, scopes))
        if withheld or not set(scopes) <= granted:
            raise Refusal(400, "invalid_scope", "One or more scopes are not configured for the authorization server.")
    token = at.gate.issuer.mint(app, server, scopes, at.now, bound=bound)
    _logged(at, app, token)
    return token


def _by_refresh(at: Context, app: App, server: str, form: dict[str, str]) -> AccessToken:
    held = next((t for t in at.org.refresh_tokens.values() if t.value == form.get("refresh_token")), None)
    if held is None or held.app != app.id or held.server != server or not fresh(at, held):
        raise Refusal(400, "invalid_grant", "The refresh token is invalid or expired.")
    token = at.gate.issuer.mint(app, server, held.scopes, at.now, user=held.user, parent=held.id)
    _logged(at, app, token)
    return token


def fresh(at: Context, token: RefreshToken) -> bool:
    return token.status.obeyed(at.now) == "ACTIVE" and at.now < token.expires


def _answer(token: AccessToken) -> Reply:
    body: dict[str, Any] = {
        "token_type": "DPoP" if token.bound else "Bearer",
        "expires_in": int((token.expires - token.issued) / timedelta(seconds=1)),
        "access_token": token.value,
        "scope": " ".join(token.scopes),
    }
    return Reply(200, body)


def _logged(at: Context, app: App, token: AccessToken) -> None:
    kind = (
        "app.oauth2.token.grant.access_token"
        if token.server == ORG_SERVER
        else "app.oauth2.as.token.grant.access_token"
    )
    actor = {"id": app.id, "type": "PublicClientApp", "alternateId": app.client_id, "displayName": app.label}
    target = {"id": token.jti, "type": "access_token", "alternateId": None, "displayName": "Access Token"}
    at.org.log(kind, at.now, actor, target, grantType="refresh_token" if token.parent else "client_credentials",
               grantedScopes=", ".join(token.scopes), authorizationServerId=token.server)  # fmt: skip


def _revoke(at: Context, server: str) -> Reply:
    form = at.asked.form
    app = client_of(at, form)
    if "token" not in form:
        raise Refusal(400, "invalid_request", "The 'token' parameter is missing.")
    for token in at.org.access_tokens.values():
        if token.value == form["token"] and token.app == app.id and token.server == server and token.revoked:
            token.revoked.set(True, at.now, at.org.write_lag)
    for held in at.org.refresh_tokens.values():
        if held.value == form["token"] and held.app == app.id and held.server == server:
            end_refresh_token(at, held)
    return Reply(200)


def end_refresh_token(at: Context, held: RefreshToken) -> None:
    """It, and the access tokens minted from it (Okta docs: revoke-tokens; OpenAPI: revokeOAuth2TokenForApplication)."""
    held.status.set("GONE", at.now, at.org.write_lag)
    for token in at.org.access_tokens.values():
        if token.parent == held.id and token.revoked:
            token.revoked.set(True, at.now, at.org.write_lag)


def _userinfo(at: Context, server: str) -> Reply:
    """OpenAPI: userinfo. Its refusals stand in a header."""
    value = at.asked.headers.get("authorization", "").removeprefix("Bearer ")
    token = next((t for t in at.org.access_tokens.values() if t.value == value), None)
    if token is None or token.server != server or token.bound or not alive(token, at.asked):
        told = 'Bearer error="invalid_token", error_description="The access token is invalid"'
        raise Refusal(401, "", "", (("WWW-Authenticate", told),))
    if "openid" not in token.scopes or not set(token.scopes) & {"profile", "email", "address", "phone"}:
        told = 'Bearer error="insufficient_scope"'
        raise Refusal(403, "", "", (("WWW-Authenticate", told),))
    return Reply(200, {"sub": token.user or at.org.apps[token.app].client_id})


def _introspect(at: Context, server: str) -> Reply:
    form = at.asked.form
    app = client_of(at, form)
    token = next((t for t in at.org.access_tokens.values() if t.value == form.get("token")), None)
    if token is None or token.app != app.id or token.server != server or not alive(token, at.asked):
        return Reply(200, {"active": False})
    return Reply(200, {"active": True, "client_id": app.client_id, "exp": int(token.expires.timestamp()),
                       "scope": " ".join(token.scopes)})  # fmt: skip
