"""What signs the operator's requests: an API token (SSWS), or a service app with private_key_jwt at the org server.

Okta docs: implement-oauth-for-okta-serviceapp (private_key_jwt alone for okta.* scopes), build-self-signed-jwt (an
assertion with a `jti` is good for one request; `iat` is optional), guides/dpop, oauth2-error-codes; RFC 7523, 9449.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, Rejected, Unavailable
from nhi_revoke.provider.http import HttpApi
from nhi_revoke_okta.private_key import SigningKey
from nhi_revoke_okta.proof_key import ProofKey
from nhi_revoke_okta.scopes import AGENTS, WANTED
from nhi_revoke_okta.settings import OktaSettings
from nhi_revoke_okta.words import Okta

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIVES = 300
"""Seconds; Okta accepts up to an hour."""
EARLY = timedelta(seconds=60)
"""A token is renewed so long before it expires."""
DENIAL_HOLDS = timedelta(seconds=60)
"""A scope that was not granted is not asked for again so soon: each listing would ask."""
SKEWED = timedelta(seconds=30)
"""What was signed by a clock that turns out to be off by more is signed again."""


class ApiToken:
    """`Authorization: SSWS …`. It may do what its owner may; scopes do not apply."""

    def __init__(self, value: str) -> None:
        self._value = value

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        return {"Authorization": f"SSWS {self._value}"}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        return False


class Granted(Struct, frozen=True):
    """One access token."""

    value: str
    until: datetime
    bound: bool
    """It works with a DPoP proof alone."""

    def __repr__(self) -> str:
        return "Granted(…)"


class ServiceApp:
    """A token for every scope; where one of them is not granted to the app, a token for each scope by itself.

    A scope that an org may not know is always asked for by itself, unless the operator chose the scopes.
    """

    def __init__(
        self, io: Io, url: str, client_id: str, key: SigningKey, key_id: str, settings: OktaSettings,
        clock: VendorClock, scopes: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.client_id = client_id
        self._key, self._key_id, self._scopes = key, key_id, scopes
        self._apart = frozenset(AGENTS if scopes == WANTED else ())
        self._url, self._clock = url, clock
        self._proofs = ProofKey(clock.now, lambda: str(uuid.uuid4()))
        self._bound = settings.dpop
        self._api = HttpApi(io, url, Okta(), _Prover(self, self._proofs, clock), clock=clock)
        self._lock = threading.RLock()
        self._held: dict[str, Granted] = {}
        self._denied: dict[str, tuple[datetime, str]] = {}
        """Scope -> until when that is believed, and Okta's code."""
        self._failures = 0
        self._failure: Fault | None = None
        """Of the last login; whoever stood in line for it hears the same."""
        self._sent = threading.local()
        self._alone = False
        """Scopes are asked for one by one."""

    @property
    def bound(self) -> bool:
        """Whether the token endpoint is asked with a proof."""
        return self._bound

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        token = self._sent.token = self._token(needs)
        if not token.bound:
            return {"Authorization": f"Bearer {token.value}"}
        return {
            "Authorization": f"DPoP {token.value}",
            "DPoP": self._proofs.proof(method, url, "api", token.value),
        }

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """A new nonce is used, a proof that was refused is made anew, a token that was refused is fetched anew."""
        if self._proofs.learn(headers, "api"):
            return True
        if status != 401:
            return "invalid_dpop_proof" in headers.get("www-authenticate", "")
        sent = getattr(self._sent, "token", None)
        with self._lock:  # another thread may have fetched a new one since: that stays
            self._held = {scope: held for scope, held in self._held.items() if held is not sent}
        return True

    def grants(self, scope: str) -> bool:
        """Whether Okta gives this app a token with that scope. Raises the faults of the contract but a denial."""
        with self._lock:
            try:
                if scope in self._scopes and scope not in self._apart and not self._alone:
                    self._granted(scope)
                if self._alone or scope not in self._scopes or scope in self._apart:
                    self._by_itself(scope)
            except Denied:
                return False
            return True

    def _token(self, needs: str) -> Granted:
        failures = self._failures
        with self._lock:
            if self._failure is not None and self._failures != failures:
                raise self._failure
            try:
                return self._granted(needs)
            except Denied:
                raise
            except Fault as fault:
                self._failures, self._failure = self._failures + 1, fault
                raise

    def _granted(self, needs: str) -> Granted:
        if not self._alone and needs not in self._apart:
            try:
                return self._kept(" ".join(self._scopes))
            except Denied:
                self._alone = True
        if not needs:
            raise Denied("none of the scopes that this tool needs is granted to the operator's app")
        return self._by_itself(needs)

    def _by_itself(self, scope: str) -> Granted:
        until, code = self._denied.get(scope, (None, ""))
        if until is None or until <= self._clock.now():
            try:
                return self._kept(scope)
            except Denied as denied:
                code = denied.code
                self._denied[scope] = (self._clock.now() + DENIAL_HOLDS, code)
        raise Denied(
            f"scope {scope} is not granted to the operator's app ({code})",
            needs=scope,
            code=code,
            hint="Grant it on the app's tab Okta API Scopes, or sign in as an app that has it.",
        )

    def _kept(self, scope: str) -> Granted:
        held = self._held.get(scope)
        if held is None or held.until - EARLY <= self._clock.now():
            self._held[scope] = held = self._fetched(scope)
        return held

    def _fetched(self, scope: str) -> Granted:
        """Asked again where the org demands a proof, or a newer nonce in it."""
        for _ in range(2):
            try:
                return self._asked(scope)
            except Rejected as refused:
                wants = refused.code == "use_dpop_nonce" or (refused.code == "invalid_dpop_proof" and not self._bound)
                if not wants:
                    raise
                self._bound = True
        return self._asked(scope)

    def _asked(self, scope: str) -> Granted:
        def form() -> dict[str, str]:
            return {
                "grant_type": "client_credentials",
                "scope": scope,
                "client_assertion_type": ASSERTION,
                "client_assertion": self._assertion(),
            }

        body = self._api.call("POST", TOKEN_PATH, form=form, again=True, needs=scope).body
        if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            raise Unavailable(f"Okta's answer to POST {TOKEN_PATH} holds no token")
        lives = body.get("expires_in")
        until = self._clock.now() + timedelta(seconds=lives if isinstance(lives, int | float) else 0)
        return Granted(body["access_token"], until, str(body.get("token_type", "")).lower() == "dpop")

    def _assertion(self) -> str:
        """For one request. Without `iat`: it must be before Okta's time, which is not known before the first answer."""
        import jwt

        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self._url + TOKEN_PATH,
            "exp": int(self._clock.now().timestamp()) + ASSERTION_LIVES,
            "jti": str(uuid.uuid4()),
        }
        named = {"kid": self._key_id} if self._key_id else {}
        return jwt.encode(claims, self._key.key, self._key.algorithm, headers=named)


class _Prover:
    """At the token endpoint: no token yet, a proof where one is demanded. Used under the app's lock."""

    def __init__(self, app: ServiceApp, proofs: ProofKey, clock: VendorClock) -> None:
        self._app, self._proofs, self._clock = app, proofs, clock
        self._ahead = timedelta(0)

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        self._ahead = self._clock.ahead
        return {"DPoP": self._proofs.proof(method, url, "token")} if self._app.bound else {}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """A new nonce; or Okta's clock is another one than what was signed went by."""
        told = self._proofs.learn(headers, "token") and self._app.bound
        return told or abs(self._clock.ahead - self._ahead) > SKEWED
