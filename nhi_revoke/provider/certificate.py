"""A private key and its self-signed certificate, both made here: of such a credential a vendor gets the certificate
alone.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from msgspec import Struct

BITS = 3072


class Pair(Struct, frozen=True):
    """Nothing of it is shown."""

    private: str
    """PEM (PKCS #8), not encrypted."""
    public: str
    """The certificate, PEM."""
    certificate: str
    """The same, DER in base64."""
    thumbprint: str
    """SHA-1 of the certificate, in upper hex."""

    @property
    def pem(self) -> str:
        """Both in one text."""
        return self.private + self.public

    def __repr__(self) -> str:
        return f"Pair({self.thumbprint})"


def new_pair(name: str, begins: datetime, ends: datetime, bits: int = BITS) -> Pair:
    """An RSA key of so many bits, and an X.509 v3 certificate of it. `name`: its common name, which others may read."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(private, hashes.SHA256())
    )
    der = made.public_bytes(Encoding.DER)
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    mark = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    return Pair(key, made.public_bytes(Encoding.PEM).decode(), base64.b64encode(der).decode(), mark)
