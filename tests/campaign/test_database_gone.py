"""The database crashes in the middle and comes back: a worker waits for it, and each identity ends exactly once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.campaign.database import Database
from tests.campaign.fleet import Fleet
from tests.campaign.postgresql import Server, running
from tests.campaign.process import ended, started
from tests.campaign.test_killed_workers import BOTS, is_well, journaled

GONE_FOR = 3.0
"""Seconds: many looks of a worker, and many tries of the workflow engine."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Of this test alone."""
    with running() as server:
        yield server


@pytest.mark.parametrize("after", [1, 2 * BOTS])
def test_a_worker_goes_on_once_it_is_back(tmp_path: Path, server: Server, after: int) -> None:
    url = server.database()
    with Fleet(tmp_path, BOTS) as fleet:
        database = Database.open(tmp_path / "mine", url)
        campaign = fleet.start(database, fleet.items())
        with started(fleet.order(url, "one")) as worker:
            journaled(database, after)
            server.crash()
            time.sleep(GONE_FOR)
            assert worker.poll() is None, "nobody gives up before others may have taken over"
            server.again()
            assert ended(worker) == (0, "")
        is_well(fleet, database, campaign)
        database.close()
