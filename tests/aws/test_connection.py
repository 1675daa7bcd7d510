"""What AWS and the network can answer, over a real socket; clock, logs, login chain, and the exact requests."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke_aws.calls import fault_of
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.login import Keys
from nhi_revoke_aws.quiet import hush_wire_logs
from nhi_revoke_aws.settings import AwsSettings

from .conftest import START, USER, WORKER, Bench, PlainIo

ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{0}</Code><Message>{1}</Message></Error>"
    "<RequestId>r-1</RequestId></ErrorResponse>"
)
CANARY = "tokenQUOTEDbyAWS"


class Answers:
    """A loopback server that says what it is told, and counts."""

    def __init__(self) -> None:
        self.status, self.body = 200, ""
        self.headers: dict[str, str] = {}
        self.date: datetime | None = None
        self.cut = False
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append(body)
                if outer.cut:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                said = outer.body.encode()
                self.send_response_only(outer.status)
                if outer.date:
                    self.send_header("Date", format_datetime(outer.date, usegmt=True))
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def answers() -> Iterator[Answers]:
    server = Answers()
    yield server
    server.close()


def connect(url: str, tmp_path: Path, **more: Any) -> AwsConnection:
    file = tmp_path / "credentials"
    file.write_text(f"[default]\naws_access_key_id = AKIAOPERATOR0000001\naws_secret_access_key = {CANARY}\n")
    settings = AwsSettings(endpoint_url=url, credentials_file=str(file), region="us-east-1", **more)
    return AwsConnection("", settings, PlainIo(lambda: START, tries=1))


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (403, "AccessDenied", Denied),
        (403, "AccessDeniedException", Denied),
        (400, "ExpiredToken", Unauthenticated),
        (403, "InvalidClientTokenId", Unauthenticated),
        (403, "UnrecognizedClientException", Unauthenticated),
        (403, "SignatureDoesNotMatch", Unauthenticated),
        (404, "NoSuchEntity", Missing),
        (400, "Throttling", Throttled),
        (503, "RequestLimitExceeded", Throttled),
        (429, "", Throttled),
        (409, "ConcurrentModification", Conflict),
        (409, "EntityTemporarilyUnmodifiable", Unavailable),
        (503, "ServiceUnavailable", Unavailable),
        (500, "InternalFailure", Unavailable),
        (409, "LimitExceeded", Rejected),
        (400, "UnmodifiableEntity", Rejected),
    ],
)
def test_refusals_of_a_read(answers: Answers, tmp_path: Path, status: int, code: str, fault: type[Fault]) -> None:
    answers.status, answers.body = status, ERROR.format(code, CANARY)
    with pytest.raises(fault) as told:
        connect(answers.url, tmp_path).call("iam", "GetUser", UserName="bot")
    assert told.type is fault
    assert told.value.code == code
    assert "iam:GetUser for bot" in told.value.message
    assert CANARY not in f"{told.value.message} {told.value.hint}", "AWS's own text may quote a token"
    assert told.value.__context__ is None
    assert len(answers.asked) == 1, "botocore itself never repeats"
    if fault is Denied:
        assert getattr(told.value, "needs", "") == "iam:GetUser"


@pytest.mark.parametrize(
    ("status", "code", "fault"), [(500, "InternalFailure", NoAnswer), (503, "ServiceUnavailable", Unavailable)]
)
def test_a_server_error_on_a_write_may_have_happened(
    answers: Answers, tmp_path: Path, status: int, code: str, fault: type[Fault]
) -> None:
    conn = connect(answers.url, tmp_path)
    answers.body = IDENTITY
    conn.caller()
    answers.status, answers.body = status, ERROR.format(code, "")
    with pytest.raises(fault):
        conn.call("iam", "UpdateAccessKey", UserName="bot", AccessKeyId="AKIA0000000000000000", Status="Inactive")


IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::111122223333:user/op</Arn><UserId>AIDA1</UserId><Account>111122223333</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def test_a_cut_connection_is_no_answer(answers: Answers, tmp_path: Path) -> None:
    answers.cut = True
    with pytest.raises(NoAnswer):
        connect(answers.url, tmp_path).call("iam", "GetUser", UserName="bot")
    assert len(answers.asked) == 1


def test_silence_is_no_answer(answers: Answers, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # accepts by backlog, and never says a word
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NoAnswer, match="ReadTimeout"):
            connect(url, tmp_path, read_timeout=0.2).call("iam", "GetUser", UserName="bot")
    finally:
        listener.close()


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable, match="nothing was asked"):
        connect(f"http://127.0.0.1:{port}", tmp_path).call("iam", "GetUser", UserName="bot")


def test_a_page_of_html_is_no_usable_answer(answers: Answers, tmp_path: Path) -> None:
    answers.status, answers.body = 200, "<html><p>proxy"
    with pytest.raises(Unavailable):
        connect(answers.url, tmp_path).call("iam", "GetUser", UserName="bot")


def test_a_retry_after_is_passed_on(answers: Answers, tmp_path: Path) -> None:
    answers.status, answers.body, answers.headers = 400, ERROR.format("Throttling", ""), {"Retry-After": "7"}
    with pytest.raises(Throttled) as told:
        connect(answers.url, tmp_path).call("iam", "GetUser", UserName="bot")
    assert told.value.retry_after == 7.0


def test_who_denied_it_is_told_in_fixed_words(answers: Answers, tmp_path: Path) -> None:
    text = f"User: {CANARY} is not authorized ... with an explicit deny in a service control policy"
    answers.status, answers.body = 403, ERROR.format("AccessDenied", text)
    with pytest.raises(Denied, match="explicit deny in a service control policy") as told:
        connect(answers.url, tmp_path).call("iam", "GetUser", UserName="bot")
    assert CANARY not in told.value.message


def test_a_parameter_error_never_quotes_the_parameter(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as told:
        connect("http://127.0.0.1:1", tmp_path).call("secretsmanager", "GetSecretValue", SecretId="x", Nonsense=CANARY)
    assert CANARY not in str(told.value)


@pytest.mark.parametrize("name", ["profile", "credentials"])
def test_without_a_login_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    empty = tmp_path / "none"
    empty.write_text("")
    settings = AwsSettings(
        endpoint_url="http://127.0.0.1:1", credentials_file=str(empty), profile="nobody" if name == "profile" else ""
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(empty))
    conn = AwsConnection("", settings, PlainIo(lambda: START, tries=1))
    with pytest.raises(Unauthenticated) as told:
        conn.call("iam", "GetUser", UserName="bot")
    assert told.value.hint
    with pytest.raises(Unauthenticated):
        conn.whoami()


def test_the_named_file_wins_over_the_environment(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    conn = connect(answers.url, tmp_path)
    client = conn._login.client("iam")
    assert client._request_signer._credentials.access_key == "AKIAOPERATOR0000001"


# -- the vendor's clock ------------------------------------------------------------------------------------------------


def test_the_clock_is_the_vendors(answers: Answers, tmp_path: Path) -> None:
    conn = connect(answers.url, tmp_path)
    assert conn.now() == START, "before any answer: this machine's"
    for ahead in (timedelta(minutes=10), timedelta(minutes=-10)):
        answers.status, answers.body, answers.date = 404, ERROR.format("NoSuchEntity", ""), START + ahead
        with pytest.raises(Missing):
            conn.call("iam", "GetUser", UserName="bot")
        assert conn.now() == START + ahead, "refusals tell the time, too"


def test_whole_seconds_never_let_the_clock_run_behind(answers: Answers, tmp_path: Path) -> None:
    conn = connect(answers.url, tmp_path)
    answers.status, answers.body = 404, ERROR.format("NoSuchEntity", "")
    for ahead in (100, 101, 100):
        answers.date = START + timedelta(seconds=ahead)
        with pytest.raises(Missing):
            conn.call("iam", "GetUser", UserName="bot")
    assert conn.now() == START + timedelta(seconds=101)


# -- secrets and logs --------------------------------------------------------------------------------------------------


def test_debug_logs_never_show_a_secret(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    names = ("botocore", "botocore.parsers", "botocore.endpoint", "botocore.auth", "urllib3.connectionpool")
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)  # what boto3.set_stream_logger does
    try:
        steps = bench.steps(USER, replace=("aws:access-key",))
        bench.do(steps["aws:access-key/delete"])
        bench.do(steps["aws:access-key/create"])
    finally:
        for name in names[1:]:
            logging.getLogger(name).setLevel(logging.NOTSET)
        hush_wire_logs()
    secret = bench.run.take(steps["aws:access-key/create"].id).reveal()
    assert secret not in caplog.text
    assert not [c for c in bench.sandbox.canaries() if c in caplog.text]


def test_explicit_credentials_are_never_printed() -> None:
    keys = Keys("AKIA1", CANARY, CANARY)
    assert CANARY not in repr(keys) + str(keys) + f"{keys}"


# -- the exact requests ------------------------------------------------------------------------------------------------


def test_the_first_wave_is_flat_and_exact(bench: Bench) -> None:
    """Every listing that containment waits for: by ARN, no request waits for another's answer."""
    bench.conn.caller()
    assert _asked_of(bench, USER, "user") == {
        "iam:GetLoginProfile", "iam:GetOutboundWebIdentityFederationInfo", "iam:GetUser", "iam:GetUserPolicy",
        "iam:ListAccessKeys", "iam:ListAttachedUserPolicies", "iam:ListDelegationRequests", "iam:ListGroupsForUser",
        "iam:ListMFADevices", "iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials",
        "iam:ListSigningCertificates", "iam:SimulatePrincipalPolicy",
    }  # fmt: skip
    assert _asked_of(bench, WORKER, "role") == {
        "iam:GetOutboundWebIdentityFederationInfo", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
        "iam:ListDelegationRequests", "iam:ListInstanceProfilesForRole", "iam:SimulatePrincipalPolicy",
    }  # fmt: skip
    assert not bench.writes()


