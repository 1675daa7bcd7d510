"""`http`: one signed message, the same at every try, and never more claimed than that it was accepted."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import NoAnswer, Rejected, Throttled, Unavailable
from nhi_revoke_local.flush.http import Http
from tests.local.receiving import Got, HangUp, Receiving
from tests.local.trial import NOON, Trial

HTTP = Http()
KEY = "canary-shared-key"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUSH_KEY", KEY)


def flush(run: Trial, url: str, **more: Any) -> Step:
    given = {"key_env": "FLUSH_KEY"} if not more else {}
    return run.step("http", "after the seal", before={"url": url, **given, **more})


def test_what_is_told_and_how_it_is_signed(run: Trial, receiver: Receiving) -> None:
    step = flush(run, receiver.url)
    assert HTTP.check(run.conn, step) is None
    assert receiver.got == [], "the preflight sends nothing"
    change = run.do(HTTP, step)
    assert isinstance(change, Done)
    [got] = receiver.got
    assert (got.method, got.path, got.headers["content-type"]) == ("POST", "/flush", "application/json")
    assert got.json == {
        "event": "credential-flush",
        "identity": "payments-bot",
        "principals": ["example:user/bot", "example:role/worker"],
        "run": "r-1",
        "time": "2026-01-02T12:00:00Z",
        "moment": "after the seal",
    }
    stamp, _, signed = got.headers["nhi-revoke-signature"].partition(",v1=")
    assert stamp == f"t={int(NOON.timestamp())}"
    told = hmac.new(KEY.encode(), stamp.removeprefix("t=").encode() + b"." + got.body, hashlib.sha256)
    assert hmac.compare_digest(signed, told.hexdigest())
    assert KEY.encode() not in got.body
    assert KEY not in str(got.headers) + repr(change)


def test_accepted_is_all_that_is_claimed(run: Trial, receiver: Receiving) -> None:
    """design.md: `requested` is accepted, not yet seen."""
    step = flush(run, receiver.url)
    assert run.seen(HTTP, step) is None
    run.do(HTTP, step)
    assert run.seen(HTTP, step) == run.left(step.id)
    told = HTTP.prove(run.conn, step, run)
    assert told.proof is Proof.REQUESTED
    assert "accepted it (202); what it did with it cannot be seen from here" in told.how


@pytest.mark.parametrize("body", [b"", b"ok", b"<html>", b'{"a": 1}'])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_done(run: Trial, receiver: Receiving, status: int, body: bytes) -> None:
    receiver.says(status, b"" if status == 204 else body)
    assert isinstance(run.do(HTTP, flush(run, receiver.url)), Done)
    assert len(receiver.got) == 1


def test_a_5xx_is_asked_again_as_the_same_message(run: Trial, receiver: Receiving) -> None:
    answers: Iterator[tuple[int, dict[str, str], bytes]] = iter([(503, {}, b""), (500, {}, b"x"), (202, {}, b"")])
    receiver.answer = lambda _: next(answers)
    assert isinstance(run.do(HTTP, flush(run, receiver.url)), Done)
    assert len(receiver.got) == 3
    assert len({got.headers["idempotency-key"] for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1


def test_a_lost_answer_is_asked_again_and_later_with_the_same_key(run: Trial, receiver: Receiving) -> None:
    def hang(_: Got) -> Any:
        raise HangUp

    receiver.answer = hang
    step = flush(run, receiver.url)
    with pytest.raises(NoAnswer):
        run.do(HTTP, step)
    assert run.seen(HTTP, step) is None, "so the engine asks again"
    first = len(receiver.got)
    assert first == 3
    receiver.says(202)
    run.clock.advance(3600)
    run.do(HTTP, step)
    assert len({(got.headers["idempotency-key"], got.body) for got in receiver.got}) == 1
    assert len({got.headers["nhi-revoke-signature"] for got in receiver.got}) == 2, "signed at its own time"


def test_each_step_has_a_key_of_its_own(run: Trial, receiver: Receiving) -> None:
    settings = {"url": receiver.url, "key_env": "FLUSH_KEY"}
    for mint in ("m/1", "m/2"):
        run.do(HTTP, run.step("http", "after the seal", mint=mint, before=settings))
    assert len({got.headers["idempotency-key"] for got in receiver.got}) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 422])
def test_a_4xx_is_failed_with_its_reason(run: Trial, receiver: Receiving, status: int) -> None:
    receiver.says(status, {"code": "no_such_bot", "message": "payments-bot is nobody here"})
    with pytest.raises(Rejected) as caught:
        run.do(HTTP, flush(run, receiver.url))
    assert f"({status} no_such_bot): nothing was changed: payments-bot is nobody here" in caught.value.message
    assert len(receiver.got) == 1, "a no is a no"


def test_a_reason_is_bounded_and_holds_no_secret(run: Trial, receiver: Receiving) -> None:
    secret = "sk_live_" + "a1" * 20
    receiver.says(422, {"message": f"\x1b[31mbad {secret} \n" + "long words " * 1000})
    with pytest.raises(Rejected) as caught:
        run.do(HTTP, flush(run, receiver.url))
    assert secret not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 400


def test_no_redirect_is_followed(run: Trial, receiver: Receiving) -> None:
    receiver.says(307, b"", Location=f"{receiver.server.url}/elsewhere")
    with pytest.raises(Rejected) as caught:
        run.do(HTTP, flush(run, receiver.url))
    assert "it was not followed" in caught.value.message
    assert [got.path for got in receiver.got] == ["/flush"]


def test_too_fast_and_nobody_there(run: Trial, receiver: Receiving) -> None:
    receiver.says(429, b"", Retry_After="1")
    with pytest.raises(Throttled):
        run.do(HTTP, flush(run, receiver.url))
    with pytest.raises(Unavailable):
        run.do(HTTP, flush(run, "http://127.0.0.1:1/x"))


def test_the_key_may_lie_in_a_file(run: Trial, receiver: Receiving, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    run.do(HTTP, flush(run, receiver.url, key_env="FLUSH_KEY"))
    run.do(HTTP, flush(run, receiver.url, key_file=str(tmp_path / "key")))
    assert len({got.headers["nhi-revoke-signature"] for got in receiver.got}) == 1
    for more in ({"key_env": "NO_SUCH"}, {"key_file": str(tmp_path / "none")}):
        told = HTTP.check(run.conn, flush(run, receiver.url, **more))
        assert told is not None
        assert "nothing was asked" in told.why


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "missing required field `url`"),
        ({"url": "http://hooks.example/x", "key_env": "K"}, "must begin with https://"),
        ({"url": "ftp://127.0.0.1/x", "key_env": "K"}, "must begin with https://"),
        ({"url": "https://u:canary@h/x", "key_env": "K"}, "url holds a secret"),
        ({"url": "https://h/x?token=•••", "key_env": "K"}, "url holds a secret"),
        ({"url": "https:///x", "key_env": "K"}, "names no host"),
        ({"url": "https://h:99999/x", "key_env": "K"}, "url is none"),
        ({"url": "https://h/x"}, "one of key_env and key_file must be there"),
        ({"url": "https://h/x", "key_env": "K", "key_file": "f"}, "one of key_env and key_file must be there"),
        ({"url": "https://h/x", "key": "canary"}, 'there is no setting "key"'),
    ],
)
def test_what_cannot_work_is_said_before(run: Trial, settings: dict[str, Any], says: str) -> None:
    told = HTTP.check(run.conn, run.step("http", "", before=settings))
    assert told is not None
    assert told.why.startswith("http: ")
    assert says in told.why
    assert "canary" not in told.why + told.manual + HTTP.tells(settings)[0]
    assert "it will not be done" in HTTP.tells(settings)[0]


def test_what_the_plan_says() -> None:
    says, breaks = HTTP.tells({"url": "https://gateway.internal:8443/flush?a=1", "key_env": "K"})
    assert says == "tell gateway.internal:8443/flush (signed POST) to forget the old credentials"
    assert breaks == "whatever gateway.internal:8443/flush makes forget them"
    assert HTTP.looks(Trial().conn, {"url": "https://h"}) == "", "nothing is asked for a plan"
