"""A loopback proxy before a Vault: keeps what was asked, lets somebody act right before a request, loses an answer."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"}


class Between:
    """`with` starts it."""

    def __init__(self, target: str) -> None:
        self.asked: list[str] = []
        """`METHOD /path`, in order."""
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.before: Callable[[str], None] | None = None
        """Called with `METHOD /path` before it is passed on; takes itself away where once is enough."""
        self.lose: Callable[[str], bool] = lambda _: False
        """Whether the answer of this one is cut off, though it happened."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, urlsplit(target).netloc))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Between:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def once_before(self, start: str, act: Callable[[], None]) -> None:
        """Before the next request whose `METHOD /path` begins so."""

        def before(what: str) -> None:
            if what.startswith(start):
                self.before = None
                act()

        self.before = before

    def lose_next(self, start: str) -> None:
        left = [True]

        def lose(what: str) -> bool:
            hit = what.startswith(start) and left[0]
            left[0] = left[0] and not hit
            return hit

        self.lose = lose


def _handler(between: Between, target: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            what = f"{self.command} {self.path}"
            between.asked.append(what)
            between.bodies.append(body)
            between.headers.append({k.lower(): v for k, v in self.headers.items()})
            if between.before is not None:
                between.before(what)
            upstream = http.client.HTTPConnection(target, timeout=30)
            kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            upstream.request(self.command, self.path, body, kept)
            answer = upstream.getresponse()
            data = answer.read()
            upstream.close()
            if between.lose(what):
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response_only(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in HOP:
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - the names that http.server calls

        def log_message(self, *args: object) -> None:
            pass

    return Handler
