"""The sandbox's own life: its clock, start, reset, close, partitions, many clients at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox, NotReady
from nhi_revoke_aws.sandbox.seed import allow

BOT = "payments-bot"
Doors = Callable[[AwsSandbox], dict[str, bool]]


def test_the_date_header_is_the_vendors_clock(aws: AwsSandbox) -> None:
    aws.skew(600)
    aws.advance(86_400)
    said = parsedate_to_datetime(httpx.get(aws.control + "/clock").headers["date"])
    assert timedelta(seconds=598) < said - aws.now() < timedelta(seconds=602)


def test_issue_times_are_of_the_vendors_clock(aws: AwsSandbox) -> None:
    aws.skew(600)
    ends = aws.client("sts").get_session_token(DurationSeconds=900)["Credentials"]["Expiration"]
    assert abs(ends - aws.now() - timedelta(seconds=1500)) < timedelta(seconds=2)


def test_only_one_is_open_in_a_process(aws: AwsSandbox) -> None:
    with pytest.raises(RuntimeError, match="another AWS sandbox is open"):
        AwsSandbox().start(MovableClock(datetime.now(UTC)))


def test_closing_gives_moto_its_clock_back() -> None:
    sandbox = AwsSandbox(entropy=2)
    sandbox.start(MovableClock(datetime(2040, 1, 1, tzinfo=UTC)))
    from moto.iam import models as module

    models: Any = module

    assert models.utcnow().year == 2040
    sandbox.close()
    sandbox.close()
    assert models.utcnow().year < 2040
    with pytest.raises(NotReady):
        sandbox.now()


def test_before_start_and_seed_it_says_so(aws: AwsSandbox) -> None:
    for ask in (aws.doors, aws.settings, lambda: aws.meddle("new-key")):
        with pytest.raises(NotReady):
            ask()
    with pytest.raises(NotReady):
        _ = AwsSandbox().control


def test_reset_is_as_new(seeded: AwsSandbox, tmp_path: Path, doors: Doors, open_before: dict[str, bool]) -> None:
    seeded.fault("*", "down")
    seeded.allow_only([])
    seeded.page_size(1)
    seeded.skew(600)
    seeded.reset()
    assert [u["UserName"] for u in seeded.client("iam").list_users()["Users"]] == ["incident-responder"]
    assert [c.name for c in seeded.calls()] == ["iam:ListUsers"]
    assert seeded.client("secretsmanager").list_secrets()["SecretList"] == []
    assert (seeded.world.history.lag, seeded.world.gate.lookup.lag) == (4.0, 300.0)
    seeded.seed(str(tmp_path))
    seeded.advance(5)
    assert doors(seeded) == open_before


def test_the_demos_own_lags_hide_nothing_of_what_was_seeded(
    tmp_path: Path, doors: Doors, open_before: dict[str, bool]
) -> None:
    sandbox = AwsSandbox(planted=())
    sandbox.start(MovableClock(datetime.now(UTC)))
    try:
        sandbox.seed(str(tmp_path))
        assert doors(sandbox) == open_before
        wanted = [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
        events = sandbox.client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
        assert sorted(e["Username"] for e in events) == ["nightly", "payments-bot"]
    finally:
        sandbox.close()


def test_another_partition_has_its_own_names(tmp_path: Path, doors: Doors, open_before: dict[str, bool]) -> None:
    sandbox = AwsSandbox(partition="aws-us-gov", planted=())
    sandbox.start(MovableClock(datetime.now(UTC)))
    try:
        seeded = sandbox.seed(str(tmp_path))
        assert seeded.principals[0] == "aws:arn:aws-us-gov:iam::111122223333:user/bots/payments-bot"
        assert doors(sandbox) == open_before
        assert sandbox.settings()["region"] == "us-gov-west-1"
        arn = sandbox.client("iam").get_user(UserName=BOT)["User"]["Arn"]
        assert arn == "arn:aws-us-gov:iam::111122223333:user/bots/payments-bot"
    finally:
        sandbox.close()


def test_the_machines_own_profile_does_not_matter(
    aws: AwsSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doors: Doors, open_before: dict[str, bool]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    aws.seed(str(tmp_path))
    assert doors(aws) == open_before


def test_a_start_that_fails_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_port(self: object) -> None:
        raise OSError("no port")

    with monkeypatch.context() as patched:
        patched.setattr("nhi_revoke.provider.sandbox.server.LoopbackServer.start", no_port)
        with pytest.raises(OSError, match="no port"):
            AwsSandbox().start(MovableClock(datetime.now(UTC)))
    again = AwsSandbox()
    again.start(MovableClock(datetime.now(UTC)))
    again.close()


def test_a_defect_of_the_sandbox_is_raised_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = AwsSandbox()
    sandbox.start(MovableClock(datetime.now(UTC)))

    def broken(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(sandbox.world.gate.sts, "do", broken)
    with pytest.raises(Exception, match="the sandbox itself failed: KeyError"):
        sandbox.client("sts").get_caller_identity()
    with pytest.raises(RuntimeError, match="failed 1 time"):
        sandbox.close()


def test_many_at_once_lose_nothing(aws: AwsSandbox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    iam = aws.client("iam")

    def work(n: int) -> list[int]:
        iam.create_user(UserName=f"u{n}")
        iam.put_user_policy(UserName=f"u{n}", PolicyName="p", PolicyDocument=allow("*"))
        iam.create_access_key(UserName=f"u{n}")
        return [len(iam.list_access_keys(UserName=f"u{n}")["AccessKeyMetadata"]), len(iam.list_users()["Users"])]

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(24)))
    assert [keys for keys, _ in done] == [1] * 24
    assert len(iam.list_users()["Users"]) == 25
    assert sum(c.mutates for c in aws.calls()) == 72
