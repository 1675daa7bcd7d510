"""An operator who signs in as a service app: its app in the sandbox, its private key in every form."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.sandbox.state import App, ClientKey
from nhi_revoke_okta.scopes import WANTED

from .conftest import START, Bench

Curve = Literal["RSA", "P-256", "P-384", "P-521"]
KID = "responder-key"
TOKEN_CALL = "POST /oauth2/v1/token"


def new_key(kind: Curve) -> Any:
    if kind == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curves: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


@cache
def known_key(kind: Curve) -> Any:
    """The same in every test: an RSA key takes long to make."""
    return new_key(kind)


def jwk_of(key: Any, **more: str) -> dict[str, str]:
    of_rsa = isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey)
    read = RSAAlgorithm.to_jwk(key) if of_rsa else ECAlgorithm.to_jwk(key)
    return {**json.loads(read), **more}


def pem_of(key: Any, *, old: bool = False, password: bytes = b"") -> str:
    """PKCS #8, or the older form of its kind."""
    form = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
    shut: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, shut).decode())


class Responder:
    """The app, and what its owner holds."""

    def __init__(
        self, sandbox: OktaSandbox, kind: Curve = "P-256", scopes: tuple[str, ...] = WANTED, client_id: str = "",
    ) -> None:  # fmt: skip
        org, named = sandbox.org, {"client_id": client_id} if client_id else {}
        self.sandbox, self.key = sandbox, known_key(kind)
        with org.lock:
            self.app: App = seed.new_app(org, "Incident response", START, auth_method="private_key_jwt", **named)
            seed.add_role(org, self.app.roles, "SUPER_ADMIN", START)
            for scope in scopes:
                seed.add_grant(org, self.app, scope, START)
            self.registered = self.register(self.key, KID)
            sandbox.gate.operator.add(self.app.client_id)

    def register(self, key: Any, kid: str) -> ClientKey:
        org = self.sandbox.org
        public = ClientKey(
            org.new_id("pks"), kid, jwk_of(key.public_key(), kid=kid, use="sig"), START, org.new_status(START)
        )
        self.app.keys[public.id] = public
        return public

    def secrets(self) -> list[str]:
        """Parts of the private key that must appear nowhere."""
        lines = [line for line in pem_of(self.key).splitlines() if "-----" not in line]
        return [*lines, *(jwk_of(self.key)[part] for part in ("d",))]

    def minted(self) -> int:
        return sum(t.app == self.app.id for t in self.sandbox.org.access_tokens.values())

    def asked(self) -> int:
        """How often the token endpoint was asked by it."""
        return sum(c.name == TOKEN_CALL and c.by == "operator" for c in self.sandbox.calls())


def signed_in(bench: Bench, who: Responder, folder: Path, text: str = "", **changes: Any) -> OktaConnection:
    """By settings, with the key in a file."""
    file = folder / "responder-key"
    file.write_text(text or pem_of(who.key))
    named = {"client_id": who.app.client_id, "private_key_file": str(file), "key_id": KID, "token_file": ""}
    return bench.connect(**{**named, **changes})
