"""The store before the stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vault.bench import Bench
from tests.vault.looks import LookBehaviour
from tests.vault.stand_in import StandIn
from tests.vault.writes import WriteBehaviour


@pytest.fixture
def vault() -> Iterator[Bench]:
    with StandIn() as server, Bench(server) as bench:
        yield bench


class TestStandInLooked(LookBehaviour):
    """All of it."""


class TestStandInWritten(WriteBehaviour):
    """All of it."""
