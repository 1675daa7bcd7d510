"""What signs tokens, and who checks them: the org server publishes no keys, a custom server does.

Okta docs: key-rotation, manage-user-creds (60 minutes at the org server; 5 minutes to 24 hours at a custom one).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rsa_keys import rsa_key
from nhi_revoke_okta.sandbox.state import HOST, LIVES, ORG_SERVER, AccessToken, App, Org


class Issuer:
    """One RSA key for the org; made when it is first needed."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._key: Any = None

    def mint(
        self, app: App, server: str, scopes: tuple[str, ...], at: datetime, *, user: str = "", parent: str = "",
        bound: str = "",
    ) -> AccessToken:  # fmt: skip
        """A JWT, remembered by its value."""
        import jwt

        lives = LIVES.get(server) or timedelta(minutes=self._org.servers[server].minutes)
        jti = self._org.new_id("AT.")
        claims: dict[str, Any] = {
            "iss": f"https://{HOST}" if server == ORG_SERVER else f"https://{HOST}/oauth2/{server}",
            "sub": user or app.client_id,
            "cid": app.client_id,
            "jti": jti,
            "scp": list(scopes),
            "iat": int(at.timestamp()),
            "exp": int((at + lives).timestamp()),
        }
        if bound:
            claims["cnf"] = {"jkt": bound}
        value = jwt.encode(claims, self._private(), algorithm="RS256", headers={"kid": "sandbox"})
        token = AccessToken(
            value, jti, app.id, user, server, scopes, at.replace(microsecond=0), at.replace(microsecond=0) + lives,
            parent, Lagged(False, at), bound,
        )  # fmt: skip
        self._org.access_tokens[jti] = token
        self._org.secrets.append(value)
        return token

    def validates(self, value: str, at: datetime) -> bool:
        """What a resource server finds that holds the server's public keys and asks nobody."""
        import jwt

        try:
            claims = jwt.decode(
                value, self._private().public_key(), algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )  # fmt: skip
        except jwt.exceptions.InvalidTokenError:
            return False
        return bool(claims["iat"] <= at.timestamp() < claims["exp"])

    def _private(self) -> Any:
        if self._key is None:
            self._key = rsa_key(f"okta:{HOST}")
        return self._key