def _asked_of(bench: Bench, text: str, word: str) -> set[str]:
    bench.sandbox.forget_calls()
    ref = bench.ref(bench.resolve(text).ref.id)
    bench.sandbox.forget_calls()
    for kind in bench.kinds.values():
        if word in kind.on and not kind.late:
            with suppress(Missing):
                list(kind.collect(bench.conn, ref, bench.io))
    return set(bench.reads())


@pytest.mark.parametrize("do", [lambda b: b.draft(USER), lambda b: b.draft(WORKER), lambda b: b.conn.whoami()])
def test_looking_writes_nothing(bench: Bench, do: Callable[[Bench], Any]) -> None:
    do(bench)
    assert not bench.writes()


def test_an_unknown_exception_is_rejected_without_its_text() -> None:
    fault = fault_of(RuntimeError(CANARY), "iam", "GetUser", {"UserName": "bot"})
    assert type(fault) is Rejected
    assert CANARY not in fault.message


def test_on_loopback(bench: Bench) -> None:
    assert bench.provider.on_loopback(bench.settings)
    assert bench.provider.on_loopback(AwsSettings(endpoint_url="http://localhost:1"))
    assert not bench.provider.on_loopback(AwsSettings())
    assert not bench.provider.on_loopback(AwsSettings(endpoint_url="https://iam.example"))
    mixed = AwsSettings(endpoint_url="http://127.0.0.1:1", endpoint_urls={"iam": "https://iam.example"})
    assert not bench.provider.on_loopback(mixed)


class Pages(AwsConnection):
    """Answers a listing from a script."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        super().__init__("", AwsSettings(), PlainIo(lambda: START))
        self.script = list(pages)
        self.markers: list[Any] = []

    def call(
        self, service: str, operation: str, /, *, region: str = "", repeatable: bool | None = None, **params: Any
    ) -> dict[str, Any]:
        self.markers.append(params.get("Marker"))
        return self.script.pop(0)


def test_an_empty_page_is_not_the_last() -> None:
    conn = Pages(
        {"Rows": [1], "IsTruncated": True, "Marker": "a"},
        {"Rows": [], "IsTruncated": True, "Marker": "b"},
        {"Rows": [2]},
    )
    assert list(conn.pages("iam", "ListAccessKeys", "Rows", UserName="bot")) == [1, 2]
    assert conn.markers == [None, "a", "b"]


def test_a_list_that_is_cut_short_is_never_taken_for_whole() -> None:
    with pytest.raises(Rejected, match="cut the list short"):
        list(Pages({"Rows": [1], "IsTruncated": True}).pages("iam", "ListAccessKeys", "Rows"))
