"""What tests leave out between a client and a sandbox of the same process is the socket alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from nhi_revoke.provider.sandbox.server import HangUp, LoopbackServer
from tests.shortcut import SHORTCUT

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OF_A_SOCKET = {"HTTP_CONNECTION"}


class Side:
    """Tells what it was asked, and answers as its path says."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.server = LoopbackServer(self._app, lambda: NOON)
        self.server.start()

    def _app(self, environ: Any, start_response: Any) -> list[bytes]:
        kept = {k: v for k, v in environ.items() if isinstance(v, str) and k not in OF_A_SOCKET}
        self.seen.append({**kept, "body": environ["wsgi.input"].read()})
        if environ["PATH_INFO"] == "/cut":
            raise HangUp
        if environ["PATH_INFO"] == "/broken":
            raise ValueError("a defect")
        if environ["PATH_INFO"] == "/gone":
            start_response("204 No Content", [("Content-Type", "application/json")])
            return [b"{}"]
        start_response("201 Made", [("Content-Type", "text/plain"), ("Link", "<a>"), ("Link", "<b>")])
        return [b"a ", b"whole one"]


@pytest.fixture
def side() -> Iterator[Side]:
    made = Side()
    yield made
    made.server.close()


def by_httpx(method: str, url: str, **more: Any) -> tuple[Any, ...]:
    with httpx.Client(trust_env=False) as client:
        answer = client.request(method, url, **more)
    return answer.status_code, answer.reason_phrase, answer.content, answer.headers.multi_items()


def by_botocore(method: str, url: str, **more: Any) -> tuple[Any, ...]:
    headers = {"User-Agent": "Boto3", **more.get("headers", {})}
    asked = AWSRequest(method, url, data=more.get("content", b""), headers=headers).prepare()
    answer = URLLib3Session().send(asked)
    return answer.status_code, answer.content, list(answer.headers.items())


BOTH = pytest.mark.parametrize("send", [by_httpx, by_botocore])


@BOTH
@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", "/v1/a%2Fb%20c?x=1&y=%C3%A9&x=2", {"headers": {"Authorization": "Bearer x", "X-Two": "a, b"}}),
        ("POST", "/v1/things", {"content": b"\x00{}", "headers": {"Content-Type": "application/json"}}),
        ("GET", "/broken", {}),
        ("POST", "/gone", {"content": b"{}"}),
    ],
)
def test_both_ways_ask_and_are_answered_the_same(
    side: Side, send: Any, method: str, path: str, more: dict[str, Any]
) -> None:
    wire = send(method, side.server.url + path, **more)
    with SHORTCUT.open() as across:
        before = across.taken
        short = send(method, side.server.url + path, **more)
        assert across.taken == before + 1
    assert short == wire
    assert side.seen[1] == side.seen[0]
    assert len(side.server.errors) == 2 * (path == "/broken")
    send(method, side.server.url + path, **more)
    assert across.taken == before + 1, "closed, and taken all the same"


def test_a_head_has_no_body_either_way(side: Side) -> None:
    wire = by_httpx("HEAD", f"{side.server.url}/v1/things")
    with SHORTCUT.open():
        assert by_httpx("HEAD", f"{side.server.url}/v1/things") == wire
    assert wire[2] == b""
    assert ("content-length", "11") in wire[3]
    assert side.seen[1] == side.seen[0]


@BOTH
def test_both_ways_are_cut_the_same(side: Side, send: Any) -> None:
    kinds = []
    for way in (contextlib.nullcontext, SHORTCUT.open):
        with way(), pytest.raises((httpx.TransportError, ConnectionClosedError)) as said:
            send("GET", f"{side.server.url}/cut")
        kinds.append(type(said.value))
    assert kinds[0] is kinds[1]
    assert len(side.seen) == 2
    assert side.server.errors == ()


@BOTH
def test_a_closed_server_is_reached_neither_way(side: Side, send: Any) -> None:
    url = side.server.url
    side.server.close()
    with SHORTCUT.open(), pytest.raises(Exception, match=r"[Cc]onnect"):
        send("GET", url)
    assert side.seen == []
