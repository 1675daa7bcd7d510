"""The provider against the sandbox: by itself (`bench`), and under the real engine (`whole`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_gcp.sandbox.scene import Scene
from nhi_revoke_gcp.sandbox.state import Account
from nhi_revoke_gcp.settings import GcpSettings
from nhi_revoke_local import provider as local
from tests.provider_bench import ProviderBench, ProviderWorld

START = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
BOT = f"gcp:sa/{seed.EMAIL}"
ABOVE, MACHINE, REACH = {"project-grant", "org-grant"}, {"machine"}, {"reach"}
"""Doors of what is around the account: its disabling shuts those that stand above it and its machine, and not a key
of another account.
"""


def opened(settings: GcpSettings, io: EngineIo, environ: Mapping[str, str]) -> GcpConnection:
    return GcpConnection(seed.PROJECT, settings, io, environ)


class Bench(ProviderBench[GcpSandbox, GcpConnection]):
    settings: GcpSettings

    def __init__(self, sandbox: GcpSandbox, clock: MovableClock) -> None:
        super().__init__(gcp, sandbox, clock, opened)
        self.cloud = sandbox.cloud

    @property
    def scene(self) -> Scene:
        return self.sandbox.scene

    @property
    def account(self) -> Account:
        return self.sandbox.scene.account

    def open_doors(self) -> set[str]:
        return {name for name, is_open in self.doors().items() if is_open}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """payments-bot's account and its intruder; no lag."""
    sandbox, clock = GcpSandbox(entropy=1, deliver=False), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    made = Bench(sandbox, clock)
    yield made
    made.io.close()
    sandbox.close()


class Whole(ProviderWorld):
    """The seeded identity under the real engine, with the store `file:` beside it."""

    def __enter__(self) -> Whole:
        super().__enter__()
        return self

    @property
    def gcp(self) -> GcpSandbox:
        assert isinstance(self.sandbox, GcpSandbox)
        return self.sandbox


def world(folder: Path, *, intent: Any = None, **how: Any) -> Whole:
    """`how`: as GcpSandbox takes it."""
    return Whole(gcp, folder, beside=(local,), intent=intent, make_sandbox=lambda: GcpSandbox(entropy=1, **how))
