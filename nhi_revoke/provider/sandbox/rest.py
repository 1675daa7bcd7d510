"""What sandboxes of JSON-over-HTTP vendors share: routes, callers, faults on purpose, pages behind Link headers.

A vendor's gate says who asks, what a refusal looks like, and how its rate limit is told; the order of checks is here.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qs, urlencode

from nhi_revoke.provider.sandbox.contract import Call, FaultName
from nhi_revoke.provider.sandbox.faults import CallLog, FaultBook, Permissions
from nhi_revoke.provider.sandbox.routing import compiled
from nhi_revoke.provider.sandbox.server import HangUp

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

Headers = list[tuple[str, str]]


class Turned(Exception):
    """An error answer; `code` and `says` are the vendor's own words."""

    def __init__(self, status: int, code: str, says: str = "", headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(code)
        self.status, self.code, self.says, self.headers = status, code, says or code, tuple(headers)


class Asked:
    """One request, read."""

    def __init__(self, environ: WSGIEnvironment, at: datetime) -> None:
        self.method = str(environ["REQUEST_METHOD"])
        self.path = str(environ["PATH_INFO"])
        self.query = {k: v[0] for k, v in parse_qs(str(environ["QUERY_STRING"]), keep_blank_values=True).items()}
        self.headers: Mapping[str, str] = {
            k.removeprefix("HTTP_").replace("_", "-").lower(): str(v)
            for k, v in environ.items()
            if k.startswith("HTTP_")
        }
        self.url = f"http://{self.headers.get('host', '')}"
        """Scheme and host that were asked."""
        self.at = at
        self.body: bytes = environ["wsgi.input"].read()

    @property
    def json(self) -> dict[str, Any]:
        """Raises Turned (400) for a body that is no JSON object; an empty one is an empty object."""
        if not self.body.strip():
            return {}
        try:
            read = json.loads(self.body)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise Turned(400, "malformed", "Problems parsing JSON")
        return read


class Reply(NamedTuple):
    """Status and body; None is no body. `rows`: the body is a list that the gate cuts into pages."""

    status: int
    body: Any = None
    rows: bool = False
    default: int = 30
    """Rows of a page where the request names no size."""
    most: int = 100
    under: str = ""
    """The member that holds the rows, beside `total_count`; empty: the body is the list itself."""
    headers: tuple[tuple[str, str], ...] = ()


class Caller(Protocol):
    """Who asks."""

    @property
    def by(self) -> str:
        """`operator`, `intruder` or `workload`."""
        ...

    def may(self, permission: str) -> bool:
        """Whether its credential allows it."""
        ...


C = TypeVar("C", bound=Caller)
G = TypeVar("G")
W = TypeVar("W")


class At(NamedTuple, Generic[G, W]):
    """What a route works with."""

    gate: G
    asked: Asked
    caller: W

    @property
    def now(self) -> datetime:
        """The vendor's clock when it was asked."""
        return self.asked.at


Serve = Callable[..., Reply]


class Route(NamedTuple):
    """One operation. `serve(At(…), *segments)`."""

    method: str
    path: str
    """With `<name>` for a segment."""
    permission: str
    """In the vendor's words; empty: any signed-in caller; `-`: nobody needs to sign in."""
    mutates: bool
    serve: Serve

    @property
    def name(self) -> str:
        """As calls and faults name it: `DELETE /repos/<owner>/<repo>/keys/<key>`."""
        return f"{self.method} {self.path}"


class Table:
    """Routes by module: `@table.route("GET", "/user", "")`."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def route(
        self, method: str, path: str, permission: str, *, mutates: bool | None = None
    ) -> Callable[[Serve], Serve]:
        """Registers a function. `mutates`: by default everything but GET."""

        def register(serve: Serve) -> Serve:
            self.routes.append(Route(method, path, permission, method != "GET" if mutates is None else mutates, serve))
            return serve

        return register


class RestGate(ABC, Generic[C]):
    """The WSGI application. A subclass holds the vendor's state; one request at a time changes it."""

    size_word: ClassVar[str] = "per_page"
    """The query's word for the size of a page."""
    cursor_word: ClassVar[str] = "page"

    def __init__(self, now: Callable[[], datetime], tables: Iterable[Table]) -> None:
        self._now = now
        self._routes = [route for table in tables for route in table.routes]
        self._map = compiled(tuple((r.method, r.path) for r in self._routes))
        self.lock = threading.RLock()
        self.faults, self.calls, self.permissions = FaultBook(), CallLog(), Permissions()
        self.largest_page = 1000

    # -- the vendor's own --------------------------------------------------------------------------------------------

    @abstractmethod
    def caller(self, asked: Asked, route: Route) -> C:
        """Who asks. Raises Turned (401) for what does not sign in."""

    @abstractmethod
    def refused(self, turned: Turned) -> Any:
        """The body of an error."""

    @abstractmethod
    def denied(self, route: Route) -> Turned:
        """How the vendor says no to a signed-in caller."""

    @abstractmethod
    def slower(self, asked: Asked) -> Turned:
        """How it says "too fast": what the fault `429` means here."""

    def unknown(self, asked: Asked) -> Turned:
        """No such path."""
        return Turned(404, "not-found", f"no such path: {asked.path}")

    def counted(self, asked: Asked, route: Route, caller: C) -> Headers:
        """Rate headers of every answer. Raises Turned where the limit is used up."""
        return []

    # -- one request -------------------------------------------------------------------------------------------------

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers: Headers = []
        asked = Asked(environ, self._now())
        try:
            with self.lock:
                reply = self._serve(asked, headers)
            headers += reply.headers
        except Turned as no:
            reply = Reply(no.status, self.refused(no))
            headers += no.headers
        body = b"" if reply.body is None else json.dumps(reply.body).encode()
        if body:
            headers.append(("Content-Type", "application/json; charset=utf-8"))
        start_response(f"{reply.status} {'OK' if reply.status < 400 else 'No'}", headers)
        return [body]

    def _serve(self, asked: Asked, headers: Headers) -> Reply:
        route, segments = self._matched(asked)
        caller = self.caller(asked, route)
        permission = "" if route.permission == "-" else route.permission
        target = "/".join(str(s) for s in segments.values())
        self.calls.add(Call(route.name, route.mutates, permission, caller.by, target))
        headers += self.counted(asked, route, caller)
        fault = self.faults.next(route.name) if caller.by == "operator" else None
        self._go_wrong(fault, asked)
        if fault == "denied" or not self.lets(caller, permission):
            raise self.denied(route)
        reply: Reply = route.serve(At(self, asked, caller), *segments.values())
        if reply.rows:
            reply = self._page(asked, reply)
        if fault == "lost":
            raise HangUp
        return reply

    def lets(self, caller: C, permission: str) -> bool:
        """Whether its credential allows it, and no test withholds it from the operator."""
        withheld = caller.by == "operator" and not self.permissions.allows(permission)
        return not withheld and caller.may(permission)

    def _go_wrong(self, fault: FaultName | None, asked: Asked) -> None:
        if fault == "429":
            raise self.slower(asked)
        if fault in ("500", "down"):
            raise Turned(500 if fault == "500" else 503, "server-error", "Server Error")
        if fault == "timeout":
            raise HangUp

    def _matched(self, asked: Asked) -> tuple[Route, dict[str, Any]]:
        from werkzeug.exceptions import HTTPException, MethodNotAllowed

        try:
            endpoint, segments = self._map.bind("sandbox").match(asked.path, method=asked.method)
        except MethodNotAllowed:
            raise Turned(405, "method-not-allowed", "Method Not Allowed") from None
        except HTTPException:
            raise self.unknown(asked) from None
        return self._routes[int(endpoint)], dict(segments)

    def _page(self, asked: Asked, reply: Reply) -> Reply:
        size = max(1, min(self._size(asked, reply), self.largest_page))
        number = int(asked.query.get(self.cursor_word) or 1)
        start = (number - 1) * size
        rows = reply.body[start : start + size]
        body = {"total_count": len(reply.body), reply.under: rows} if reply.under else rows
        links: tuple[tuple[str, str], ...] = ()
        if start + size < len(reply.body):
            query = {**asked.query, self.size_word: str(size), self.cursor_word: str(number + 1)}
            links = (("Link", f'<{asked.url}{asked.path}?{urlencode(query)}>; rel="next"'),)
        return Reply(reply.status, body, headers=(*reply.headers, *links))

    def _size(self, asked: Asked, reply: Reply) -> int:
        text = asked.query.get(self.size_word, "")
        return min(int(text), reply.most) if text.isdigit() and int(text) else reply.default
