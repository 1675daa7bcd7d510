"""`caep`: receivers of shared signals learn of it: a signed event for each principal, pushed.

RFC 8935 (facts standards.md D7): POST, `application/secevent+jwt`, 202 is accepted; 400 with `err` and `description` is
a no. The events: `caep_token.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Rejected, Unauthenticated
from nhi_revoke.provider.io import Run
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.flush.base import LocalFlush, secret_of
from nhi_revoke_local.flush.caep_token import CREDENTIAL, HEADER_TYPE, SESSION, Issue, Subject, token_claims
from nhi_revoke_local.flush.receiver import address, concern_of, post

EXAMPLE = (
    'url = "https://sp.example/ssf/push", iss = "https://ir.example/", aud = "https://sp.example/", '
    'key_file = "/run/keys/ssf.pem", kid = "2026-1", credential_type = "app"'
)
LEAST_BITS = 2048
"""CAEP interoperability profile: RS256 with at least so many (facts standards.md D8)."""


class CaepSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands beside `use = "caep"` in the map. It is journaled: no secret belongs here."""

    url: Annotated[str, Meta(min_length=1)]
    iss: Annotated[str, Meta(min_length=1)]
    aud: Annotated[str, Meta(min_length=1)]
    key_file: Annotated[str, Meta(min_length=1)]
    """RSA private key, PEM, unencrypted."""
    kid: Annotated[str, Meta(min_length=1)]
    """Of that key in the JWKS that the receiver knows."""
    events: Annotated[tuple[Literal["session-revoked", "credential-change"], ...], Meta(min_length=1)] = (
        SESSION,
        CREDENTIAL,
    )
    credential_type: str = ""
    """One of CAEP's (`app`, `password`, `x509`, …), or what both sides agreed on."""
    subjects: dict[str, Subject] = field(default_factory=dict)
    """For principals that the receiver knows by another name: `"PROVIDER:…" = {iss = …, sub = …}`."""
    token_env: str = ""
    """Variable with a bearer for the push, where the receiver wants one."""
    token_file: str = ""


class Caep(LocalFlush[CaepSettings]):
    """A 202 says that it was accepted, and no more."""

    name: ClassVar[str] = "caep"
    permissions: ClassVar[tuple[str, ...]] = ("push to the receiver of shared signals",)
    says: ClassVar[str] = "pushes signed CAEP events: what ended of each principal, and what is new"
    survives: ClassVar[str] = "whatever the receiver does not end: nobody here sees what it does"
    source: ClassVar[str] = "RFC 8417, RFC 8935, OpenID CAEP 1.0"
    shape: ClassVar[type[CaepSettings]] = CaepSettings
    example: ClassVar[str] = EXAMPLE
    needs_installed: ClassVar[tuple[str, ...]] = ("jwt", "cryptography")
    extra: ClassVar[str] = "caep"

    def weigh(self, settings: CaepSettings) -> None:
        address(self.name, settings.url)
        for name, given in (("iss", settings.iss), ("aud", settings.aud)):
            if "@" in urlsplit(given).netloc:
                raise Rejected(f"caep: {name} holds a user name or a password", hint=f"Write {EXAMPLE}.")
        if CREDENTIAL in settings.events and not settings.credential_type:
            why = "caep: credential-change needs credential_type, as the receiver knows it"
            raise Rejected(why, hint='Write credential_type = "app", or events = ["session-revoked"].')
        if settings.token_env and settings.token_file:
            raise Rejected("caep: token_env and token_file are both there", hint=f"Write {EXAMPLE}.")

    def plainly(self, settings: CaepSettings) -> tuple[str, str]:
        at = address(self.name, settings.url)
        says = f"push {' and '.join(settings.events)} of each principal to {at} (signed, as {settings.iss})"
        return says, f"whatever {at} ends on such an event"

    def unready(self, conn: LocalConnection, settings: CaepSettings) -> Impossible | None:
        try:
            _key(settings)
            _bearer(settings)
        except Unauthenticated as wrong:
            return Impossible(wrong.message, "Correct the map, then resume.")
        return None

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        import jwt

        settings = self.settings(step.before)
        key, bearer = _key(settings), _bearer(settings)
        issue = Issue(settings.iss, settings.aud, settings.credential_type, settings.events, settings.subjects)
        all_claims = token_claims(issue, concern_of(run), run.id, step.id, step.to, conn.now())
        if not all_claims:
            return Already({"sent": []})
        headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json", **bearer}

        def push(claims: dict[str, Any]) -> int:
            token = jwt.encode(claims, key, algorithm="RS256", headers={"typ": HEADER_TYPE, "kid": settings.kid})
            return post(conn.io, self.name, settings.url, token.encode(), headers).status

        wrong = [status for status in conn.io.map(push, all_claims) if status != 202]
        if wrong:
            at = address(self.name, settings.url)
            return Failed(f"{at} answered {wrong[0]} and not 202 (RFC 8935): whether it took the event is open")
        return Done({"sent": [claims["jti"] for claims in all_claims]}, conn.now())

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        """The answers are all that can be known; without them all are pushed again, by the same `jti`."""
        left = run.left(step.id)
        return left if "sent" in left else None

    def prove(self, conn: LocalConnection, step: Step, run: Run) -> Proven:
        sent = run.left(step.id).get("sent") or ()
        if not sent:
            return Proven(Proof.RECORDED, "no event is due at this moment: nothing was pushed")
        at = address(self.name, self.settings(step.before).url)
        how = f"{at} accepted {len(sent)} events (202); what it did with them cannot be seen from here"
        return Proven(Proof.REQUESTED, how)


def _key(settings: CaepSettings) -> Any:
    """Raises Unauthenticated for what is no RSA key, or a short one."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    secret = secret_of("caep", "key", "", settings.key_file)
    key: Any = None
    try:
        key = load_pem_private_key(secret.reveal().encode(), password=None) if secret is not None else None
    except Exception:  # noqa: BLE001 - whatever a library says of a key may quote it
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        why = f"caep: key_file holds no private key that fits (RSA of {LEAST_BITS} bits or more, PEM, unencrypted)"
        raise Unauthenticated(why)
    return key


def _bearer(settings: CaepSettings) -> dict[str, str]:
    token = secret_of("caep", "token", settings.token_env, settings.token_file)
    if token is None:
        return {}
    if not token.reveal().isascii() or not token.reveal().isprintable():
        raise Unauthenticated("caep: the token holds characters that no token has")
    return {"Authorization": f"Bearer {token.reveal()}"}
