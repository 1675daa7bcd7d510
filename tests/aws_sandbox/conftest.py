"""A sandbox for each test: starting one takes a few milliseconds once moto is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def aws() -> Iterator[AwsSandbox]:
    """Empty but for the operator, without lag."""
    sandbox = AwsSandbox(entropy=1, planted=())
    sandbox.start(MovableClock(START, running=False))
    sandbox.lag(0, 0)
    yield sandbox
    sandbox.close()


@pytest.fixture
def everything(tmp_path: Path) -> Iterator[AwsSandbox]:
    """The demo's whole world, without lag."""
    sandbox = AwsSandbox(entropy=1)
    sandbox.start(MovableClock(START, running=False))
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    yield sandbox
    sandbox.close()


@pytest.fixture
def seeded(aws: AwsSandbox, tmp_path: Path) -> AwsSandbox:
    """payments-bot and its intruder, without lag."""
    aws.seed(str(tmp_path))
    return aws


Refused = Callable[[Callable[[], Any]], str]


@pytest.fixture
def code() -> Refused:
    """The vendor's error code of a call, or `ok`."""

    def tried(call: Callable[[], Any]) -> str:
        try:
            call()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    return tried


OPEN_BEFORE = {
    "active-key": True,
    "inactive-key": False,
    "get-session-token": True,
    "get-federation-token": True,
    "login-profile": True,
    "console-session": True,
    "aws-login": True,
    "assume-role": True,
    "assume-role-again": True,
    "minted-after": True,
    "chained": True,
}
"""Kind of each seeded door, and whether it is open before anybody acts."""
Doors = Callable[[AwsSandbox], dict[str, bool]]


@pytest.fixture
def doors() -> Doors:
    """Every stolen way in by its kind, tried now."""
    return lambda aws: {door.kind: door.open() for door in aws.doors()}


@pytest.fixture
def open_before() -> dict[str, bool]:
    """What `doors` says of the seeded world."""
    return dict(OPEN_BEFORE)
