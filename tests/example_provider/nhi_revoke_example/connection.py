"""One login at Example Cloud: HTTP and JSON, an opaque bearer token, errors by status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke.provider.io import Io

REFUSALS: dict[int, type[Fault]] = {401: Unauthenticated, 404: Missing, 409: Conflict}


class Cloud:
    """The organisation that the operator's token belongs to."""

    def __init__(self, scope: str, url: str, token: str, io: Io) -> None:
        self.scope = scope
        self._url, self._token, self.io = url, token, io
        self._ahead = timedelta(0)

    def whoami(self) -> Sequence[PrincipalRef]:
        return tuple(PrincipalRef("example", "bot", name) for name in self.call("GET", "/whoami")["chain"])

    def now(self) -> datetime:
        """This machine's clock, corrected by the last Date header."""
        return self.io.now() + self._ahead

    def call(self, method: str, path: str, body: Any = None, /, *, again: bool = True, **query: Any) -> dict[str, Any]:
        """`again`: it may happen twice without harm. Raises the faults of the contract."""
        return self.io.ask(lambda: self._send(method, path, body, query, self._token), repeatable=again)

    def call_as(self, token: str, method: str, path: str) -> dict[str, Any]:
        """One call with another credential than the operator's."""
        return self.io.ask(lambda: self._send(method, path, None, {}, token), repeatable=True)

    def pages(self, path: str, field: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a paged listing."""
        after = ""
        while True:
            page = self.call("GET", path, **query, after=after)
            yield from page[field]
            if not (after := page["next"]):
                return

    def _send(self, method: str, path: str, body: Any, query: dict[str, Any], token: str) -> dict[str, Any]:
        import httpx

        client = self.io.http(self._url)
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = client.request(method, f"{self._url}/v1{path}", params=query, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as gone:
            raise Unavailable(f"Example Cloud is not reachable for {method} {path}") from gone
        except httpx.TransportError as gone:
            raise NoAnswer(f"no answer to {method} {path}") from gone
        if "Date" in answer.headers:
            self._ahead = parsedate_to_datetime(answer.headers["Date"]) - self.io.now()
        if answer.status_code < 400:
            found: dict[str, Any] = answer.json()
            return found
        raise _fault(answer, f"{method} {path}")


def _fault(answer: Any, what: str) -> Fault:
    """The vendor's refusal in the contract's words; the body of a 5xx may be anything."""
    status = answer.status_code
    if status == 429:
        return Throttled(f"asked too fast: {what}", retry_after=float(answer.headers.get("Retry-After", 1)))
    if status >= 500:
        return Unavailable(f"Example Cloud answered {status} to {what}")
    error = str(answer.json().get("error", ""))
    if status == 403:
        return Denied(f"{what} was denied", needs=str(answer.json().get("needs", "")), code=error)
    return REFUSALS.get(status, Rejected)(f"Example Cloud refused {what}: {error}", code=error)
