"""Users' tokens of an app, by the app's own client id and secret.

OpenAPI: apps/check-token, apps/reset-token, apps/delete-token, apps/delete-authorization (HTTP Basic; the token in a
JSON body, 422 without it; 404 for what is no token of this app).
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import CLIENT_ITSELF, Here
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.rows import simple_user
from nhi_revoke_github.sandbox.state import Token, stamp

TABLE = Table()
OF_USERS = ("gho", "ghu")


@TABLE.route("POST", "/applications/<client_id>/token", CLIENT_ITSELF, mutates=False)
def check(at: Here, client_id: str) -> Reply:
    return Reply(200, _row(at, _token(at, client_id)))


@TABLE.route("PATCH", "/applications/<client_id>/token", CLIENT_ITSELF)
def reset(at: Here, client_id: str) -> Reply:
    """At once: the old one is dead before the answer is read."""
    old = _token(at, client_id)
    old.status.set("gone", at.now, at.gate.hub.write_lag)
    new = at.gate.hub.new_token(
        old.kind, old.owner, at.now, expires=old.expires, permissions=dict(old.permissions), client_id=client_id
    )
    return Reply(200, _row(at, new))


@TABLE.route("DELETE", "/applications/<client_id>/token", CLIENT_ITSELF)
def delete(at: Here, client_id: str) -> Reply:
    _token(at, client_id).status.set("gone", at.now, at.gate.hub.write_lag)
    return Reply(204)


@TABLE.route("DELETE", "/applications/<client_id>/grant", CLIENT_ITSELF)
def grant(at: Here, client_id: str) -> Reply:
    """Every token of that user and app."""
    owner = _token(at, client_id).owner
    for token in at.gate.hub.tokens.values():
        if token.client_id == client_id and token.owner == owner:
            token.status.set("gone", at.now, at.gate.hub.write_lag)
    at.gate.hub.log("oauth_authorization.destroy", at.now, owner, application_client_id=client_id)
    return Reply(204)


def _token(at: Here, client_id: str) -> Token:
    """Raises 404 for another app's path or token, and for a dead one; 422 without one."""
    if at.caller.client_id != client_id:
        raise NOT_FOUND
    value = at.asked.json.get("access_token")
    if not isinstance(value, str) or not value:
        raise Turned(422, "missing_field", "Validation Failed")
    token = at.gate.hub.by_value(value)
    if token is None or token.kind not in OF_USERS or token.client_id != client_id or not at.gate.alive(token, at.now):
        raise NOT_FOUND
    return token


def _row(at: Here, token: Token) -> dict[str, Any]:
    """An authorization; its token is told to the app alone."""
    account, app = at.gate.hub.account(token.owner), at.caller.app
    assert account is not None
    assert app is not None
    return {
        "id": token.id, "url": f"{at.asked.url}/authorizations/{token.id}", "scopes": [], "token": token.value,
        "token_last_eight": token.value[-8:], "hashed_token": "0" * 64, "note": None, "note_url": None,
        "app": {"client_id": app.client_id, "name": app.slug, "url": f"{at.asked.url}/apps/{app.slug}"},
        "updated_at": stamp(token.created), "created_at": stamp(token.created), "fingerprint": None,
        "expires_at": stamp(token.expires), "user": simple_user(at.gate.hub, account.login),
    }  # fmt: skip
