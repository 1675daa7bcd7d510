"""How many requests, one after the other, until every cut and end was seen: the network's part of "minutes"."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tomli_w

from nhi_revoke.config import load_config
from nhi_revoke.engine.event import CountEvent, Event
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from tests.figures.delay_proxy import DelayProxy, Passed, depth

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
DELAY = 0.25
"""Seconds: long against what two busy cores need for a wave, so that waves do not run into each other."""
KEYS, PASSWORD, CUTS = 2, 1, 2
READS = {
    "GetCallerIdentity": 1,
    "GetUser": 1,
    "ListAccessKeys": 1,
    "GetLoginProfile": 1,
    "GetUserPolicy": 2,
    "ListAttachedUserPolicies": 1,
    "GetRole": 2,
    "GetRolePolicy": 2,
    "ListAttachedRolePolicies": 1,
}
WRITES = {"PutUserPolicy": 1, "PutRolePolicy": 1, "UpdateAccessKey": 2, "DeleteLoginProfile": 1}
READ_BACK = {"GetUserPolicy": 1, "GetRolePolicy": 1, "ListAccessKeys": 2, "GetLoginProfile": 1}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[AwsSandbox]:
    """payments-bot with two live keys, a password and two inline policies; the role payments-worker."""
    aws = AwsSandbox(entropy=7)
    aws.start(MovableClock(START))
    aws.seed(str(tmp_path))
    keys = aws.admin("iam").list_access_keys(UserName="payments-bot")["AccessKeyMetadata"]
    for key in keys:
        aws.admin("iam").update_access_key(UserName="payments-bot", AccessKeyId=key["AccessKeyId"], Status="Active")
    aws.advance(60)
    yield aws
    aws.close()


@pytest.mark.alone
def test_cuts_and_ends_are_seen_after_three_sequential_requests(sandbox: AwsSandbox, tmp_path: Path) -> None:
    with DelayProxy(sandbox.endpoint, DELAY) as proxy:
        settings = {**sandbox.settings(), "endpoint_url": proxy.url}
        path = tmp_path / "nhi.toml"
        path.write_text(tomli_w.dumps({"aws": settings, "sandbox": {"control": sandbox.control}}))
        config = load_config(str(path), {"NHI_REVOKE_STATE": str(tmp_path / "state")}, tmp_path)
        acted: list[float] = []

        def tell(event: Event) -> None:
            if isinstance(event, CountEvent) and event.acted == event.to_act and not acted:
                acted.append(time.monotonic())

        intent = Intent(rotate="no", settle=0.0)
        with Engine(Registry.installed({}), config, tell) as engine:
            identity = engine.resolve(["aws:user/payments-bot", "aws:role/payments-worker"])
            plan = engine.plan(engine.inventory(identity, intent, logs=False), intent)
            assert len([s for s in plan.steps if s.phase in ("cut", "end")]) == KEYS + PASSWORD + CUTS
            report = engine.run(plan, "revoke", Consent("--yes", allow_irreversible=True))
    until = [p for p in proxy.passed if p.ended <= acted[0]]
    assert report.times.acted is not None
    assert depth(until) == 3, _waves(until)
    assert Counter(p.name for p in until) == Counter(READS) + Counter(WRITES) + Counter(READ_BACK), _waves(until)


def _waves(passed: list[Passed]) -> str:
    start = min(p.began for p in passed)
    return "\n".join(
        f"{p.began - start:.3f} {p.ended - start:.3f} {p.name}" for p in sorted(passed, key=lambda p: p.began)
    )
