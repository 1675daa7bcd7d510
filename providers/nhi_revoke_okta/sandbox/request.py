"""What was asked, and by whom; the table of routes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from nhi_revoke_okta.sandbox.state import Refusal

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from nhi_revoke_okta.sandbox.gate import Gate
    from nhi_revoke_okta.sandbox.state import Org


class Request:
    """One request, read. `used`: ids of assertions and proofs that were sent before."""

    def __init__(self, environ: WSGIEnvironment, now: datetime, used: set[str] | None = None) -> None:
        self.method = str(environ["REQUEST_METHOD"])
        self.path = str(environ["PATH_INFO"])
        self.raw_path = str(environ.get("RAW_URI", self.path)).partition("?")[0]
        """As it was sent, nothing decoded."""
        self.query = {k: v[0] for k, v in parse_qs(str(environ["QUERY_STRING"]), keep_blank_values=True).items()}
        self.headers = {
            k.removeprefix("HTTP_").replace("_", "-").lower(): str(v)
            for k, v in environ.items()
            if k.startswith("HTTP_")
        }
        self.url = f"http://{self.headers.get('host', '')}"
        self.at = now
        self._used = set() if used is None else used
        self._body: bytes = environ["wsgi.input"].read()
        self._type = str(environ.get("CONTENT_TYPE", ""))

    def once(self, unique_id: str) -> bool:
        """Whether this `jti` comes for the first time; from now on it was used."""
        fresh = unique_id not in self._used
        self._used.add(unique_id)
        return fresh

    @property
    def json(self) -> dict[str, Any]:
        """Raises Refusal for a body that is no JSON object."""
        if not self._body.strip():
            return {}
        try:
            read = json.loads(self._body)
        except ValueError:
            raise Refusal(400, "E0000003", "The request body was not well-formed.") from None
        if not isinstance(read, dict):
            raise Refusal(400, "E0000003", "The request body was not well-formed.")
        return read

    @property
    def form(self) -> dict[str, str]:
        """Raises Refusal for a body that is no form."""
        if "application/x-www-form-urlencoded" not in self._type:
            raise Refusal(400, "invalid_request", "Accept and/or Content-Type headers are not valid")
        return {k: v[0] for k, v in parse_qs(self._body.decode(), keep_blank_values=True).items()}


class Reply(NamedTuple):
    """Status and body; None is no body. `rows`: the body is a list that the gate cuts into pages."""

    status: int
    body: Any = None
    rows: bool = False
    default: int = 0
    """Rows of a page where the request names no `limit`."""
    most: int = 200
    under: str = ""
    """The member that holds the rows; empty: the body is the list itself."""


class Context(NamedTuple):
    """What a route works with."""

    org: Org
    asked: Request
    gate: Gate
    by: dict[str, Any]
    """The actor, as the System Log names it."""

    @property
    def now(self) -> datetime:
        return self.asked.at


Serve = Callable[..., Reply]


class Route(NamedTuple):
    method: str
    path: str
    """With `<name>` for a segment: `/api/v1/apps/<app>`."""
    scope: str
    """What a token must hold; empty: any authenticated caller; `-`: nobody needs to sign in."""
    mutates: bool
    serve: Serve

    @property
    def name(self) -> str:
        """As calls and faults name it: `POST /api/v1/apps/<app>/lifecycle/deactivate`."""
        return f"{self.method} {self.path}"


ROUTES: list[Route] = []
"""Filled by the `routes_*` modules when they are imported."""


def route(method: str, path: str, scope: str, *, mutates: bool | None = None) -> Callable[[Serve], Serve]:
    """Registers a function `(context, *segments) -> Reply`."""

    def register(serve: Serve) -> Serve:
        ROUTES.append(Route(method, path, scope, method != "GET" if mutates is None else mutates, serve))
        return serve

    return register
