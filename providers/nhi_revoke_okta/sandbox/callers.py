"""Who asks: an API token, an access token of the org server, or nobody where nobody needs to sign in."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import unquote

from nhi_revoke_okta.sandbox.request import Request
from nhi_revoke_okta.sandbox.state import ORG_SERVER, AccessToken, ApiToken, Org, Refusal, User

ADMIN = ("SUPER_ADMIN", "ORG_ADMIN", "APP_ADMIN", "API_ACCESS_MANAGEMENT_ADMIN")


class Caller(NamedTuple):
    """`key`: the API token's value or the app's client id."""

    key: str
    actor: dict[str, Any]
    scopes: tuple[str, ...] | None
    """Of an access token; None: its owner's role decides."""
    admin: bool

    def may(self, scope: str) -> bool:
        """A scope is needed, and an admin role for everything but what is open to all."""
        if scope in ("", "-"):
            return True
        return self.admin and (self.scopes is None or scope in self.scopes)


NOBODY = Caller("", {"id": "", "type": "Unknown"}, (), admin=False)


def caller_of(org: Org, asked: Request, scope: str) -> Caller:
    """Raises Refusal 401 for what does not sign in."""
    if scope == "-":
        return NOBODY._replace(key=client_named(asked))
    scheme, _, value = asked.headers.get("authorization", "").partition(" ")
    if scheme == "SSWS":
        return _by_api_token(org, asked, value)
    if scheme in ("Bearer", "DPoP"):
        return _by_access_token(org, asked, value, scheme)
    raise Refusal(401, "E0000011", "Invalid token provided")


def _by_api_token(org: Org, asked: Request, value: str) -> Caller:
    token = next((t for t in org.api_tokens.values() if t.value == value), None)
    if token is None or token.status.obeyed(asked.at) != "ACTIVE":
        raise Refusal(401, "E0000011", "Invalid token provided")
    user = org.users[token.user]
    if user.status.obeyed(asked.at) == "DEPROVISIONED":  # Okta docs: create-an-api-token
        raise Refusal(401, "E0000011", "Invalid token provided")
    token.used = asked.at
    return Caller(value, actor_of(user, token), None, admin=_is_admin(user, asked))


def _by_access_token(org: Org, asked: Request, value: str, scheme: str) -> Caller:
    token = next((t for t in org.access_tokens.values() if t.value == value), None)
    if token is None or token.server != ORG_SERVER or not alive(token, asked):
        raise Refusal(401, "E0000011", "Invalid token provided")
    if bool(token.bound) != (scheme == "DPoP"):
        raise Refusal(401, "E0000011", "Invalid token provided")
    if token.bound:
        from nhi_revoke_okta.sandbox.dpop import check_proof

        check_proof(asked, token)
    if token.user:
        user = org.users[token.user]
        return Caller(value, actor_of(user, None), token.scopes, admin=_is_admin(user, asked))
    service = org.services.get(token.app)
    app = service.client if service else org.apps[token.app]
    # What an API service integration may do, its scopes alone decide (Okta docs: guides/build-api-integration).
    admin = service is not None or any(r.status.obeyed(asked.at) == "ACTIVE" for r in app.roles.values())
    actor = {"id": app.id, "type": "PublicClientApp", "alternateId": app.client_id, "displayName": app.label}
    # A grant that was taken away: a token that holds its scope already keeps it until it expires (worse case).
    return Caller(app.client_id, actor, token.scopes, admin)


def client_named(asked: Request) -> str:
    """Which client a request to a token endpoint says that it is from, for the log of calls; nothing is checked."""
    import jwt

    with suppress(Refusal, ValueError, jwt.exceptions.PyJWTError):
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            return unquote(base64.b64decode(value).decode().partition(":")[0])
        form = asked.form
        if "client_assertion" in form:
            return str(jwt.decode(form["client_assertion"], options={"verify_signature": False}).get("sub", ""))
        return form.get("client_id", "")
    return ""


def alive(token: AccessToken, asked: Request) -> bool:
    """Whether the org itself, or a server that introspects, still takes it."""
    revoked = token.revoked.obeyed(asked.at) if token.revoked else False
    return token.issued <= asked.at < token.expires and not revoked


def actor_of(user: User, token: ApiToken | None) -> dict[str, Any]:
    actor: dict[str, Any] = {"id": user.id, "type": "User", "alternateId": user.login, "displayName": user.login}
    if token is not None:
        actor["detailEntry"] = {"apiTokenId": token.id}
    return actor


def _is_admin(user: User, asked: Request) -> bool:
    return any(r.status.obeyed(asked.at) == "ACTIVE" for r in user.roles.values())
