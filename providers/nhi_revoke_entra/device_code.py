"""The operator as a person who signs in with a browser, by a code that this tool shows on their terminal.

Microsoft docs: v2-oauth2-device-code; RFC 8628. The app is a public client of the operator's own, and the tokens are
kept in memory alone. Conditional Access may block the flow (concept-authentication-flows).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.fault import Denied, Fault, NoAnswer, Throttled, Unauthenticated, Unavailable
from nhi_revoke_entra.tokens import Granted, Refused, TokenService, answered, by_msal

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io

CODE = re.compile(r"[A-Za-z0-9-]{4,20}")
PLACE = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._/-]*)?")
"""What is shown of an answer: nothing else gets onto a terminal."""
WAITING, SLOWER = "authorization_pending", "slow_down"
OTHERWISE = 'sign_in = "client", "managed-identity" or "az" in [entra] of nhi.toml needs nobody.'
ENDED = {
    "authorization_declined": "it was declined in the browser",
    "access_denied": "it was declined in the browser",
    "expired_token": "nobody signed in before the code expired",
    "code_expired": "nobody signed in before the code expired",
}


class DeviceCode:
    """A way to sign in. Thread-safe: one person is asked once, and everybody else waits for that."""

    def __init__(self, io: Io, service: TokenService, client_id: str, first: str, now: Callable[[], datetime]) -> None:
        """`first`: URL of the API that the person signs in for. `now`: the vendor's clock."""
        self._io, self._service, self._client_id, self._first, self._now = io, service, client_id, first, now
        self._lock = threading.Lock()
        self._refresh = ""
        self._failed: Fault | None = None

    def token(self, resource: str, needs: str) -> Granted:
        """Raises Unauthenticated; Denied for another API than the first that gives none."""
        with self._lock:
            if self._failed is not None:
                raise self._failed  # nobody is asked a second time by the same command
            try:
                return self._token(resource, needs)
            except Unauthenticated as failed:
                self._failed = failed
                raise

    def _token(self, resource: str, needs: str) -> Granted:
        if self._refresh:
            said = self._refreshed(resource)
            if isinstance(said, Granted):
                return said
            if resource != self._first:
                code = said.code or said.error
                raise Denied(f"the token service gives the operator no token for {resource} ({code})", needs=needs)
            self._refresh = ""  # it ended, or was revoked
        granted = self._signed_in()
        if resource == self._first:
            return granted
        if not self._refresh:
            raise Denied(f"the token service gives no refresh token, and so none for {resource}", needs=needs)
        return self._token(resource, needs)

    def _refreshed(self, resource: str) -> Granted | Refused:
        app = self._service.public(self._client_id)
        return self._read(by_msal(lambda: app.acquire_token_by_refresh_token(self._refresh, [f"{resource}/.default"])))

    def _read(self, said: Mapping[str, Any]) -> Granted | Refused:
        """A refresh token is replaced by the one that comes with an answer."""
        kept = said.get("refresh_token")
        self._refresh = kept if isinstance(kept, str) and kept else self._refresh
        return answered(said, self._now())

    def _signed_in(self) -> Granted:
        begins = f"Entra: sign in with a browser, to tenant {self._service.tenant}."
        if not self._io.show(begins):
            raise Unauthenticated(
                "a device code can be shown to nobody: there is no terminal here, and nothing of Entra was looked at",
                hint=f"Run this in a terminal, without --no-input; or {OTHERWISE}",
            )
        app = self._service.public(self._client_id)
        flow = by_msal(lambda: app.initiate_device_flow([f"{self._first}/.default"]))
        code, place = str(flow.get("user_code") or ""), str(flow.get("verification_uri") or "")
        if not flow.get("device_code") or not CODE.fullmatch(code) or not PLACE.fullmatch(place):
            raise self._none(answered({**flow, "access_token": None}, self._now()) if flow.get("error") else None)
        until = self._io.now() + timedelta(seconds=int(flow["expires_in"]))
        self._io.show(f"Open {place}")
        self._io.show(f"and type the code {code}. It is for app {self._client_id},")
        self._io.show(f"and this waits for you until {until:%H:%M:%S} UTC.")
        granted = self._waited_for(app, flow, until)
        self._io.show("Entra: signed in.")
        return granted

    def _waited_for(self, app: Any, flow: dict[str, Any], until: datetime) -> Granted:
        """Asks as often as the token service allows, on the engine's clock."""
        seconds, key = max(1, int(flow["interval"])), f"entra device code {self._client_id}"
        while self._io.now() < until:
            self._io.pace(f"{key} {seconds}", 1 / seconds)
            flow["latest_attempt_at"] = 0  # msal would warn by a clock of its own
            try:
                asked = by_msal(lambda: app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True))
            except (Unavailable, NoAnswer, Throttled):
                continue  # the person may be typing: the same code stays good
            said = self._read(asked)
            if isinstance(said, Granted):
                return said
            if said.error == SLOWER:
                seconds += 5
            elif said.error != WAITING:
                raise self._none(said)
        raise self._none(Refused("expired_token", ""))

    def _none(self, said: Granted | Refused | None) -> Fault:
        error, code = (said.error, said.code) if isinstance(said, Refused) else ("", "")
        if error in ENDED:
            why = f"{ENDED[error]}: nobody is signed in, and nothing of Entra was looked at"
            return Unauthenticated(f"sign-in by device code: {why}", code=code or error, hint="Run the command again.")
        told = f" ({code or error})" if code or error else ""
        return Unauthenticated(
            f"the token service starts no sign-in by device code{told}: nothing of Entra was looked at",
            code=code or error,
            hint="client_id in [entra] of nhi.toml is an app of your own that allows public client flows, and "
            f"Conditional Access must not block device codes; {OTHERWISE}",
        )
