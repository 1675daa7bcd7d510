"""What msal sends its requests through: our own client of each host, waits and all, instead of one of its own.

msal takes any object with `get` and `post` (its `http_client`); of the answer it reads `status_code`, `text` and
`headers`. It takes authorities by https alone: where the settings name another address, requests go there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from nhi_revoke.provider.fault import Fault, NoAnswer, Rejected, Throttled, Unavailable
from nhi_revoke.provider.quiet import HTTP_LOGS, hush
from nhi_revoke.provider.retry import RateHeaders, pause

if TYPE_CHECKING:
    import httpx

    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock
    from nhi_revoke_entra.cloud import Cloud

MSAL_LOGS = ("msal.managed_identity", "msal.oauth2cli.oauth2", "msal.token_cache")
"""They print answers that cannot be read, tokens and all, the second one as an error."""
SERVICE = "the token service of Entra"
DISCOVERY = "/v2.0/.well-known/openid-configuration"


class TokenAnswer(Struct, frozen=True):
    """An answer as msal reads it."""

    status_code: int
    text: str
    headers: dict[str, str]

    def raise_for_status(self) -> None:
        """msal calls it for what it cannot read. Raises Unavailable."""
        if self.status_code >= 400:
            raise Unavailable(f"{SERVICE} answers with {self.status_code}")


class MsalHttp:
    """One service that gives tokens. Thread-safe. Token requests change nothing, so that they may be asked again."""

    service: ClassVar[str] = SERVICE

    def __init__(self, io: Io, clock: VendorClock) -> None:
        self._io, self._clock = io, clock
        hush(HTTP_LOGS)
        hush(MSAL_LOGS, logging.CRITICAL)

    def close(self) -> None:
        """msal calls it; the client is the engine's."""

    def _asked(self, method: str, url: str, **more: Any) -> TokenAnswer:
        """Raises the faults of the contract."""
        return self._io.ask(lambda: self._once(method, url, more), repeatable=True)

    def _once(self, method: str, url: str, more: dict[str, Any]) -> TokenAnswer:
        from nhi_revoke.provider.httpx_alone import httpx

        base = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        began, failed = self._clock.local(), ""
        try:
            asked = {name: value for name, value in more.items() if value is not None}
            response = self._io.http(base).request(method, url, **asked)
        except httpx.HTTPError as error:
            failed, sent = type(error).__name__, not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        else:
            self._learn(response, began)
            return self._read(response)
        # Outside the handler: the library's own exception holds the request, and the secret in it.
        raise NoAnswer(f"no answer from {self.service} ({failed})") if sent else self._not_there(failed)

    def _learn(self, response: httpx.Response, began: Any) -> None:
        self._clock.learn(response.headers.get("date", ""), began)

    def _not_there(self, failed: str) -> Fault:
        """No connection was made."""
        return Unavailable(f"{self.service} could not be reached ({failed}): nothing was asked")

    def _read(self, response: httpx.Response) -> TokenAnswer:
        if response.status_code == 429:
            wait = pause(response.headers, RateHeaders(), self._clock.now())
            raise Throttled(f"{self.service} throttles us (429)", retry_after=wait, code="429")
        if response.status_code >= 500:
            raise Unavailable(f"{self.service} cannot answer now ({response.status_code})")
        if 300 <= response.status_code < 400:
            raise Rejected(f"{self.service} sends us elsewhere ({response.status_code}): it was not followed")
        return TokenAnswer(response.status_code, response.text, dict(response.headers))


class TokenHttp(MsalHttp):
    """The token service of one cloud. A token request never comes from a memory."""

    def __init__(self, io: Io, cloud: Cloud, clock: VendorClock) -> None:
        super().__init__(io, clock)
        self._cloud = cloud

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> TokenAnswer:
        """Where a tenant's endpoints are, which is documented, and so not asked for: each sign-in is one request less.

        Microsoft docs: v2-oauth2-client-creds-grant-flow, v2-oauth2-device-code. Of a tenant that there is not, the
        token endpoint itself says so. Raises Rejected for another address.
        """
        tenant = url.removeprefix(f"{self._cloud.login}/").removesuffix(DISCOVERY)
        if url != f"{self._cloud.login}/{tenant}{DISCOVERY}" or "/" in tenant:
            raise Rejected(f"{SERVICE} is not asked at another address ({urlsplit(url).hostname})")
        base = f"{self._cloud.login}/{tenant}"
        document = {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }
        return TokenAnswer(200, json.dumps(document), {})

    def post(
        self, url: str, params: Mapping[str, str] | None = None, data: Any = None,
        headers: Mapping[str, str] | None = None, **_: Any,
    ) -> TokenAnswer:  # fmt: skip
        """A token request. Raises the faults of the contract."""
        # msal signs assertions as bytes, of which httpx would send Python's own notation.
        form = {k: v.decode() if isinstance(v, bytes) else v for k, v in dict(data or {}).items() if v is not None}
        return self._asked("POST", self._sent_to(url), params=params, data=form, headers=headers)

    def _sent_to(self, url: str) -> str:
        """Raises Rejected for another host than the token service's: a secret is never taken there."""
        for base in (self._cloud.login, self._cloud.login_url):
            if url.startswith(f"{base}/"):
                return self._cloud.login_url + url.removeprefix(base)
        raise Rejected(f"{SERVICE} points to another address ({urlsplit(url).hostname}): it was not followed")
