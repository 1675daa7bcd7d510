"""A new key pair of an app: made here, its public half registered, its private half handed over in memory.

OpenAPI: addJwk (RSA and EC signing keys; a kid is needed beside other keys). Okta docs: build-self-signed-jwt (RS256,
ES256). RFC 7517, 7638 (the kid is the key's own thumbprint).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.layout import Layout, variables
from nhi_revoke.provider.secret import Secret
from nhi_revoke_okta.access.app_credential import ACTIVE, GONE, NEEDED, Row, Shelf, id_of
from nhi_revoke_okta.access.client_proof import new_one_opens, signs_in_with_key
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.private_key import read_key
from nhi_revoke_okta.scopes import APPS

KIND = "okta:client-key"
BITS = 2048
VARIABLES = variables(
    {"OKTA_CLIENT_CLIENTID": "client_id", "OKTA_CLIENT_PRIVATEKEY": "private_key", "OKTA_CLIENT_KID": "kid"}
)
"""As Okta's SDKs read them, and this tool does (`sign_in.py`)."""


class KeyShelf(Shelf, frozen=True):
    def raw(self, conn: OktaConnection, app: str) -> Iterable[Row]:
        """Wrapped, as Okta answers, or bare, as its description has it."""
        body: Any = conn.get(self.path(app), APPS.read) or []
        if isinstance(body, dict):
            body = (body.get("jwks") or body).get("keys") or []
        return list(body)


SHELF = KeyShelf(KIND, "client key", "jwks")


class Pair(Struct, frozen=True):
    """One key pair. `public`: as a JWK with its kid."""

    private: str
    """PEM, PKCS #8, not encrypted."""
    public: dict[str, str]


def new_pair(family: str) -> Pair:
    """`family`: `EC` (P-256) or `RSA` (2048 bits)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm

    if family == "EC":
        curve_key = ec.generate_private_key(ec.SECP256R1())
        jwk: dict[str, Any] = ECAlgorithm(ECAlgorithm.SHA256).to_jwk(curve_key.public_key(), as_dict=True)
        key: Any = curve_key
    else:
        rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
        jwk = RSAAlgorithm(RSAAlgorithm.SHA256).to_jwk(rsa_key.public_key(), as_dict=True)
        key = rsa_key
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public: dict[str, str] = {name: str(jwk[name]) for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    return Pair(pem, {**public, "kid": _thumbprint(public), "use": "sig", "alg": _algorithm(public["kty"])})


class CreateKey(Mint[OktaConnection]):
    """Not repeated blindly: what a lost answer left behind is found by difference and deleted."""

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "makes a new key pair and registers its public half"
    undone: ClassVar[str] = "the new one is deactivated and deleted"
    source: ClassVar[str] = "OpenAPI: addJwk"
    layouts: ClassVar[tuple[Layout, ...]] = (VARIABLES,)
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/delete",)

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        pair = new_pair(str(step.before["kty"]))
        made = conn.send("POST", SHELF.path(step.on.id), APPS.manage, {**pair.public, "status": ACTIVE}, again=False)
        public = {"client_id": str(step.before["client_id"]), "kid": pair.public["kid"]}
        secret = Secret(pair.private, field="private_key", public=public)
        run.give(step.id, secret)
        its_id = SHELF.access(step.on.id, str(made["id"]))
        return Done({"id": its_id, "field": secret.field, "public": public}, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        row = SHELF.listed(conn, step.on.id).get(id_of(str(left["id"]))) if left else None
        return left if row and row["status"] == ACTIVE else None

    def orphans(self, conn: OktaConnection, step: Step) -> Sequence[AccessId]:
        known = set(step.before.get("ids") or ())
        ids = (SHELF.access(step.on.id, key) for key in SHELF.listed(conn, step.on.id))
        return [access for access in ids if access not in known]

    def destroy(self, conn: OktaConnection, step: Step, access: AccessId) -> Change:
        app, key = step.on.id, id_of(access)
        if SHELF.listed(conn, app).get(key, {}).get("status") == ACTIVE:
            SHELF.turn(conn, app, key, "deactivate")
        return SHELF.remove(conn, app, key)

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: OktaConnection, step: Step, secret: Secret) -> Proven:
        client_id, kid = secret.public["client_id"], secret.public["kid"]
        signing = read_key(secret.reveal())
        if signing is None:
            return Proven(Proof.UNPROVEN, "the new private key does not read back")
        return new_one_opens(
            conn, "private key", client_id,
            lambda: signs_in_with_key(conn, client_id, signing.key, signing.algorithm, kid),
        )  # fmt: skip


def _algorithm(family: str) -> str:
    return "ES256" if family == "EC" else "RS256"


def _thumbprint(public: dict[str, str]) -> str:
    import base64
    import hashlib
    import json

    text = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
