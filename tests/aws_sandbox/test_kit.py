"""What every sandbox shares: faults, server, control door, remote clock."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Call
from nhi_revoke.provider.sandbox.faults import CallLog, FaultBook, Permissions
from nhi_revoke.provider.sandbox.remote import RemoteClock
from nhi_revoke.provider.sandbox.server import HangUp, LoopbackServer
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

AT = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/cut":
        raise HangUp
    if path == "/defect":
        raise KeyError("a defect")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Date", "never")])
    return [environ["wsgi.input"].read(), environ["REQUEST_URI"].encode()]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    server = LoopbackServer(app, lambda: AT)
    server.start()
    yield server
    server.close()


def test_faults_come_after_the_good_calls_and_as_often_as_ordered() -> None:
    book = FaultBook()
    book.add("iam:CreateAccessKey", "lost", times=2, after=1)
    assert [book.next("iam:CreateAccessKey") for _ in range(4)] == [None, "lost", "lost", None]
    assert book.pending() == 0


def test_a_fault_is_for_its_own_call_only_and_a_star_is_for_all() -> None:
    book = FaultBook()
    book.add("a:B", "429")
    assert book.next("a:C") is None
    book.add("*", "down")
    assert book.next("a:C") == "down"
    assert book.next("a:B") == "429"
    assert book.pending() == 0


def test_overlapping_faults_come_one_after_the_other() -> None:
    book = FaultBook()
    book.add("a:B", "429")
    book.add("a:*", "500")
    assert [book.next("a:B") for _ in range(3)] == ["429", "500", None]


@pytest.mark.parametrize(("fault", "times", "after"), [("boom", 1, 0), ("429", 0, 0), ("429", 1, -1)])
def test_a_senseless_fault_is_refused(fault: str, times: int, after: int) -> None:
    with pytest.raises(ValueError, match=r"fault"):
        FaultBook().add("*", fault, times, after)  # type: ignore[arg-type]  # wrong on purpose


def test_permissions_are_patterns_and_none_is_all() -> None:
    rights = Permissions()
    assert rights.allows("iam:DeleteUser")
    rights.allow_only(["iam:Get*", "sts:AssumeRole"])
    assert rights.allows("iam:GetUser")
    assert rights.allows("sts:assumerole")
    assert not rights.allows("iam:DeleteUser")
    assert rights.allows("")
    rights.allow_only([])
    assert not rights.allows("iam:GetUser")


def test_the_call_log_keeps_the_order() -> None:
    log = CallLog()
    calls = [Call(f"a:{n}", False, "", "operator") for n in range(3)]
    for call in calls:
        log.add(call)
    assert log.all() == tuple(calls)
    log.clear()
    assert log.all() == ()


def test_the_server_keeps_connections_and_shows_the_vendors_clock(server: LoopbackServer) -> None:
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as wire:
        for _ in range(2):  # both on one connection
            wire.sendall(b"POST /a%2Fb?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            answer = b""
            while b"abc/a%2Fb?c=d" not in answer:
                answer += wire.recv(4096)
            head = answer.decode()
            assert head.startswith("HTTP/1.1 200")
            date = next(line[6:] for line in head.split("\r\n") if line.startswith("Date: "))
            assert parsedate_to_datetime(date) == AT
            assert "never" not in head


def test_a_hang_up_sends_nothing(server: LoopbackServer) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url + "/cut")
    assert httpx.get(server.url + "/next").text == "/next"
    assert server.errors == ()


def test_a_defect_of_the_application_is_answered_and_kept(server: LoopbackServer) -> None:
    answer = httpx.get(server.url + "/defect")
    assert answer.status_code == 500
    assert "a defect" not in answer.text
    assert [type(e) for e in server.errors] == [KeyError]


def test_head_has_no_body(server: LoopbackServer) -> None:
    answer = httpx.head(server.url + "/x")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "2")


def test_who_waits_for_a_go_gets_it_at_once(server: LoopbackServer) -> None:
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=5) as wire:
        wire.sendall(b"PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert wire.recv(4096).startswith(b"HTTP/1.1 100")
        wire.sendall(b"abc")
        assert b"abc/x" in wire.recv(4096)


def test_after_close_nobody_answers(server: LoopbackServer) -> None:
    url = server.url
    with httpx.Client() as client:
        assert client.get(url + "/x").status_code == 200
        server.close()
        with pytest.raises(httpx.TransportError):
            client.get(url + "/x")
    server.close()
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.url


# -- control door ------------------------------------------------------------------------------------------------------


def test_the_control_door_tells_and_moves_the_clock(aws: AwsSandbox) -> None:
    before = aws.now()
    told = httpx.post(aws.control + "/clock", json={"advance": 60}).json()["now"]
    assert aws.now() - before >= timedelta(seconds=60)
    assert datetime.fromisoformat(told) - before >= timedelta(seconds=60)
    assert httpx.get(aws.control + "/clock").json()["now"] >= told


def test_the_control_door_sets_faults_rights_lag_skew_and_pages(aws: AwsSandbox) -> None:
    for name, body in (
        ("fault", {"call": "iam:ListUsers", "fault": "429", "times": 2, "after": 1}),
        ("allow", {"permissions": ["iam:ListUsers"]}),
        ("lag", {"writes": 7, "logs": 9}),
        ("skew", {"seconds": 600}),
        ("page-size", {"size": 3}),
    ):
        assert httpx.post(f"{aws.control}/{name}", json=body).status_code == 200
    gate = aws.world.gate
    assert gate.faults.pending() == 2
    assert not gate.permissions.allows("iam:GetUser")
    assert (aws.world.history.lag, gate.lookup.lag) == (7, 9)
    assert aws.world.vendor_now() - aws.now() > timedelta(seconds=599)
    assert (gate.page_size, gate.lookup.page_size) == (3, 3)


def test_the_control_door_shows_calls_and_doors_without_secrets(seeded: AwsSandbox) -> None:
    seeded.client("sts").get_caller_identity()
    calls = httpx.get(seeded.control + "/calls").json()["calls"]
    assert [(c["name"], c["by"], c["mutates"]) for c in calls] == [("sts:GetCallerIdentity", "operator", False)]
    answer = httpx.get(seeded.control + "/doors", timeout=60)
    assert {d["kind"]: d["open"] for d in answer.json()["doors"]}["inactive-key"] is False
    assert not [secret for secret in seeded.canaries() if secret in answer.text]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("meddle", {"what": "nothing"}, 400),
        ("fault", {"call": "*", "fault": "boom"}, 400),
        ("clock", {"advance": -1}, 400),
        ("clock", {}, 400),
        ("page-size", {"size": 0}, 400),
        ("unknown", {}, 404),
    ],
)
def test_the_control_door_refuses_what_makes_no_sense(
    seeded: AwsSandbox, name: str, body: dict[str, object], status: int
) -> None:
    answer = httpx.post(f"{seeded.control}/{name}", json=body)
    assert answer.status_code == status
    assert "error" in answer.json()


def test_the_control_door_is_for_loopback_names_only(aws: AwsSandbox) -> None:
    answer = httpx.get(aws.control + "/clock", headers={"Host": "evil.example"})
    assert answer.status_code == 403


def test_the_remote_clock_follows_the_sandbox(aws: AwsSandbox) -> None:
    clock = RemoteClock(aws.control)
    assert abs(clock.now() - aws.now()) < timedelta(seconds=2)
    clock.advance(3600)
    assert aws.now() - aws.world.clock._start >= timedelta(hours=1)
    assert abs(clock.now() - aws.now()) < timedelta(seconds=2)
    aws.advance(3600)
    assert aws.now() - clock.now() > timedelta(minutes=59)
    clock.refresh()
    assert abs(clock.now() - aws.now()) < timedelta(seconds=2)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)


@pytest.mark.parametrize(
    "url", ["http://sandbox.example:80/_sandbox", "https://127.0.0.1/_sandbox", "http://127.0.0.1.evil.example/", "x"]
)
def test_the_remote_clock_is_for_loopback_only(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        RemoteClock(url)


def test_a_gone_sandbox_is_an_os_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        RemoteClock(f"http://127.0.0.1:{port}/_sandbox").now()


def test_the_movable_clock_never_goes_back() -> None:
    with pytest.raises(ValueError, match="never goes back"):
        MovableClock(AT).advance(-1)
