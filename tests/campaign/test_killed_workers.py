"""Worker processes with folders of their own, killed by signal 9 in the middle: each identity ends exactly once."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import JOURNALS, WORKERS
from tests.campaign.fleet import Fleet, column, states, told, whole
from tests.campaign.postgresql import Server
from tests.campaign.process import TIMEOUT, ended, started

BOTS = 6


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path, BOTS) as fleet:
        yield fleet


def shot(database: Database, process: subprocess.Popen[str]) -> None:
    """It killed itself, and its beat is long past."""
    assert ended(process) == (-9, "")
    with database.write() as conn:
        mine = WORKERS.update().where(WORKERS.c.pid == process.pid)
        assert conn.execute(mine.values(beat=WORKERS.c.beat - 10_000)).rowcount == 1


def journaled(database: Database, lines: int) -> None:
    """Until so many lines are."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        with database.read() as conn:
            if conn.execute(select(func.count()).select_from(JOURNALS)).scalar_one() >= lines:
                return
        time.sleep(0.02)
    raise AssertionError("nothing was journaled")


def is_well(fleet: Fleet, database: Database, campaign: str) -> None:
    assert told(database, campaign) == ("over", "")
    assert states(database, campaign) == ["done"] * BOTS
    assert column(database, campaign, "exit_code") == [0] * BOTS
    fleet.ended_once(fleet.names)
    reports = whole(fleet, database, campaign)
    assert sorted(report.identity for report in reports) == [f"example:bot/{name}" for name in fleet.names]
    assert {report.headline for report in reports} == {"OUT"}


def test_one_of_two_is_killed_and_the_other_ends_all(fleet: Fleet, tmp_path: Path, postgresql: Server) -> None:
    url = postgresql.database()
    database = Database.open(tmp_path / "mine", url)
    campaign = fleet.start(database, fleet.items(), canary=1, wave=0)
    with started(fleet.order(url, "one", dies_at=20)) as one:
        journaled(database, 1)
        with started(fleet.order(url, "two")) as two:
            shot(database, one)
            assert ended(two) == (0, "")
    is_well(fleet, database, campaign)
    assert max(column(database, campaign, "begun")) == 2
    database.close()


def test_both_are_killed_and_a_third_ends_all(fleet: Fleet, tmp_path: Path, postgresql: Server) -> None:
    url = postgresql.database()
    database = Database.open(tmp_path / "mine", url)
    campaign = fleet.start(database, fleet.items())
    with started(fleet.order(url, "one", dies_at=7)) as one, started(fleet.order(url, "two", dies_at=9)) as two:
        shot(database, one)
        shot(database, two)
    assert "running" in states(database, campaign)
    with started(fleet.order(url, "three")) as three:
        assert ended(three) == (0, "")
    is_well(fleet, database, campaign)
    database.close()


def test_on_sqlite_the_only_one_is_killed_and_started_again(fleet: Fleet) -> None:
    order = fleet.order("", "only", dies_at=13)
    database = Database.open(Path(order.state))
    campaign = fleet.start(database, fleet.items())
    with started(order) as killed:
        assert ended(killed) == (-9, "")
    assert "running" in states(database, campaign)
    fleet.work(database)  # its process is no more, and nobody waits for its beat to lapse
    is_well(fleet, database, campaign)
    database.close()
