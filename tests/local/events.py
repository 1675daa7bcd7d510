"""A receiver of shared signals that is strict: RFC 8935, RFC 8417, CAEP 1.0 and its interoperability profile.

Written from facts standards.md D7 and D8, and not from the code that it judges.
"""

from __future__ import annotations

import json
import re
from typing import Any

import jwt
from jwt.algorithms import RSAAlgorithm

from tests.local.receiving import Answer, Got, Receiving

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
CREDENTIAL_TYPES = {
    "password", "pin", "x509", "fido2-platform", "fido2-roaming", "fido-u2f", "verifiable-credential", "phone-voice",
    "phone-sms", "app",
}  # fmt: skip
CHANGES = {"create", "revoke", "update", "delete"}
LATEST = 10_000_000_000
"""Seconds since 1970 that a time of this life may be: milliseconds are beyond it."""


class No(Exception):
    """`err` and `description`."""


class Signals:
    """Knows keys by their id, and what it took by `jti`."""

    def __init__(self, receiving: Receiving, issuer: str, audience: str) -> None:
        self.jwks: dict[str, dict[str, Any]] = {}
        self.took: dict[str, dict[str, Any]] = {}
        self.again: list[str] = []
        self.bearer = ""
        self._issuer, self._audience = issuer, audience
        receiving.answer = self.answer

    def knows(self, kid: str, private: Any) -> None:
        """The public half, as it stands in a JWKS."""
        self.jwks[kid] = json.loads(RSAAlgorithm.to_jwk(private.public_key()))

    def answer(self, got: Got) -> Answer:
        try:
            claims = self.judged(got)
        except No as no:
            err, description = no.args
            return (
                400,
                {"Content-Type": "application/json"},
                json.dumps({"err": err, "description": description}).encode(),
            )
        if claims["jti"] in self.took:
            self.again.append(claims["jti"])
        self.took[claims["jti"]] = claims
        return 202, {}, b""

    def judged(self, got: Got) -> dict[str, Any]:
        """Raises No."""
        if got.method != "POST" or got.headers.get("content-type") != "application/secevent+jwt":
            raise No("invalid_request", "not a pushed event")
        if got.headers.get("accept") != "application/json":
            raise No("invalid_request", "no Accept")
        if self.bearer and got.headers.get("authorization") != f"Bearer {self.bearer}":
            raise No("authentication_failed", "not signed in")
        return self.token(got.body.decode())

    def token(self, text: str) -> dict[str, Any]:
        """Claims of one token. Raises No."""
        head = jwt.get_unverified_header(text)
        if head.get("typ") != "secevent+jwt" or head.get("alg") != "RS256":
            raise No("invalid_request", "typ or alg")
        if head.get("kid") not in self.jwks:
            raise No("invalid_key", "unknown kid")
        key = jwt.PyJWK(self.jwks[head["kid"]]).key
        if key.key_size < 2048:
            raise No("invalid_key", "short key")
        try:
            claims: dict[str, Any] = jwt.decode(
                text, key, ["RS256"], audience=self._audience, issuer=self._issuer,
                options={"require": ["iss", "aud", "iat", "jti"], "verify_iat": False},
            )  # fmt: skip
        except jwt.InvalidIssuerError:
            raise No("invalid_issuer", "iss") from None
        except jwt.InvalidAudienceError:
            raise No("invalid_audience", "aud") from None
        except jwt.InvalidTokenError as error:
            raise No("invalid_request", type(error).__name__) from None
        _check(claims)
        return claims


def _check(claims: dict[str, Any]) -> None:
    for name in ("sub", "exp"):
        if name in claims:
            raise No("invalid_request", f"{name} must not be there")
    subject = claims.get("sub_id")
    if not isinstance(subject, dict) or set(subject) != {"format", "iss", "sub"} or subject["format"] != "iss_sub":
        raise No("invalid_request", "sub_id")
    if not isinstance(claims.get("txn"), str) or not claims["txn"]:
        raise No("invalid_request", "txn")
    if not isinstance(claims["iat"], int) or claims["iat"] > LATEST:
        raise No("invalid_request", "iat")
    events = claims.get("events")
    if not isinstance(events, dict) or len(events) != 1:
        raise No("invalid_request", "not exactly one event")
    [(name, event)] = events.items()
    if name not in (f"{CAEP}session-revoked", f"{CAEP}credential-change"):
        raise No("invalid_request", "unknown event")
    _check_event(name, event)


def _check_event(name: str, event: dict[str, Any]) -> None:
    stamp = event.get("event_timestamp")
    if not isinstance(stamp, int) or stamp > LATEST:
        raise No("invalid_request", "event_timestamp is not in seconds")
    if event.get("initiating_entity") not in ("admin", "user", "policy", "system"):
        raise No("invalid_request", "initiating_entity")
    reasons = event.get("reason_admin")
    if (
        not isinstance(reasons, dict)
        or not reasons
        or not all(
            re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", tag) and isinstance(text, str) and text
            for tag, text in reasons.items()
        )
    ):
        raise No("invalid_request", "reason_admin")
    known = {"event_timestamp", "initiating_entity", "reason_admin"}
    if name.endswith("credential-change"):
        known |= {"credential_type", "change_type"}
        if event.get("credential_type") not in CREDENTIAL_TYPES or event.get("change_type") not in CHANGES:
            raise No("invalid_request", "credential_type or change_type")
    if set(event) - known:
        raise No("invalid_request", "a claim that this event does not have")
