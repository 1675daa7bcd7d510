"""How requests are signed: a token, a GitHub App's JWT, the token of its installation, or a client's secret.

GitHub docs: generating-a-json-web-token-jwt-for-a-github-app (RS256, ten minutes at most, a minute back for clock
drift), generating-an-installation-access-token-for-a-github-app (one hour), rest/apps/oauth-applications (Basic).
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Unauthenticated, Unavailable
from nhi_revoke.provider.vendor_clock import VendorClock

if TYPE_CHECKING:
    from nhi_revoke.provider.http import HttpApi

JWT_LIVES = 540
"""Seconds; GitHub refuses more than ten minutes."""
DRIFT = 60
"""Seconds that a JWT is dated back, as GitHub advises."""
EARLY = timedelta(seconds=120)
"""An installation's token is renewed so long before it expires."""
SKEWED = timedelta(seconds=30)
"""What was signed by a clock that turns out to be off by more is signed again."""


class ByToken:
    """`Authorization: Bearer …`: a personal, OAuth or installation token."""

    def __init__(self, value: str) -> None:
        self._value = value

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._value}"}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        return False


class ByClientSecret:
    """An app or OAuth app by its own client id and secret: for /applications/… alone."""

    def __init__(self, client_id: str, secret: str) -> None:
        self._pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        return {"Authorization": f"Basic {self._pair}"}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        return False


class ByAppKey:
    """The App itself: its JWT, made anew for each request."""

    def __init__(self, issuer: str, key: Any, clock: VendorClock) -> None:
        """`issuer`: client id or app id. `key`: what `private_key.read_key` gave. `clock`: GitHub's."""
        self.issuer = issuer
        self._key, self._clock = key, clock
        self._signed = threading.local()

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        import jwt

        self._signed.ahead = self._clock.ahead
        now = int(self._clock.now().timestamp())
        claims = {"iat": now - DRIFT, "exp": now + JWT_LIVES, "iss": self.issuer}
        return {"Authorization": f"Bearer {jwt.encode(claims, self._key, algorithm='RS256')}"}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """GitHub's clock is another one than what was signed went by: its answer has just told."""
        ahead: timedelta = getattr(self._signed, "ahead", self._clock.ahead)
        return status == 401 and abs(self._clock.ahead - ahead) > SKEWED


class Granted(Struct, frozen=True):
    """An installation's token."""

    value: str
    until: datetime
    repositories: str = ""
    """`all` or `selected`."""
    permissions: dict[str, str] = {}
    """By resource, the level: `read`, `write`, `admin`."""

    def __repr__(self) -> str:
        return "Granted(…)"


class ByInstallation:
    """The App's installation on one organisation or user."""

    def __init__(self, as_app: HttpApi, account: str, clock: Callable[[], datetime]) -> None:
        """`as_app`: asks with the App's JWT. `account`: login of where it is installed."""
        self._as_app, self._account, self._clock = as_app, account, clock
        self._lock = threading.Lock()
        self._held: Granted | None = None
        self._sent = threading.local()

    @property
    def repositories(self) -> str:
        """Which repositories the installation is shown: `all`, `selected`, or empty before the first request."""
        with self._lock:
            return self._held.repositories if self._held else ""

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        """Raises Unauthenticated where the App is not installed there, and what a request raises."""
        with self._lock:
            if self._held is None or self._held.until - EARLY <= self._clock():
                self._held = self._fetched()
            self._sent.token = self._held
            return {"Authorization": f"Bearer {self._held.value}"}

    def permissions(self) -> Mapping[str, str]:
        """What the installation's token may: by resource, the level. Raises as `headers`."""
        self.headers("", "", "")
        with self._lock:
            return self._held.permissions if self._held else {}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """A token that was revoked is fetched anew, once. Another thread may have done so meanwhile: that one stays."""
        if status != 401:
            return False
        with self._lock:
            if self._held is getattr(self._sent, "token", None):
                self._held = None
        return True

    def _fetched(self) -> Granted:
        for page in self._as_app.pages("/app/installations", per_page=100):
            for row in page.body or ():
                if str((row.get("account") or {}).get("login", "")).lower() == self._account.lower():
                    return self._minted(row)
        raise Unauthenticated(
            f"the operator's GitHub App is not installed on {self._account or 'any organisation'}: nothing can be "
            "asked as that App",
            hint="Install it there, or name the organisation: org in [github] of nhi.toml.",
        )

    def _minted(self, row: Mapping[str, Any]) -> Granted:
        """One token too many lives an hour and harms nobody: it may be asked for again."""
        if row.get("suspended_at"):
            raise Unauthenticated(
                f"the operator's GitHub App is suspended on {self._account}: nothing can be asked as that App",
                hint="Unsuspend it there, or sign in by token.",
            )
        made = self._as_app.call("POST", f"/app/installations/{int(row['id'])}/access_tokens", again=True).body
        if not isinstance(made, dict) or not isinstance(made.get("token"), str):
            raise Unavailable("GitHub's answer to POST /app/installations/…/access_tokens holds no token")
        until = datetime.fromisoformat(str(made["expires_at"]))
        told = made.get("permissions")
        may = {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}
        return Granted(made["token"], until, str(made.get("repository_selection") or ""), may)
