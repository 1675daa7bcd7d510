"""What tests of `alive` share: a sighting in a text, and an engine's side that waits on a clock of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
import pytest

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.liveness import Alive
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.fault import Fault, Throttled, Unavailable
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.sandbox.clock import MovableClock
from tests.http_kit.conftest import everything_said

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
ELSEWHERE = "https://evil.example/steal"


def sighted(provider: Provider[Any], text: str) -> Recognised:
    """The one that stands there."""
    [found] = provider.recognise(text)
    return found


@cache
def an_io() -> EngineIo:
    """One for all tests of a process, since its TLS context takes long to make. Its waits take no time."""
    return EngineIo(SandboxClock(MovableClock(NOW, running=False)))


ODD: tuple[tuple[httpx.Response | Exception, Alive | type[Fault]], ...] = (
    (httpx.Response(302, headers={"Location": ELSEWHERE}), "unknown"),
    (httpx.Response(307, headers={"Location": ELSEWHERE}), "unknown"),
    (httpx.Response(418), "unknown"),
    (httpx.Response(409, json={"error": "conflict"}), "unknown"),
    (httpx.Response(500), Unavailable),
    (httpx.Response(503), Unavailable),
    (httpx.Response(429, headers={"Retry-After": "1"}), Throttled),
    (httpx.ConnectError("no"), Unavailable),
)
"""Answers that say nothing of a credential, and what is made of each by every vendor."""


def judged(provider: Provider[Any], found: Recognised, settings: Any, outcome: Alive | type[Fault]) -> str:
    """What was said; never the value, whatever happened."""
    assert found.value is not None
    if isinstance(outcome, str):
        told = provider.alive(found, settings, an_io())
        assert told.state == outcome, told.how
        said = repr(told)
    else:
        with pytest.raises(outcome) as raised:
            provider.alive(found, settings, an_io())
        said = everything_said(raised.value)
    assert found.value.reveal() not in said
    return said
