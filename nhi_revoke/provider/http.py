"""One vendor's HTTP interface: one TLS context, auth, the vendor's own words told in the contract's, nothing repeated
that may not happen twice, nothing sent to another host, no secret in any message.

The engine waits and asks again (`Io.ask`); redirects are never followed; messages name the call and the vendor's code,
never a body or a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import quote, urlsplit

from msgspec import Struct, json

from nhi_revoke.provider.counting import Counting
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
from nhi_revoke.provider.pace import Budget
from nhi_revoke.provider.paging import is_whole, pages_by_field, pages_by_link, same_host
from nhi_revoke.provider.quiet import HTTP_LOGS, hush
from nhi_revoke.provider.retry import RateHeaders, pause, throttled, window
from nhi_revoke.provider.vendor_clock import VendorClock

if TYPE_CHECKING:
    import ssl

    import httpx

    from nhi_revoke.provider.io import Io

READS = frozenset({"GET", "HEAD"})
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Methods that may happen twice (RFC 9110, 9.2.2). A POST or PATCH only where its caller says so."""
A_CODE = re.compile(r"[A-Za-z0-9_.:#/-]{1,80}")
"""What a message may hold of an answer: anything else may be a secret, or an attacker's text."""
_BY_STATUS: dict[int, type[Fault]] = {
    401: Unauthenticated, 403: Denied, 404: Missing, 408: Unavailable, 409: Conflict, 410: Missing, 412: Conflict,
}  # fmt: skip
Form = Mapping[str, str]


def segment(text: str) -> str:
    """One segment of a path: whatever an id or a login holds, it names nothing else.

    Raises Rejected for what would be no segment: without it the path is another one, a whole list's perhaps.
    """
    if text in ("", ".", ".."):
        raise Rejected(f"{text!r} is nobody's id or name: nothing was asked")
    return quote(text, safe="")


class Answer:
    """What the vendor answered: status below 400, body decoded from JSON (None where there is none)."""

    def __init__(self, response: httpx.Response, body: Any) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        """Names in any case."""
        self.url = str(response.url)
        """What was asked, the query included."""
        self.body = body
        self._links = response.links

    @property
    def next_link(self) -> str:
        """The Link header's rel="next", as it was given; empty on the last page."""
        return str(self._links.get("next", {}).get("url", ""))


class Refusal(Struct, frozen=True):
    """What a vendor's error body says, without any of its free text."""

    code: str = ""
    needs: str = ""
    """The permission that is missing, where the vendor names it."""
    hint: str = ""
    fault: type[Fault] | None = None
    """Another fault than the status tells."""


class Authorize(Protocol):
    """How requests are signed."""

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        """For one request. May log in first, through `Io.ask` of its own. Raises Unauthenticated, Denied, and what a
        request raises.

        `needs`: the permission that the call needs, for vendors whose tokens are for some permissions alone.
        """
        ...

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """The answer was 401 (or 400). True where what it holds was renewed, so that asking once more may work."""
        ...


class Vendor:
    """What differs between vendors. The base knows nothing but statuses."""

    title: ClassVar[str]
    rates: ClassVar[RateHeaders] = RateHeaders()
    operator: ClassVar[str] = "the operator's credentials"
    """Which of them sign these requests, in words: for a vendor where an operator has several."""
    login: ClassVar[str] = ""
    """What to do where they are refused: a hint."""

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """An error's status, decoded body (None where it has none) and headers, read without trusting any of it."""
        return Refusal()

    def bucket(self, path: str) -> str:
        """What of a path the vendor counts requests by."""
        return ""


