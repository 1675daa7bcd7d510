"""Keys whose private half was made elsewhere: what both doors do with a certificate (iam/docs/keys-upload)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_gcp.constraints import NO_UPLOADS
from nhi_revoke_gcp.sandbox.refusal import Refused, forbidden_by, full
from nhi_revoke_gcp.sandbox.state import LIMIT, USER_MANAGED, Account, Cloud, Key


@dataclass
class UploadedKey(Key):
    """Nobody here has its private half."""

    public: Any = None

    def pem(self) -> str:
        raise AssertionError("nobody here has it")

    def public_pem(self) -> str:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        made: bytes = self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return made.decode()


def uploaded(cloud: Cloud, account: Account, data: bytes, now: datetime) -> UploadedKey:
    """Raises Refused. It ends when its certificate does."""
    for constraint in NO_UPLOADS:
        if any(rule.get("enforce") for rule in cloud.constraints.get(constraint, ())):
            raise forbidden_by(constraint, account.project)
    if sum(key.type == USER_MANAGED for key in account.listed()) >= LIMIT:
        raise full(cloud.limit_told_as)
    certificate = _certificate(data)
    there = Lagged(False, now)
    there.set(True, now, cloud.write_lag)
    made = UploadedKey(
        f"{cloud.entropy.getrandbits(160):040x}", None, certificate.not_valid_before_utc, there, Lagged(False, now),
        certificate.not_valid_after_utc, origin="USER_PROVIDED", public=certificate.public_key(),
    )  # fmt: skip
    account.keys[made.id] = made
    return made


def _certificate(data: bytes) -> Any:
    """RSA, X.509 v3, one certificate in PEM and nothing else. Raises Refused."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    no = Refused("INVALID_ARGUMENT", "The public key is no RSA key in an X.509 v3 certificate.")
    try:
        found = x509.load_pem_x509_certificate(data)
    except ValueError:
        raise no from None
    alone = data.startswith(b"-----BEGIN CERTIFICATE-----") and b"PRIVATE" not in data
    if not alone or found.version is not x509.Version.v3 or not isinstance(found.public_key(), RSAPublicKey):
        raise no
    return found
