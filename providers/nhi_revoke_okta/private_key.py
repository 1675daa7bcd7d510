"""The service app's private key, from PEM or JWK. Its text enters no message, and no exception that goes on.

Okta docs: build-self-signed-jwt (RS256, RS384, RS512, ES256, ES384, ES512).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
RSA = ("RS256", "RS384", "RS512")


class SigningKey(NamedTuple):
    """Ready to sign with."""

    key: Any
    """An object of `cryptography`."""
    algorithm: str
    key_id: str
    """As the JWK names it; empty for PEM."""

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm})"


def looks_like_key(text: str) -> bool:
    """Whether this is a key itself, and not a path of a file with one."""
    return "{" in text or "-----" in text


def read_key(text: str) -> SigningKey | None:
    """None for what is no private RSA or EC key that Okta takes: a public one, an encrypted one, none at all."""
    try:
        return _from_jwk(json.loads(text)) if "{" in text else _from_pem(text)
    except Exception:  # noqa: BLE001 - whatever a library says of a key may quote it
        return None


def _from_pem(text: str) -> SigningKey | None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    # In a variable, line breaks are often written as two characters.
    whole = text.replace("\\n", "\n").strip()
    return _signing(load_pem_private_key(whole.encode(), password=None), "", "")


def _from_jwk(jwk: dict[str, Any]) -> SigningKey | None:
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm

    kind = RSAAlgorithm if jwk.get("kty") == "RSA" else ECAlgorithm
    return _signing(kind.from_jwk(jwk), str(jwk.get("alg") or ""), str(jwk.get("kid") or ""))


def _signing(key: Any, wanted: str, key_id: str) -> SigningKey | None:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key, RSAPrivateKey):
        return SigningKey(key, wanted if wanted in RSA else RSA[0], key_id)
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return SigningKey(key, CURVES[key.curve.name], key_id)
    return None
