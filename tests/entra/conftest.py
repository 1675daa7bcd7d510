"""The provider against the sandbox: by itself (`bench`), and under the real engine (`whole`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_entra import provider as entra
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.sandbox import plant_abroad, seed
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.sandbox.scene import Scene
from nhi_revoke_entra.sandbox.state import ServicePrincipal
from nhi_revoke_entra.settings import EntraSettings
from nhi_revoke_local import provider as local
from tests.provider_bench import ProviderBench, ProviderWorld

START = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
APP = "entra:app/Payments Bot"


def opened(settings: EntraSettings, io: EngineIo, environ: Mapping[str, str]) -> EntraConnection:
    return EntraConnection("", settings, io, environ)


class Bench(ProviderBench[EntraSandbox, EntraConnection]):
    settings: EntraSettings

    def __init__(self, sandbox: EntraSandbox, clock: MovableClock) -> None:
        super().__init__(entra, sandbox, clock, opened)
        self.tenant = sandbox.tenant

    @property
    def scene(self) -> Scene:
        return self.sandbox.scene

    @property
    def principal(self) -> ServicePrincipal:
        return self.sandbox.scene.principal


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """payments-bot's app and its intruder; no lag."""
    sandbox, clock = EntraSandbox(entropy=1, deliver=False), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    made = Bench(sandbox, clock)
    yield made
    made.io.close()
    sandbox.close()


@pytest.fixture
def abroad(bench: Bench) -> Bench:
    """The app is a multi-tenant one, which another tenant uses, too."""
    with bench.tenant.lock:
        plant_abroad.plant(bench.scene)
    return bench


class Whole(ProviderWorld):
    """The seeded identity under the real engine, with the store `file:` beside it."""

    @property
    def entra(self) -> EntraSandbox:
        assert isinstance(self.sandbox, EntraSandbox)
        return self.sandbox


def world(folder: Path, **how: Any) -> Whole:
    """`how`: as EntraSandbox takes it."""
    made = Whole(entra, folder, beside=(local,), make_sandbox=lambda: EntraSandbox(entropy=1, **how))
    assert isinstance(made, Whole)
    return made


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    """Nothing is replaced."""
    with world(tmp_path, deliver=False) as made:
        assert isinstance(made, Whole)
        yield made


@pytest.fixture
def replacing(tmp_path: Path) -> Iterator[Whole]:
    """A new secret goes to a file."""
    with world(tmp_path, deliver=True) as made:
        assert isinstance(made, Whole)
        yield made


@pytest.fixture
def vaulted(tmp_path: Path) -> Iterator[Whole]:
    """A new secret goes to the key vault where the leaked one lies."""
    with world(tmp_path, deliver=True, to=f"azure-keyvault:{seed.VAULT}/{seed.VAULT_SECRET}") as made:
        assert isinstance(made, Whole)
        yield made


@pytest.fixture
def certifying(tmp_path: Path) -> Iterator[Whole]:
    """A new certificate goes to a file, and no new secret is made."""
    with world(tmp_path, deliver=True, kind="entra:certificate") as made:
        assert isinstance(made, Whole)
        yield made
