"""The operator's token: had when it is first needed, renewed in time, the same for REST and for gRPC."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.counting import ask_counted
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_gcp.settings import GcpSettings
from nhi_revoke_gcp.words import SIGN_IN

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock
    from nhi_revoke_gcp.credentials import Operator

RENEWED = timedelta(minutes=30)
"""A token is renewed after this, by Google's clock; an hour is what Google gives by default (facts gcp.md 1, row 3).
One that lives shorter is renewed when it is refused."""
NEW = timedelta(minutes=1)
QUOTA = "x-goog-user-project"


class Login:
    """Signs requests. Thread-safe; made without I/O, and without any of Google's libraries."""

    def __init__(self, settings: GcpSettings, environ: Mapping[str, str], io: Io, clock: VendorClock) -> None:
        self._settings, self._io, self._clock = settings, io, clock
        self._quota = settings.quota_project.strip() or environ.get("GOOGLE_CLOUD_QUOTA_PROJECT", "").strip()
        self._lock = threading.Lock()
        self._operator: Operator | None = None
        self._http: Any = None
        self._token = ""
        self._since: datetime | None = None

    @property
    def universe(self) -> str:
        """Raises Unauthenticated."""
        with self._lock:
            return self._who().universe

    def principals(self) -> Sequence[PrincipalRef]:
        """The operator's whole chain, once Google has let it in. Raises Unauthenticated and what a request raises."""
        self._held()
        with self._lock:
            return self._who().chain()

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        """Raises Unauthenticated and what a request raises."""
        signed = {"Authorization": f"Bearer {self._held()}"}
        return {**signed, QUOTA: self._quota} if self._quota else signed

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """A new token for the next try, but where the one that was refused is new itself."""
        with self._lock:
            if status != 401 or self._since is None or self._clock.now() - self._since < NEW:
                return False
            self._token = ""
            return True

    def _held(self) -> str:
        with self._lock:
            if not self._token or self._since is None or self._clock.now() - self._since >= RENEWED:
                who = self._who()
                self._token = ask_counted(self._io, lambda: refreshed(who.credentials, self._http), repeatable=True)
                self._since = self._clock.now()
            return self._token

    def _who(self) -> Operator:
        if self._operator is None:
            from nhi_revoke_gcp.credentials import operator_of
            from nhi_revoke_gcp.token_http import TokenHttp

            self._http = TokenHttp(self._io, self._clock)
            self._operator = operator_of(self._settings, self._http)
        return self._operator


def refreshed(credentials: Any, http: Any) -> str:
    """A new token, in one request for each link of the chain. Raises Unauthenticated, and what a request raises."""
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials.refresh(http)
    except GoogleAuthError as error:
        told = oauth_error(error)
    else:
        if credentials.token:
            return str(credentials.token)
        told = "no token was given"
    # Outside the handler: the library's exception holds the whole answer.
    raise Unauthenticated(f"Google does not let the operator in ({told}): nothing was looked at", hint=SIGN_IN)


def oauth_error(error: Exception) -> str:
    """The code alone, where the answer was OAuth's: the rest is free text."""
    answer = error.args[1] if len(error.args) > 1 else None
    code = answer.get("error") if isinstance(answer, dict) else None
    return code if isinstance(code, str) and code.replace("_", "").isalpha() else type(error).__name__
