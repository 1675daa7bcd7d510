"""Does a client sign in? Asked at introspection with a meaningless token: it mints nothing and says who was let in.

OAuth OpenAPI: /oauth2/v1/introspect (client authentication by the app's own method; 200 with `active: false` for what
is no token). Okta docs: build-self-signed-jwt (`aud` is the URL asked, `exp` an hour at most). RFC 7662; RFC 6749, 2.3.
"""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote

from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.provider.fault import NoAnswer, Rejected, Throttled, Unauthenticated, Unavailable
from nhi_revoke.provider.http import segment
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.login import ASSERTION, ASSERTION_LIVES
from nhi_revoke_okta.scopes import APPS

INTROSPECT = "/oauth2/v1/introspect"
NO_TOKEN = "no-token"  # noqa: S105 - it is none
UNAMBIGUOUS = re.compile(r"[A-Za-z0-9._~-]+")
"""What reads the same in a form, in a header and in the list. A masked value does not, nor may an own one."""


def can_be_tried(client_id: str, value: str) -> bool:
    """Whether a refusal would say that this secret is refused, and not how it was written."""
    return bool(UNAMBIGUOUS.fullmatch(client_id) and UNAMBIGUOUS.fullmatch(value))


def signs_in_with_secret(conn: OktaConnection, app: str, client_id: str, value: str) -> bool:
    """By the app's own client authentication method, read anew: another one would be refused, too, and prove nothing.

    Raises what a request raises, without the value.
    """
    credentials = (conn.get(f"/api/v1/apps/{segment(app)}", APPS.read).get("credentials") or {}).get(
        "oauthClient"
    ) or {}
    method = str(credentials.get("token_endpoint_auth_method") or "")
    form = {"token": NO_TOKEN}
    if method == "client_secret_jwt":
        return _let_in(conn, {}, {**form, **_assertion(conn, client_id, value, "HS256", {})})
    if method == "client_secret_post":
        return _let_in(conn, {}, {**form, "client_id": client_id, "client_secret": value})
    pair = base64.b64encode(f"{quote(client_id, safe='')}:{quote(value, safe='')}".encode()).decode()
    return _let_in(conn, {"Authorization": f"Basic {pair}"}, form)


def signs_in_with_key(conn: OktaConnection, client_id: str, key: Any, algorithm: str, kid: str) -> bool:
    """`key`: the private one. Raises what a request raises."""
    form = {"token": NO_TOKEN, **_assertion(conn, client_id, key, algorithm, {"kid": kid})}
    return _let_in(conn, {}, form)


def new_one_opens(conn: OktaConnection, what: str, client_id: str, signs_in: Any) -> Proven:
    """`signs_in`: asks, once. Unproven, with the reason, while Okta does not let it in or gives no clear answer."""
    try:
        let_in = signs_in()
    except (Rejected, Throttled, Unavailable, NoAnswer) as fault:
        return Proven(Proof.UNPROVEN, f"Okta gave no clear answer to the new {what}: {fault.message}", conn.now())
    if not let_in:
        return Proven(Proof.UNPROVEN, f"Okta does not accept the new {what} yet", conn.now())
    return Proven(Proof.ENFORCED, f"client {client_id} signed in with the new {what}, at introspection", conn.now())


def _assertion(conn: OktaConnection, client_id: str, key: Any, algorithm: str, head: dict[str, Any]) -> dict[str, str]:
    import jwt

    now = int(conn.now().timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": conn.url + INTROSPECT,
        "iat": now,
        "exp": now + ASSERTION_LIVES,
    }
    signed = jwt.encode(claims, key, algorithm, headers=head)
    return {"client_assertion_type": ASSERTION, "client_assertion": signed}


def _let_in(conn: OktaConnection, headers: dict[str, str], form: dict[str, str]) -> bool:
    try:
        conn.ask_as("POST", INTROSPECT, headers, form)
    except Unauthenticated as refused:
        if refused.code == "invalid_client":
            return False
        raise
    return True
