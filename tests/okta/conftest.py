"""The provider against the sandbox: by itself (`bench`), and under the real engine (`whole`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_local import provider as local
from nhi_revoke_okta import provider as okta
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.settings import OktaSettings
from tests.provider_bench import ProviderBench, ProviderWorld

START = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
APP = "okta:app/Payments Bot"
USER = "okta:user/payments-bot@example.com"


def opened(settings: OktaSettings, io: EngineIo, environ: Mapping[str, str]) -> OktaConnection:
    return OktaConnection("", settings, io, environ)


class Bench(ProviderBench[OktaSandbox, OktaConnection]):
    settings: OktaSettings

    def __init__(self, sandbox: OktaSandbox, clock: MovableClock) -> None:
        super().__init__(okta, sandbox, clock, opened)
        self.org = sandbox.org


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """payments-bot's app and user, and their intruder; no lag."""
    sandbox, clock = OktaSandbox(entropy=1, old_secret=False), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    made = Bench(sandbox, clock)
    yield made
    made.io.close()
    sandbox.close()


class Whole(ProviderWorld):
    """The seeded identity under the real engine, with the store `file:` beside it."""

    @property
    def okta(self) -> OktaSandbox:
        assert isinstance(self.sandbox, OktaSandbox)
        return self.sandbox


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    def make() -> OktaSandbox:
        return OktaSandbox(entropy=1, old_secret=False)

    with Whole(okta, tmp_path, beside=(local,), make_sandbox=make) as world:
        assert isinstance(world, Whole)
        yield world
