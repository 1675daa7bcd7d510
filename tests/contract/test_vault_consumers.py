"""Who uses a credential, before a real OpenBao: what holds before the stand-in holds there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.openbao import OpenBao
from tests.vault.bench import Bench
from tests.vault.seeks import SeekBehaviour

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def vault(openbao: OpenBao) -> Iterator[Bench]:
    with Bench(openbao) as bench:
        yield bench


class TestOpenBaoSought(SeekBehaviour):
    """All of it."""
