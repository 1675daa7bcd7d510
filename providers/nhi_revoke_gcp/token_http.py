"""What google-auth sends its requests through: our own client of each host, instead of one of its own.

google-auth calls any `google.auth.transport.Request` (its documented interface) and reads `status`, `headers` and
`data` of the answer. What would make it wait and try again by itself is raised as a fault instead: only the engine
waits. Imported where a Google principal is in play, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from google.auth import exceptions, transport

from nhi_revoke.provider.counting import sends
from nhi_revoke.provider.fault import Fault, NoAnswer, Rejected, Throttled, Unavailable
from nhi_revoke.provider.quiet import HTTP_LOGS, hush
from nhi_revoke.provider.retry import RateHeaders, pause

if TYPE_CHECKING:
    import httpx

    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock

LOGS = (
    "google.auth", "google.auth._default", "google.auth.compute_engine._metadata", "google.auth.transport.requests",
    "google.auth.impersonated_credentials", "google.oauth2._client", "google.auth.aio.transport",
)  # fmt: skip
SERVICE = "Google's token service"


class TokenAnswer(transport.Response):
    """An answer as google-auth reads it."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._status, self._headers, self._data = status, headers, data

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def data(self) -> bytes:
        return self._data


class TokenHttp(transport.Request):
    """Thread-safe. Token requests change nothing, so that they may be asked again."""

    def __init__(self, io: Io, clock: VendorClock) -> None:
        self._io, self._clock = io, clock
        hush(HTTP_LOGS)
        hush(LOGS)

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> TokenAnswer:
        """Raises the faults of the contract."""
        from nhi_revoke.provider.httpx_alone import httpx

        base = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        sends(self._io)
        began, failed, sent = self._clock.local(), "", False
        limit: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        try:
            response = self._io.http(base).request(method, url, content=body, headers=dict(headers or {}), **limit)
        except httpx.HTTPError as error:
            failed, sent = type(error).__name__, not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        else:
            self._clock.learn(response.headers.get("date", ""), began)
            return self._read(response)
        # Outside the handler: the library's own exception holds the request, and the assertion in it.
        if sent:
            raise NoAnswer(f"no answer from {SERVICE} ({failed})")
        raise Unavailable(f"{SERVICE} could not be reached ({failed}): nothing was asked")

    def _read(self, response: httpx.Response) -> TokenAnswer:
        status = response.status_code
        if status == 429:
            wait = pause(response.headers, RateHeaders(), self._clock.now())
            raise Throttled(f"{SERVICE} throttles us (429)", retry_after=wait, code="429")
        if status >= 500:
            raise Unavailable(f"{SERVICE} cannot answer now ({status})")
        if 300 <= status < 400:
            raise Rejected(f"{SERVICE} sends us elsewhere ({status}): it was not followed")
        return TokenAnswer(status, response.headers, response.content)


class Looking(transport.Request):
    """The same while google-auth looks for credentials: that nobody answers means that there are none of that sort."""

    def __init__(self, http: TokenHttp) -> None:
        self._http = http

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> TokenAnswer:
        """Raises google-auth's own TransportError."""
        try:
            return self._http(url, method, body, headers, timeout)
        except Fault as fault:
            said = fault.message
        raise exceptions.TransportError(said)
