"""DPoP at the sandbox: a proof is demanded, first without a nonce, then with the one told, and each is good for once.

Okta docs: guides/dpop; oauth2-error-codes (issued in the future, more than five minutes in the past, already used).
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from nhi_revoke_okta.sandbox.request import Request
from nhi_revoke_okta.sandbox.state import AccessToken, Refusal

NONCE = "sandbox-nonce-1"


def thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def key_of_proof(asked: Request, *, nonce: bool) -> str:
    """The thumbprint of the key that signed the request's proof. Raises Refusal in Okta's words."""
    import jwt

    proof = asked.headers.get("dpop", "")
    if not proof:
        raise Refusal(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
    try:
        head = jwt.get_unverified_header(proof)
        key = jwt.PyJWK(head["jwk"], algorithm="ES256")
        claims = jwt.decode(proof, key.key, algorithms=["ES256"], options={"verify_iat": False, "verify_aud": False})
    except (jwt.exceptions.PyJWTError, KeyError):
        raise Refusal(400, "invalid_dpop_proof", "The DPoP proof JWT is invalid.") from None
    if head.get("typ") != "dpop+jwt" or claims.get("htm") != asked.method:
        raise Refusal(400, "invalid_dpop_proof", "The DPoP proof JWT is invalid.")
    if str(claims.get("htu", "")) != f"{asked.url}{asked.raw_path}" or not claims.get("jti"):
        raise Refusal(400, "invalid_dpop_proof", "'htu' claim in the DPoP proof JWT is invalid.")
    age = asked.at.timestamp() - float(claims.get("iat", 0))
    if age < 0:
        raise Refusal(400, "invalid_dpop_proof", "The DPoP proof JWT is issued in the future.")
    if age > 300:
        raise Refusal(400, "invalid_dpop_proof", "The DPoP proof JWT is issued more than five minutes in the past.")
    if not asked.once(f"proof {claims['jti']}"):
        raise Refusal(400, "invalid_dpop_proof", "The DPoP proof JWT has already been used.")
    if nonce and claims.get("nonce") != NONCE:
        raise Refusal(
            400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.", (("dpop-nonce", NONCE),)
        )
    return thumbprint(head["jwk"])


def check_proof(asked: Request, token: AccessToken) -> None:
    """At a resource: a good proof, by the token's key, with the token's hash. Raises Refusal 400 or 401."""
    import jwt

    try:
        key = key_of_proof(asked, nonce=False)
    except Refusal as no:
        told = f'DPoP error="{no.code}", error_description="{no.summary}"'
        raise Refusal(no.status, no.code, no.summary, (("www-authenticate", told),)) from None
    claims = jwt.decode(asked.headers["dpop"], options={"verify_signature": False, "verify_iat": False})
    hashed = base64.urlsafe_b64encode(hashlib.sha256(token.value.encode()).digest()).rstrip(b"=").decode()
    if key != token.bound or claims.get("ath") != hashed:
        raise Refusal(401, "E0000011", "Invalid token provided")
