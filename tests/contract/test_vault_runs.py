"""Whole runs of the real command line into a real OpenBao."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.openbao import OpenBao
from tests.vault.bench import Bench
from tests.vault.runs import RunBehaviour

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def vault(openbao: OpenBao) -> Iterator[Bench]:
    with Bench(openbao) as bench:
        yield bench


class TestOpenBao(RunBehaviour):
    """All of it."""

    every = 2
