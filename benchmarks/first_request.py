"""From the start of the process to its first request, of a `list` of an Okta app, against `aws --version`."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.figures import Goal, figures
from benchmarks.measure import TOOL, environment, interleaved, process
from benchmarks.peers import Peers

GOAL = 0.75
ROUNDS = 11
NO_LOGIN = 4
"""The exit code where the vendor does not take the token, as here."""


class Arrivals:
    """A server that refuses everybody, and knows when each request came, in seconds of this machine's clock."""

    def __init__(self) -> None:
        self.at: list[float] = []
        at = self.at

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                at.append(time.monotonic())
                body = b'{"errorCode": "E0000011"}'
                self.send_response(401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{self._server.server_address[1]}"
        self._server.shutdown()
        self._server.server_close()


def first_request(command: list[str | Path], arrivals: Arrivals) -> float:
    """Seconds from the start of the process. Raises RuntimeError where none came."""
    arrivals.at.clear()
    began = time.monotonic()
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != NO_LOGIN or not arrivals.at:
        raise RuntimeError(f"{len(arrivals.at)} requests came, exit {done.returncode}: {done.stderr[-800:]}")
    return arrivals.at[0] - began


def measure(peers: Peers, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians, and their ratio. What is loaded until then, tests/figures/test_imports.py holds."""
    arrivals = Arrivals()
    with tempfile.TemporaryDirectory() as name, arrivals.listening() as url:
        folder = Path(name)
        (folder / "token").write_text("00" + "x" * 40)
        config = folder / "nhi.toml"
        config.write_text(f'[okta]\norg_url = "{url}"\ntoken_file = "{folder}/token"\n')
        tool: list[str | Path] = [TOOL, "list", "okta:app/x", "--no-input", "--config", config]
        aws: list[str | Path] = [peers.aws, "--version"]
        took = interleaved(
            {"first request": partial(first_request, tool, arrivals), "aws --version": partial(process, aws)}, rounds
        )
    ratio = took["first request"].median / took["aws --version"].median
    return figures(
        "a `list` of an Okta app, until its first request",
        [Goal("`list okta:app/…` until its first request", ratio, GOAL, "x `aws --version`")],
        [{"what": f"`{n}`" if n.startswith("aws") else n, **t.figures()} for n, t in took.items()],
        ["`aws --version` asks nobody anything. An API token, no private key: nothing is signed before the request."],
    )
