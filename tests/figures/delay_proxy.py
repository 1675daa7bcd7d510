"""A loopback proxy that adds a fixed delay to every request and keeps when each began and ended."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


class Asked(NamedTuple):
    """What a request asked for, as it stood on the wire."""

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    path: str = "/"
    """With its query."""


class Passed(NamedTuple):
    """One request, in the vendor's words; seconds on this process's monotonic clock."""

    name: str
    began: float
    ended: float
    asked: Asked | None = None
    """Where the proxy keeps it."""
    throttled: bool = False
    """It was refused for coming too soon."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """A whole wave connects at once; a full queue would make the kernel try again after a second."""


class DelayProxy:
    """`with` starts it. `delay`: seconds added to each request, on the way there. `keep`: what was asked, too."""

    def __init__(self, target: str, delay: float, *, keep: bool = False) -> None:
        self.passed: list[Passed] = []
        self._keep = keep
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler(urlsplit(target).netloc, delay))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> DelayProxy:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def note(self, name: str, began: float, asked: Asked | None = None, *, throttled: bool = False) -> None:
        """One request that has just ended; of another door of the same sandbox, too."""
        with self._lock:
            self.passed.append(Passed(name, began, time.monotonic(), asked if self._keep else None, throttled))

    def _handler(self, target: str, delay: float) -> type[BaseHTTPRequestHandler]:
        note = self.note

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _pass(self) -> None:
                began = time.monotonic()
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                time.sleep(delay)
                # Closed whatever becomes of the client, which may be killed meanwhile.
                with closing(http.client.HTTPConnection(target, timeout=30)) as upstream:
                    # The client signed the Host it was given; it must arrive as it was.
                    upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for key, value in self.headers.items():
                        if key.lower() not in HOP:
                            upstream.putheader(key, value)
                    upstream.endheaders(body)
                    answer = upstream.getresponse()
                    data = answer.read()
                self.send_response_only(answer.status)
                for key, value in answer.getheaders():
                    if key.lower() not in HOP | {"content-length"}:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                name = _name(self.command, self.path, self.headers, body)
                throttled = answer.status >= HTTPStatus.BAD_REQUEST and b"Throttling" in data
                asked = Asked(dict(self.headers.items()), body, self.command, self.path)
                note(name, began, asked, throttled=throttled)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - the names that http.server calls

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def _name(method: str, path: str, headers: Any, body: bytes) -> str:
    """AWS names what is asked in a header or the body, everybody else by the path."""
    target = headers.get("X-Amz-Target")
    if target:
        return str(target).rpartition(".")[2]
    return parse_qs(body.decode(errors="replace")).get("Action", [f"{method} {path.partition('?')[0]}"])[0]


def levels(passed: Iterable[Passed]) -> list[tuple[int, Passed]]:
    """Each request with the length of the longest chain that it ends, from 1: each of a chain began after the one
    before had ended.
    """
    out: list[tuple[int, Passed]] = []
    for one in sorted(passed, key=lambda p: p.ended):
        out.append((1 + max((level for level, p in out if p.ended <= one.began), default=0), one))
    return out


def depth(passed: Iterable[Passed]) -> int:
    """The longest chain of requests of which each began after the one before had ended."""
    return max((level for level, _ in levels(passed)), default=0)
