"""Requests to a sandbox of this process, without the sockets and threads in between.

Of a check that tries a run in sixty places, half of the processor's time went into sending requests to a server in the
same process and reading them there. Here the client's own library makes the request as ever, and the server answers it
as ever (`LoopbackServer.answered`, which its connections call, too); only the bytes on a socket are left out. What is
about these bytes, other processes, gRPC, and servers that are not ours, goes over the wire as before.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx
from botocore.awsrequest import AWSHTTPConnectionPool
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

from nhi_revoke.provider.sandbox.server import HOST, HangUp, LoopbackServer, Request

CUT = "Server disconnected without sending a response."


class Shortcut:
    """Knows the servers that run in this process. Taken only while it is `open`."""

    def __init__(self) -> None:
        self._servers: dict[int, LoopbackServer] = {}
        self._open = False
        self.taken = 0
        """How many requests went this way."""

    def install(self) -> None:
        """Once in a process, before any server is started."""
        start, close = LoopbackServer.start, LoopbackServer.close
        pooled = httpcore.ConnectionPool.handle_request
        by_httpx, by_botocore = httpx.HTTPTransport.handle_request, AWSHTTPConnectionPool.urlopen

        def started(server: LoopbackServer) -> None:
            start(server)
            self._servers[_port(server)] = server

        def closed(server: LoopbackServer) -> None:
            self._servers = {port: each for port, each in self._servers.items() if each is not server}
            close(server)

        def httpx_sends(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            mocked = httpcore.ConnectionPool.handle_request is not pooled  # a test answers before the sandbox
            server = None if mocked else self._to(request.url.host, request.url.port)
            return by_httpx(transport, request) if server is None else httpx_answer(server, request)

        def botocore_sends(
            pool: Any, method: str, url: str, body: Any = None, headers: Any = None, *args: Any, **more: Any
        ) -> Any:
            server = self._to(pool.host, pool.port)
            if server is None:
                return by_botocore(pool, method, url, body, headers, *args, **more)
            return botocore_answer(server, f"{pool.host}:{pool.port}", method, url, body, headers)

        for owner, name, does in (
            (LoopbackServer, "start", started),
            (LoopbackServer, "close", closed),
            (httpx.HTTPTransport, "handle_request", httpx_sends),
            (AWSHTTPConnectionPool, "urlopen", botocore_sends),
        ):
            setattr(owner, name, does)

    @contextmanager
    def open(self) -> Iterator[Shortcut]:
        """Requests go this way until its end."""
        self._open = True
        try:
            yield self
        finally:
            self._open = False

    def _to(self, host: str, port: int | None) -> LoopbackServer | None:
        found = self._servers.get(port or 0) if self._open and host == HOST else None
        self.taken += found is not None
        return found


def _port(server: LoopbackServer) -> int:
    return httpx.URL(server.url).port or 0


def httpx_answer(server: LoopbackServer, request: httpx.Request) -> httpx.Response:
    """Raises httpx.RemoteProtocolError where the server cuts the connection, as a socket does."""
    target = request.url.raw_path.decode("ascii")
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw]
    try:
        answer = server.answered(Request(request.method, target, headers, request.read()))
    except HangUp:
        raise httpx.RemoteProtocolError(CUT, request=request) from None
    body = b"" if request.method == "HEAD" else answer.body
    told = {"http_version": b"HTTP/1.1", "reason_phrase": answer.reason.encode("ascii")}
    return httpx.Response(answer.status, headers=list(answer.headers), stream=httpx.ByteStream(body), extensions=told)


def botocore_answer(server: LoopbackServer, host: str, method: str, url: str, body: Any, headers: Any) -> HTTPResponse:
    """Raises ProtocolError where the server cuts the connection, as a socket does."""
    sent = {"Host": host, "Accept-Encoding": "identity"}
    sent |= {name: value if isinstance(value, str) else value.decode("latin-1") for name, value in headers.items()}
    try:
        answer = server.answered(Request(method, url, tuple(sent.items()), _bytes(body)))
    except HangUp:
        raise ProtocolError("Connection aborted.", ConnectionResetError(CUT)) from None
    told = b"" if method == "HEAD" else answer.body
    return HTTPResponse(io.BytesIO(told), HTTPHeaderDict(answer.headers), answer.status, preload_content=False)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body.read() if hasattr(body, "read") else body)


SHORTCUT = Shortcut()
"""Of this process, as its servers are."""