class HttpApi:
    """Thread-safe. Made without I/O."""

    def __init__(
        self,
        io: Io,
        base_url: str,
        vendor: Vendor,
        authorize: Authorize | None = None,
        *,
        clock: VendorClock | None = None,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`headers`: of every request. `tls`: where the vendor's host has a CA of its own."""
        self.base_url = base_url.rstrip("/")
        self.vendor = vendor
        self.clock = clock or VendorClock(io.now)
        self.budget = Budget(self.clock.now)
        self._io, self._tls = io, tls
        self._counting = io if isinstance(io, Counting) else None
        self._authorize = authorize
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._host = "{0.scheme}://{0.netloc}".format(urlsplit(self.base_url))
        hush(HTTP_LOGS)

    def now(self) -> datetime:
        """The vendor's clock, UTC."""
        return self.clock.now()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Form | Callable[[], Form] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool | None = None,
        needs: str = "",
        what: str = "",
        any_body: bool = False,
        count: int = 1,
    ) -> Answer:
        """One request. Raises the faults of the contract.

        `path`: begins with `/`, or is a whole URL of the same host. `form`: or a function that makes it anew for each
        request, for what may be used once. `content`: a body as it is, for what was signed. `again`: it may happen
        twice without harm; by default as the method is.
        `needs`: the permission, in the vendor's words, for a denial's hint. `what`: the call in words for messages; by
        default the method and path, without the query. `any_body`: an answer that is no JSON is one without a body.
        `count`: as how many requests the vendor counts it.
        """
        url = same_host(self.base_url, path if is_whole(path) else self.base_url + path)
        named = what or f"{method} {path.partition('?')[0]}"
        may_repeat = method in REPEATABLE if again is None else again
        more = {"params": query, "json": body, "data": form, "content": content, "headers": headers}

        def send() -> Answer:
            given = {k: v for k, v in more.items() if v is not None}
            return self._once(method, url, named, needs, given, any_body=any_body, count=count)

        ask = self._io.ask if self._counting is None else self._counting.ask_counted
        try:
            return ask(send, repeatable=may_repeat)
        except _NotLoggedIn as failed:
            fault = failed.fault
        raise fault

    def pages(self, path: str, *, needs: str = "", **query: Any) -> Iterator[Answer]:
        """Every page of a listing that tells the next one in the Link header."""
        yield from pages_by_link(self._asking(path, needs, query), path)

    def pages_by(self, field: str, path: str, *, needs: str = "", **query: Any) -> Iterator[Answer]:
        """Every page of a listing that tells the whole URL of the next one in a field of the body."""
        yield from pages_by_field(self._asking(path, needs, query), path, field)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _asking(self, path: str, needs: str, query: Mapping[str, Any]) -> Callable[[str], Answer]:
        """The query goes with the first page alone: a next link is followed as it is."""
        what = f"GET {path.partition('?')[0]}"
        first = query or None
        return lambda url: self.call("GET", url, needs=needs, query=first if url == path else None, what=what)

    def _once(
        self, method: str, url: str, named: str, needs: str, more: dict[str, Any], *, any_body: bool, count: int
    ) -> Answer:
        """One request, or two where the credential was renewed in between."""
        response = self._send(method, url, named, needs, dict(more), count)
        refused, authorize = response.status_code in (400, 401), self._authorize
        if refused and authorize is not None and authorize.refused(response.status_code, response.headers):
            response = self._send(method, url, named, needs, dict(more), count)
        body = _decoded(response)
        if 300 <= response.status_code < 400:
            raise Rejected(f"{self.vendor.title} sends {named} elsewhere ({response.status_code}): it was not followed")
        if response.status_code >= 400:
            raise self._fault(method, named, needs, response, body)
        if body is _GARBLED and any_body:
            body = None
        if body is _GARBLED:
            why = f"the answer of {self.vendor.title} to {named} is no JSON"
            raise Unavailable(why) if method in READS else NoAnswer(f"{why}: it may have happened")
        return Answer(response, body)

    def _send(self, method: str, url: str, named: str, needs: str, more: dict[str, Any], count: int) -> httpx.Response:
        from nhi_revoke.provider.httpx_alone import httpx

        client = self._io.http(self._host) if self._tls is None else self._io.http(self._host, self._tls)
        bucket = self.vendor.bucket(url.removeprefix(self.base_url).partition("?")[0])
        signed = self._signed(method, url, named, needs)
        if callable(more.get("data")):
            more["data"] = more["data"]()
        counting, told, taken = self._counting, None, False
        if counting is not None:
            counting.sends(count, bucket=bucket, reads=method in READS)
        began = self.clock.local()
        try:
            self.budget.take(bucket, reads=method in READS)
            taken = True
            # Made here, since the client would parse and copy each part once more to merge it with what it has.
            merged: dict[str, str] = dict(client.headers)
            for part in (self._headers, more.pop("headers", None) or {}, signed):
                merged |= {name.lower(): value for name, value in part.items()}
            waits = {"timeout": client.timeout.as_dict()}
            response = client.send(httpx.Request(method, url, headers=merged, extensions=waits, **more))
            told = window(response.headers, self.vendor.rates)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            where = f"{self.vendor.title} ({urlsplit(self._host).hostname})"
            fault: Fault = Unavailable(
                f"{where} could not be reached for {named} ({type(error).__name__}): nothing was asked"
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            fault = Rejected(f"{named} is no request that can be sent ({type(error).__name__}): nothing was asked")
        except (httpx.TransportError, httpx.DecodingError) as error:
            may = "" if method in READS else ": it may have happened"
            fault = NoAnswer(f"no answer from {self.vendor.title} to {named} ({type(error).__name__}){may}")
        else:
            self.clock.learn(response.headers.get("date", ""), began)
            return response
        finally:
            if taken:
                self.budget.back(bucket, told)
            if counting is not None:
                ends = (told.reset - self.clock.now()).total_seconds() if told is not None else 0.0
                counting.answered(count, bucket, told, ends)
        raise fault  # outside the handler: the library's own exception holds the request, and its bearer

    def _signed(self, method: str, url: str, named: str, needs: str) -> Mapping[str, str]:
        """A login that failed was asked again already, and of the call itself nothing has happened."""
        try:
            return self._authorize.headers(method, url, needs) if self._authorize is not None else {}
        except Throttled as fault:
            failed: Fault = fault
        except (Unavailable, NoAnswer) as fault:
            failed = Unavailable(f"{named} was not asked: the login failed ({fault.message})", code=fault.code)
        raise _NotLoggedIn(failed)

    def _fault(self, method: str, named: str, needs: str, response: httpx.Response, body: Any) -> Fault:
        status, title = response.status_code, self.vendor.title
        if throttled(status, response.headers, self.vendor.rates):
            wait = pause(response.headers, self.vendor.rates, self.now())
            return Throttled(f"{title} throttles {named} ({status})", retry_after=wait, code=str(status))
        said = self.vendor.refusal(status, None if body is _GARBLED else body, response.headers)
        sent = response.request.headers.get("authorization", "")
        code = said.code if A_CODE.fullmatch(said.code) and said.code not in sent else ""
        told = f"{status} {code}".strip()
        if status >= 500:
            if method in READS:
                return Unavailable(f"{title} cannot answer {named} now ({told})", code=code)
            return NoAnswer(f"{title} failed at {named} ({told}): it may have happened", code=code)
        kind = said.fault or _BY_STATUS.get(status, Rejected)
        if kind is Denied:
            return Denied(f"{named} is denied ({told})", needs=said.needs or needs, code=code, hint=said.hint)
        if kind is Unauthenticated:
            whose = self.vendor.operator if self._authorize else "the credential that was tried"
            hint = said.hint or (self.vendor.login if self._authorize else "")
            return Unauthenticated(f"{title} does not accept {whose} for {named} ({told})", code=code, hint=hint)
        if kind is Missing:
            return Missing(f"{named}: there is none ({told})", code=code, hint=said.hint)
        if kind is Throttled:
            wait = pause(response.headers, self.vendor.rates, self.now())
            return Throttled(f"{title} throttles {named} ({told})", retry_after=wait, code=code)
        why = "somebody else changed it" if kind is Conflict else "nothing was changed"
        return kind(f"{title} refused {named} ({told}): {why}", code=code, hint=said.hint)


class _NotLoggedIn(Exception):
    """Carries a fault past `Io.ask`, which would wait and ask again."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


_GARBLED: Any = object()
"""A body that is there and is no JSON."""


def _decoded(response: httpx.Response) -> Any:
    if not response.content.strip():
        return None
    try:
        return json.decode(response.content)
    except (ValueError, RecursionError):
        return _GARBLED
