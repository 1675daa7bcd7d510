"""A small threaded HTTP/1.1 server for sandboxes: loopback only, and able to hang up without an answer."""

from __future__ import annotations

import io
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
BODILESS = frozenset({204, 304})
"""RFC 9110, 15.3.5 and 15.4.5: neither a body nor, with 204, its length."""


class HangUp(Exception):
    """Raised by an application: the connection is cut and no answer is sent."""


class Request(Struct, frozen=True):
    """One request, read whole."""

    method: str
    target: str
    """Path and query as they were sent."""
    headers: Sequence[tuple[str, str]]
    body: bytes
    version: str = "HTTP/1.1"
    peer: str = HOST


class Answer(Struct, frozen=True):
    """As it leaves, but for what the connection needs."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class LoopbackServer:
    """Serves one WSGI application on 127.0.0.1 and a free port, in daemon threads, with connections kept alive.

    `date` gives the `Date:` header (UTC), so that the vendor's clock can be moved.
    """

    def __init__(self, app: WSGIApplication, date: Callable[[], datetime]) -> None:
        self._app = app
        self._date = date
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Raises OSError when no port can be had."""
        self._server = _Server(self._app, self._date)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox-server", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Base URL without a slash at its end. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the sandbox's server is not started")
        return f"http://{HOST}:{self._server.server_port}"

    def answered(self, asked: Request) -> Answer:
        """What the server answers to this request, without a socket. Raises HangUp where it would cut the connection,
        and ConnectionRefusedError where it is not started.
        """
        server = self._server
        if server is None:
            raise ConnectionRefusedError("the sandbox's server is not started")
        return server.answered(asked)

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """What an application raised and should not have: a defect of the sandbox, answered with 500."""
        return tuple(self._server.errors) if self._server else ()

    def close(self) -> None:
        """Stops listening, cuts what is still connected. Safe to repeat."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        server.cut_all()
        if self._thread:
            self._thread.join(timeout=5)
            self._thread = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, app: WSGIApplication, date: Callable[[], datetime]) -> None:
        super().__init__((HOST, 0), _Handler)
        self.app = app
        self.date = date
        self.errors: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def server_bind(self) -> None:
        """Without the name look-up of the base class: it can take seconds on a machine without DNS."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        with self._lock:
            still = list(self._open)
        for connection in still:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def answered(self, asked: Request) -> Answer:
        """What the application says, as it leaves. A defect of it is kept, told with 500, and raised when the sandbox
        is closed. Raises HangUp.
        """
        said = _Said()
        try:
            said.collect(self.app(_environ(asked, self.server_port), said.start))
        except HangUp:
            raise
        except Exception as defect:  # noqa: BLE001
            self.errors.append(defect)
            said = _Said.defect(defect)
        return said.dated(self.date())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no defect; anything else is kept for the one who closes the sandbox."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body leave in one piece
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self._serve()

    def finish(self) -> None:
        """A client that went away with an answer under way must not keep the socket open behind it."""
        with suppress(OSError):
            super().finish()
        self.rfile.close()

    def handle_expect_100(self) -> bool:
        """At once: clients wait a second for it."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _serve(self) -> None:
        promised = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(promised)
        if len(body) < promised:  # the client was killed while it asked: no vendor acts on half a request
            self.close_connection = True
            return
        peer = str(self.client_address[0])
        try:
            answer = self.server.answered(
                Request(self.command, self.path, self.headers.items(), body, self.request_version, peer)
            )
        except HangUp:
            self._hang_up()
            return
        self._send(answer)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and answer.body:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Silent: what was asked is in the sandbox's call log."""


class _Said:
    """What an application answered, whole: sandboxes' answers are small."""

    def __init__(self) -> None:
        self.status = "500 Internal Server Error"
        self.headers: list[tuple[str, str]] = []
        self.body = b""

    def start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None = None,
        /,
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return self._write

    def _write(self, data: bytes) -> None:
        self.body += data

    def collect(self, result: Iterable[bytes]) -> None:
        try:
            self.body += b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    @classmethod
    def defect(cls, error: BaseException) -> _Said:
        answer = cls()
        answer.headers = [("Content-Type", "text/plain; charset=utf-8")]
        answer.body = f"the sandbox itself failed: {type(error).__name__}".encode()
        return answer

    def dated(self, date: datetime) -> Answer:
        """With the headers that a server adds."""
        named = {name.lower() for name, _ in self.headers}
        kept = [h for h in self.headers if h[0].lower() not in ("content-length", "date", "connection")]
        kept.append(("Date", format_datetime(date, usegmt=True)))
        if "server" not in named:
            kept.append(("Server", "sandbox"))
        code, _, reason = self.status.partition(" ")
        if int(code) in BODILESS:  # a client reads none: on a kept connection it would be the next answer's beginning
            return Answer(int(code), reason, tuple(kept), b"")
        kept.append(("Content-Length", str(len(self.body))))
        return Answer(int(code), reason, tuple(kept), self.body)


def _environ(asked: Request, port: int) -> WSGIEnvironment:
    raw_path, _, query = asked.target.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": asked.target,
        "REQUEST_URI": asked.target,
        "SERVER_NAME": HOST,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": asked.version,
        "REMOTE_ADDR": asked.peer,
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": str(len(asked.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(asked.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in asked.headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        if key == "HTTP_CONTENT_TYPE":
            environ["CONTENT_TYPE"] = environ["CONTENT_TYPE"] or value
        elif key != "HTTP_CONTENT_LENGTH" and "_" not in name:
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
