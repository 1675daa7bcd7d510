"""What the intruder copied of keys: the private key of a certificate, and an issuer that it can get tokens from.

Besides, keys of single sign-on stand on the service principal, which are no way in.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rsa_keys import rsa_key
from nhi_revoke_entra.sandbox.routes_tokens import ASSERTION, EXCHANGE, HOST
from nhi_revoke_entra.sandbox.state import TENANT, Directory, Key, Tenant, Trust

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.scene import Scene

A_YEAR = timedelta(days=365)
FORGE = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:example-payments/shop:ref:refs/heads/main"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"


@cache
def new_pair(name: str) -> tuple[Any, str]:
    """An RSA key (a `cryptography` object) and its self-signed certificate, DER in base64; one for each name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    private = rsa_key(f"entra:{name}")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begin = datetime(2026, 1, 1)  # noqa: DTZ001 - naive means UTC in this library
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + 3 * A_YEAR)
        .sign(private, hashes.SHA256())
    )
    return private, base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def mark_of(certificate: str) -> str:
    """Its thumbprint (SHA-1, in hex), as Graph tells it."""
    return hashlib.sha1(base64.b64decode(certificate), usedforsecurity=False).hexdigest().upper()


def times_of(certificate: str) -> tuple[datetime, datetime]:
    """From when and until when it is valid."""
    from cryptography import x509

    read = x509.load_der_x509_certificate(base64.b64decode(certificate))
    return read.not_valid_before_utc, read.not_valid_after_utc


def add_key(tenant: Tenant, thing: Directory, name: str, at: datetime, usage: str = "Verify") -> tuple[Key, Any]:
    """The registered certificate, and its private key."""
    private, certificate = new_pair(name)
    key = Key(
        tenant.new_id(), f"CN={name}", usage, certificate, mark_of(certificate), at, at + A_YEAR, Lagged(True, at)
    )
    thing.keys[key.key_id] = key
    return key, private


def new_trust(tenant: Tenant, name: str, at: datetime, **more: str) -> Trust:
    return Trust(
        tenant.new_id(), name, more.get("issuer", FORGE), more.get("subject", ""), [EXCHANGE], Lagged(True, at),
        more.get("expression", ""),
    )  # fmt: skip


def add_trust(tenant: Tenant, application: Any, name: str, at: datetime, **more: str) -> Trust:
    trust = new_trust(tenant, name, at, **more)
    application.trusts[trust.id] = trust
    return trust


def plant(scene: Scene) -> None:
    """Two doors. Meddlings: `new-certificate`, `new-trust`."""
    tenant, then = scene.tenant, scene.then
    key, private = add_key(tenant, scene.application, "payments-bot", then)
    scene.keep_secret(private)
    scene.door(
        "certificate", "certificate", "the private key of the app's certificate, copied from a build machine",
        f"entra:certificate/{scene.application.id}/{key.key_id}", lambda: [scene.signing_in(**own(scene, private))],
    )  # fmt: skip
    add_key(tenant, scene.principal, "payments-bot-sso", then, "Sign")
    pair, _ = add_key(tenant, scene.principal, "payments-bot-sso", then)
    scene.principal.sso_thumbprint = pair.thumbprint
    issuing, public = new_pair("forge")
    tenant.issuers[FORGE] = issuing.public_key()
    del public
    trust = add_trust(tenant, scene.application, "shop-main", then, subject=SUBJECT)
    scene.door(
        "federated", "federated-credential", "a job of another forge, whose tokens a federated credential trusts",
        f"entra:federated-credential/{scene.application.id}/{trust.id}",
        lambda: [scene.signing_in(**foreign(scene, issuing, SUBJECT))],
    )  # fmt: skip
    scene.meddlings["new-certificate"] = lambda: _late_certificate(scene)
    scene.meddlings["new-trust"] = lambda: _late_trust(scene, issuing)


def own(scene: Scene, private: Any) -> dict[str, str]:
    """A client assertion by the app's own key (Microsoft docs: certificate-credentials)."""
    import jwt

    now, app = int(scene.now().timestamp()), scene.principal.app_id
    claims = {"aud": f"{HOST}/{TENANT}/oauth2/v2.0/token", "iss": app, "sub": app, "exp": now + 500, "jti": str(now)}
    return {"client_assertion_type": ASSERTION, "client_assertion": jwt.encode(claims, private, "RS256")}


def foreign(scene: Scene, issuing: Any, subject: str) -> dict[str, str]:
    """An assertion that is another issuer's token."""
    import jwt

    now = int(scene.now().timestamp())
    claims = {"aud": EXCHANGE, "iss": FORGE, "sub": subject, "exp": now + 500}
    return {"client_assertion_type": ASSERTION, "client_assertion": jwt.encode(claims, issuing, "RS256")}


def _late_certificate(scene: Scene) -> None:
    """An owner adds one during the run, on the service principal."""
    key, private = add_key(scene.tenant, scene.principal, "late", scene.now())
    scene.door(
        "late-certificate", "certificate", "a certificate that was added during the run",
        f"entra:certificate/{scene.principal.id}/{key.key_id}", lambda: [scene.signing_in(**own(scene, private))],
    )  # fmt: skip


def _late_trust(scene: Scene, issuing: Any) -> None:
    subject = "repo:elsewhere/x:ref:refs/heads/main"
    trust = add_trust(scene.tenant, scene.application, "late", scene.now(), subject=subject)
    scene.door(
        "late-federated", "federated-credential", "a federated credential that was added during the run",
        f"entra:federated-credential/{scene.application.id}/{trust.id}",
        lambda: [scene.signing_in(**foreign(scene, issuing, subject))],
    )  # fmt: skip
