"""Tokens by client credentials: each asked for by an msal application of its own, which remembers nothing.

msal keeps tokens, and refusals with 400 for a minute: whoever asks again with the same application may hear an old
answer (facts entra.md 4, "Two caches"). So there is a new one for each request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock
    from nhi_revoke_entra.cloud import Cloud
    from nhi_revoke_entra.token_http import TokenHttp

T = TypeVar("T")
AADSTS = re.compile(r"AADSTS[0-9]{5,10}")
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
REVOKED = {
    "AADSTS7005003": "the client secret is revoked",
    "AADSTS7005004": "the key is revoked",
    "AADSTS7005005": "the federated credential is revoked",
    "AADSTS7005006": "the revocation of its tokens blocks it (TokenRevocationBlocksIssuance)",
}
"""Codes that say by themselves that a credential is dead (facts entra.md 10)."""


class Granted(Struct, frozen=True):
    """One token that was granted."""

    token: str
    until: datetime

    def __repr__(self) -> str:
        return f"Granted(…, {self.until:%H:%M:%S})"


class Refused(Struct, frozen=True):
    """The token service said no to these client credentials. `code`: `AADSTS…`, else the OAuth error."""

    error: str
    code: str

    @property
    def of_client(self) -> bool:
        """Whether it is about who signs in, and not about what was asked for."""
        return self.error in ("invalid_client", "unauthorized_client", "invalid_grant") or self.code in REVOKED


class TokenService:
    """Of one tenant. Thread-safe: it holds no state but discovery documents."""

    def __init__(self, io: Io, cloud: Cloud, tenant: str, http: TokenHttp, clock: VendorClock) -> None:
        self._io, self._cloud, self.tenant, self._http, self._clock = io, cloud, tenant, http, clock

    def granted(self, client_id: str, credential: Any, scope: str) -> Granted | Refused:
        """One request. `credential`: as msal takes it: a secret, or a dict with a private key or an assertion.

        Raises the faults of the contract for everything but a clear yes or no.
        """
        import msal

        def ask() -> Mapping[str, Any]:
            fresh = msal.ConfidentialClientApplication(
                client_id,
                client_credential=credential,
                authority=self.authority,
                http_client=self._http,
                instance_discovery=False,
            )
            said: Mapping[str, Any] = fresh.acquire_token_for_client([scope])
            return said

        return answered(by_msal(ask), self._clock.now())

    def public(self, client_id: str) -> Any:
        """A new msal application without credentials, for people. Raises Unauthenticated."""
        import msal

        return by_msal(
            lambda: msal.PublicClientApplication(
                client_id, authority=self.authority, http_client=self._http, instance_discovery=False
            )
        )

    @property
    def authority(self) -> str:
        return f"{self._cloud.login}/{self.tenant}"


def by_msal(call: Callable[[], T]) -> T:
    """What it answers. msal's own exceptions may hold what was sent: raises Unauthenticated instead, and faults as they
    are.
    """
    try:
        return call()
    except Fault:
        raise
    except Exception as error:  # noqa: BLE001 - msal raises many kinds, and each may hold what was sent
        why = type(error).__name__
    raise Unauthenticated(
        f"the token service was not asked, or its answer cannot be used ({why}): nothing was looked at",
        hint="Check tenant_id, client_id and the credential in [entra] of nhi.toml (or AZURE_…).",
    )


def answered(said: Mapping[str, Any], now: datetime) -> Granted | Refused:
    """From an answer as msal tells it. `now`: the vendor's clock. Raises Unavailable for what is neither."""
    token, lives = said.get("access_token"), said.get("expires_in")
    if isinstance(token, str) and token:
        seconds = float(lives) if isinstance(lives, int | float | str) and str(lives).isdigit() else 0.0
        return Granted(token, now + timedelta(seconds=seconds))
    error = str(said.get("error") or "")
    if not error:
        raise Unavailable("the token service's answer holds neither a token nor an error")
    told = AADSTS.search(str(said.get("error_description") or ""))
    return Refused(error if error.replace("_", "").isalnum() else "", told.group() if told else "")


def fault_of(refused: Refused, needs: str = "") -> Fault:
    """What a refusal of the operator's own credentials means."""
    code = refused.code or refused.error
    if refused.code == "AADSTS90002":
        return Missing(f"the token service knows no such tenant ({code})", code=code)
    if refused.of_client:
        return Unauthenticated(
            f"the token service does not accept the operator's credentials ({code}): nothing was looked at",
            code=code,
            hint=REVOKED.get(code, "Its secret or certificate expired or was removed, or its app is disabled."),
        )
    if refused.error in ("access_denied", "interaction_required"):
        return Denied(f"the token service gives no token for this ({code})", needs=needs, code=code)
    return Rejected(f"the token service refused ({code}): nothing was looked at", code=code)
