"""Who uses a credential, before the stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vault.bench import Bench
from tests.vault.seeks import SeekBehaviour
from tests.vault.stand_in import StandIn


@pytest.fixture
def vault() -> Iterator[Bench]:
    with StandIn() as server, Bench(server) as bench:
        yield bench


class TestStandInSought(SeekBehaviour):
    """All of it."""
