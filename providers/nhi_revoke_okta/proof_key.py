"""DPoP: tokens bound to a key that lives as long as this process (RFC 9449; Okta docs: guides/dpop)."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any


class ProofKey:
    """An ES256 key made when it is first needed. `new_id`: a fresh `jti` each time. Thread-safe."""

    def __init__(self, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._clock, self._new_id = clock, new_id
        self._lock = threading.Lock()
        self._key: Any = None
        self._jwk: dict[str, str] = {}
        self.nonces: dict[str, str] = {}
        """The newest nonce of each of the vendor's servers (`token`, `api`)."""

    def proof(self, method: str, url: str, server: str, token: str = "") -> str:
        """A proof for one request. `token`: the access token that goes with it."""
        import jwt

        key = self._made()
        claims: dict[str, Any] = {
            "htm": method,
            "htu": url.partition("?")[0],
            "iat": int(self._clock().timestamp()),
            "jti": self._new_id(),
        }
        if self.nonces.get(server):
            claims["nonce"] = self.nonces[server]
        if token:
            claims["ath"] = _unpadded(hashlib.sha256(token.encode()).digest())
        return jwt.encode(claims, key, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": self._jwk})

    def learn(self, headers: Mapping[str, str], server: str) -> bool:
        """Whether the answer told a nonce that was not known."""
        told = headers.get("dpop-nonce", "")
        fresh = bool(told) and told != self.nonces.get(server)
        if fresh:
            self.nonces[server] = told
        return fresh

    def _made(self) -> Any:
        with self._lock:
            if self._key is None:
                from cryptography.hazmat.primitives.asymmetric import ec

                self._key = ec.generate_private_key(ec.SECP256R1())
                numbers = self._key.public_key().public_numbers()
                x, y = (_unpadded(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
                self._jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
            return self._key


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
