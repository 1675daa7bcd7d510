"""The provider against the sandbox: by itself (`bench`), and under the real engine (`whole`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_github import provider as github
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_github.settings import GithubSettings
from nhi_revoke_local import provider as local
from tests.provider_bench import ProviderBench, ProviderWorld

START = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
APP = "github:app/payments-bot"
USER = "github:user/payments-machine"


def opened(settings: GithubSettings, io: EngineIo, environ: Mapping[str, str]) -> GithubConnection:
    return GithubConnection("", settings, io, environ)


class Bench(ProviderBench[GithubSandbox, GithubConnection]):
    settings: GithubSettings

    def __init__(self, sandbox: GithubSandbox, clock: MovableClock) -> None:
        super().__init__(github, sandbox, clock, opened)
        self.hub = sandbox.hub


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """payments-bot's app and machine user, and their intruder; no lag. The operator has a token alone."""
    with seeded(tmp_path, "token") as made:
        yield made


@contextmanager
def seeded(folder: Path, sign_in: Literal["token", "app", "both"]) -> Iterator[Bench]:
    sandbox, clock = GithubSandbox(entropy=1, sign_in=sign_in, deliver=False), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(folder))
    made = Bench(sandbox, clock)
    yield made
    made.io.close()
    sandbox.close()


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Bench]:
    """The same; the operator has a token and an App."""
    with seeded(tmp_path, "both") as made:
        yield made


class Whole(ProviderWorld):
    """The seeded identity under the real engine, with the store `file:` beside it; the operator has both sign-ins."""

    @property
    def hub(self) -> GithubSandbox:
        assert isinstance(self.sandbox, GithubSandbox)
        return self.sandbox


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    def make() -> GithubSandbox:
        return GithubSandbox(entropy=1, deliver=False)

    with Whole(github, tmp_path, beside=(local,), make_sandbox=make) as world:
        assert isinstance(world, Whole)
        yield world
