"""`http`: a service of the operator's own is told to forget the old credential, signed, and once.

The signature is an HMAC-SHA256 with the shared key over `TIMESTAMP.BODY`, in the header
`NHI-Revoke-Signature: t=TIMESTAMP,v1=HEX`; a receiver refuses an old timestamp. `Idempotency-Key` (an IETF draft of
that name, and the practice of many APIs) and the body stay the same however often it is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct

from nhi_revoke.model.change import Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Rejected, Unauthenticated
from nhi_revoke.provider.io import Run
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.flush.base import LocalFlush, secret_of
from nhi_revoke_local.flush.receiver import address, concern_of, post

EXAMPLE = 'url = "https://gateway.internal/flush", key_env = "FLUSH_KEY"'
EVENT = "credential-flush"
SIGNATURE = "NHI-Revoke-Signature"
NAMESPACE = uuid.UUID("0b6f0e0e-5f3e-5d0b-9d3c-2f3a7c1c9a51")


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands beside `use = "http"` in the map. It is journaled: no secret belongs here."""

    url: Annotated[str, Meta(min_length=1)]
    key_env: str = ""
    """Variable that holds the key shared with the receiver."""
    key_file: str = ""


class Http(LocalFlush[HttpSettings]):
    """A 2xx says that it was accepted, and no more."""

    name: ClassVar[str] = "http"
    permissions: ClassVar[tuple[str, ...]] = ("POST to the receiver",)
    says: ClassVar[str] = "tells a service of the operator's own, by a signed POST"
    survives: ClassVar[str] = "whatever the receiver does not forget: nobody here sees what it does"
    shape: ClassVar[type[HttpSettings]] = HttpSettings
    example: ClassVar[str] = EXAMPLE

    def weigh(self, settings: HttpSettings) -> None:
        address(self.name, settings.url)
        if bool(settings.key_env) == bool(settings.key_file):
            raise Rejected("http: one of key_env and key_file must be there", hint=f"Write {EXAMPLE}.")

    def plainly(self, settings: HttpSettings) -> tuple[str, str]:
        at = address(self.name, settings.url)
        return f"tell {at} (signed POST) to forget the old credentials", f"whatever {at} makes forget them"

    def unready(self, conn: LocalConnection, settings: HttpSettings) -> Impossible | None:
        try:
            _key(settings)
        except Unauthenticated as wrong:
            return Impossible(wrong.message, "Set it, then resume.")
        return None

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        settings = self.settings(step.before)
        body = message(step, run)
        stamp = int(conn.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid5(NAMESPACE, f"{run.id}/{step.id}")),
            SIGNATURE: f"t={stamp},v1={signature(_key(settings), stamp, body)}",
        }
        answer = post(conn.io, self.name, settings.url, body, headers)
        return Done({"status": answer.status, "to": address(self.name, settings.url)}, conn.now())

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        """The answer is all that can be known of it; without one, it is sent again, as the same message."""
        left = run.left(step.id)
        return left if "status" in left else None

    def prove(self, conn: LocalConnection, step: Step, run: Run) -> Proven:
        left = run.left(step.id)
        how = f"{left.get('to')} accepted it ({left.get('status')}); what it did with it cannot be seen from here"
        return Proven(Proof.REQUESTED, how)


def message(step: Step, run: Run) -> bytes:
    """Of this run and step, the same at every try: `time` is when the run began."""
    about = concern_of(run)
    body = {
        "event": EVENT,
        "identity": about.identity,
        "principals": [str(ref) for ref in about.principals],
        "run": run.id,
        "time": f"{about.at:%Y-%m-%dT%H:%M:%SZ}",
        "moment": step.to,
    }
    return msgspec.json.encode(body)


def signature(key: bytes, stamp: int, body: bytes) -> str:
    """Hexadecimal. `stamp`: seconds since 1970."""
    return hmac.new(key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def _key(settings: HttpSettings) -> bytes:
    secret = secret_of("http", "key", settings.key_env, settings.key_file)
    return secret.reveal().encode() if secret is not None else b""
