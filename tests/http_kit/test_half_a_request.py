"""A sandbox acts on no request whose sender was killed in the middle of it."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nhi_revoke.provider.sandbox.server import LoopbackServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def test_half_a_request_is_none() -> None:
    bodies: list[bytes] = []

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        bodies.append(environ["wsgi.input"].read())
        start("200 OK", [])
        return [b"done"]

    server = LoopbackServer(app, lambda: datetime.now(UTC))
    server.start()
    url = urlsplit(server.url)
    for body in (b"who", b"whole body"):
        with socket.create_connection((url.hostname or "", url.port or 0)) as asked:
            asked.sendall(b"PATCH / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n" + body)
            asked.shutdown(socket.SHUT_WR)
            answer = asked.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200") == (body == b"whole body")
    assert bodies == [b"whole body"]
    server.close()
    assert server.errors == ()
