"""How an OAuth client proves itself at a token endpoint: secret (basic or post), private_key_jwt, or nothing.

Okta docs: build-self-signed-jwt (an assertion with a `jti` is good for one request; `iat` lies before it, `exp` within
an hour), oauth2-error-codes.
"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any
from urllib.parse import unquote

from nhi_revoke_okta.sandbox.request import Context
from nhi_revoke_okta.sandbox.state import App, Refusal

_BAD = Refusal(401, "invalid_client", "The client secret supplied for a confidential client is invalid.")


def client_of(at: Context, form: dict[str, str]) -> App:
    """Raises Refusal 401 invalid_client. An inactive app, secret or key signs nobody in."""
    if "client_assertion" in form:
        return _by_key(at, form["client_assertion"])
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    scheme, _, value = at.asked.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        client_id, _, secret = base64.b64decode(value).decode().partition(":")
        client_id, secret = unquote(client_id), unquote(secret)
    app = _active(at, client_id)
    if app.auth_method == "none" and not secret:
        return app
    # An app whose method is client_secret_jwt never sends its secret.
    shared = app.auth_method != "client_secret_jwt"
    if shared and any(s.value == secret and s.status.obeyed(at.now) == "ACTIVE" for s in app.secrets.values()):
        return app
    raise _BAD


def _active(at: Context, client_id: str) -> App:
    app = at.org.client(client_id)
    if app is None or app.status.obeyed(at.now) != "ACTIVE":
        raise Refusal(401, "invalid_client", "Invalid value for 'client_id' parameter.")
    return app


def _by_key(at: Context, assertion: str) -> App:
    import jwt

    try:
        head = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False, "verify_exp": False, "verify_iat": False})
    except jwt.exceptions.InvalidTokenError:
        raise _BAD from None
    app = _active(at, str(claims.get("sub", "")))
    if claims.get("iss") != app.client_id or not str(claims.get("aud", "")).endswith((at.asked.path, "/v1/token")):
        raise _BAD
    now = at.now.timestamp()
    if not now <= float(claims.get("exp", 0)):
        raise Refusal(401, "invalid_client", "The client_assertion token is expired.")
    if float(claims["exp"]) > now + 3600:
        raise Refusal(401, "invalid_client", "The client_assertion token has an expiration too far into the future.")
    if float(claims.get("iat", 0)) > now:
        raise Refusal(401, "invalid_client", "The client_assertion token must be issued before the current time.")
    if str(head.get("alg")).startswith("HS"):
        return _by_shared_key(at, app, assertion)
    for key in app.keys.values():
        if key.status.obeyed(at.now) != "ACTIVE" or key.kid != head.get("kid"):
            continue
        try:
            public = jwt.PyJWK(json.loads(json.dumps(key.jwk)), algorithm=str(head["alg"]))
            jwt.decode(
                assertion, public.key, algorithms=[str(head["alg"])],
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )  # fmt: skip
        except jwt.exceptions.PyJWTError:
            continue
        if "jti" in claims and not at.asked.once(f"assertion {app.client_id} {claims['jti']}"):
            raise Refusal(401, "invalid_client", "The client_assertion token has already been used.")
        return app
    raise Refusal(401, "invalid_client", "The client_assertion signature is invalid.")


def _by_shared_key(at: Context, app: App, assertion: str) -> App:
    """client_secret_jwt: signed with a secret that is active."""
    import jwt

    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    for secret in app.secrets.values():
        if app.auth_method != "client_secret_jwt" or secret.status.obeyed(at.now) != "ACTIVE":
            continue
        with contextlib.suppress(jwt.exceptions.PyJWTError):
            jwt.decode(assertion, secret.value, algorithms=["HS256", "HS384", "HS512"], options=options)
            return app
    raise _BAD
