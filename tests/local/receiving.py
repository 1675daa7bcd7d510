"""A receiver on loopback, and what it got."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.sandbox.server import HangUp, LoopbackServer
from tests.local.trial import NOON

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["Got", "HangUp", "Receiving", "receiving"]


class Got(Struct, frozen=True):
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


Answer = tuple[int, Mapping[str, str], bytes]


class Receiving:
    """Answers as told; by default 202."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], Answer] = lambda _: (202, {}, b"")
        self.server = LoopbackServer(self._app, lambda: NOON)

    @property
    def url(self) -> str:
        return f"{self.server.url}/flush"

    def says(self, status: int, body: object = b"", **headers: str) -> None:
        """From now on."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda _: (status, named, text)

    def _app(self, environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        headers = {k.removeprefix("HTTP_").replace("_", "-").lower(): v for k, v in environ.items() if k.isupper()}
        path = environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else "")
        got = Got(environ["REQUEST_METHOD"], path, headers, environ["wsgi.input"].read(length))
        self.got.append(got)
        status, more, body = self.answer(got)
        start(f"{status} Said", [("Content-Length", str(len(body))), *more.items()])
        return [body]


@contextmanager
def receiving() -> Iterator[Receiving]:
    made = Receiving()
    made.server.start()
    try:
        yield made
    finally:
        made.server.close()
