"""A run, and a file as a workload reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.receiving import Receiving, receiving
from tests.local.trial import OLD, Trial
from tests.local.valkey import Valkey, cluster_of, serving


@pytest.fixture
def run() -> Iterator[Trial]:
    trial = Trial()
    yield trial
    trial.io.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """In a folder of its own."""
    (tmp_path / "etc").mkdir(mode=0o700)
    path = tmp_path / "etc" / "bot.json"
    path.write_bytes(OLD)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def one_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with serving(tmp_path_factory.mktemp("v")) as server:
        yield server


@pytest.fixture
def valkey(one_valkey: Valkey) -> Valkey:
    """Empty, nobody's password, and nothing counted yet."""
    client = one_valkey.client
    client.flushall()
    client.acl_setuser("default", enabled=True, nopass=True, reset=True, categories=["+@all"], keys=["*"])
    client.config_resetstat()
    return one_valkey


@pytest.fixture(scope="session")
def valkey_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Valkey]]:
    with cluster_of(tmp_path_factory.mktemp("c")) as servers:
        yield servers


@pytest.fixture
def receiver() -> Iterator[Receiving]:
    with receiving() as made:
        yield made
