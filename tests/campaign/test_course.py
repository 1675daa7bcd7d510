"""How a campaign is carried out: waves, what pauses it, going on, and what becomes of single items."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from nhi_revoke.campaign import control
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Entry, Item
from nhi_revoke.campaign.tables import CAMPAIGNS
from nhi_revoke.engine.lock import Locks
from tests.campaign.fleet import Fleet, column, states, told, whole


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """SQLite: what it does on PostgreSQL is seen where workers are killed."""
    opened = Database.open(tmp_path / "state")
    yield opened
    opened.close()


def test_a_canary_that_does_not_end_well_stops_everything_and_going_on_leaves_it(
    database: Database, tmp_path: Path
) -> None:
    with Fleet(tmp_path, 5) as fleet:
        items = fleet.items()
        del fleet.cloud.bots["bot-001"]  # it vanished since
        campaign = fleet.start(database, items, canary=2, wave=2)
        said = fleet.work(database)
        assert told(database, campaign) == ("paused", "1 of the first wave did not end well")
        assert said == [f"campaign {campaign} is paused: 1 of the first wave did not end well"]
        found = states(database, campaign)
        assert found[1:] == ["refused", "waiting", "waiting", "waiting"]
        assert column(database, campaign, "begun")[2:] == [0, 0, 0]
        assert "bot-001" in column(database, campaign, "why")[1]
        assert not [name for name in fleet.names[2:] if not fleet.works(name)]
        control.go_on(database, campaign)
        assert fleet.work(database) == []
        assert told(database, campaign) == ("over", "")
        assert states(database, campaign) == ["done", "refused", "done", "done", "done"]
        assert column(database, campaign, "wave") == [0, 0, 1, 1, 2]
        del fleet.tokens["bot-001"]
        del fleet.cloud.tokens[next(t for t, token in fleet.cloud.tokens.items() if token.bot == "bot-001")]
        fleet.ended_once([name for name in fleet.names if name != "bot-001"])
        assert len(whole(fleet, database, campaign)) == 4


def test_failures_stop_it_and_what_cannot_be_done_says_why(database: Database, tmp_path: Path) -> None:
    """One by one, so that it stops where it should: with settings that are missing, locked, stale, and one that is
    well.
    """
    with Fleet(tmp_path, 5, tenants=1) as fleet:
        first, locked, stale, well, last = fleet.items()
        fleet.cloud.set_token("bot-002", fleet.tokens["bot-002"].id, "disabled", fleet.sandbox.now())
        fleet.changes.clear()
        items = [replace(first, entry=Entry("bot-000", config="missing")), locked, stale, well, last]
        campaign = fleet.start(database, items, stop_on_failures=2)
        with Locks(tmp_path / "state" / "locks").take(["example:bot/bot-001"], "by-hand", "revoke"):
            fleet.work(database, at_once=1)
        assert told(database, campaign) == ("paused", "2 failed or were refused, and 2 stop it")
        assert states(database, campaign) == ["refused", "refused", "waiting", "waiting", "waiting"]
        why = column(database, campaign, "why")
        assert why[0] == "there are no settings 'missing'. Nothing was changed."
        assert "Run by-hand" in why[1]
        assert not fleet.changes
        control.go_on(database, campaign)
        fleet.work(database, at_once=1)
        assert states(database, campaign)[:2] == ["refused", "refused"]
        assert states(database, campaign)[3:] == ["done", "done"]
        assert told(database, campaign) == ("over", "")
        control.go_on(database, campaign, again=True)
        fleet.work(database, at_once=1)
        assert states(database, campaign)[:2] == ["refused", "done"]
        assert dict(fleet.changes) == {"bot-001": 1, "bot-003": 1, "bot-004": 1}
        assert not fleet.works("bot-002")
        assert fleet.works("bot-000")


def test_an_outage_too_many_stops_it(database: Database, tmp_path: Path) -> None:
    with Fleet(tmp_path, 3, tenants=1) as fleet:
        campaign = fleet.start(database, fleet.items(), max_outage=2)
        fleet.work(database, at_once=1)
        assert told(database, campaign) == ("paused", "2 are stopped and not served again, and 2 stop it")
        assert states(database, campaign) == ["done", "done", "waiting"]
        assert column(database, campaign, "outage") == [1, 1, 0]
        fleet.ended_once(fleet.names[:2])


def test_a_pause_from_elsewhere_ends_what_is_under_way_and_begins_nothing(database: Database, tmp_path: Path) -> None:
    with Fleet(tmp_path, 4, tenants=1) as fleet:
        campaign = fleet.start(database, fleet.items())
        elsewhere = Database.open(tmp_path / "state")

        def pause(number: int) -> None:
            if number == 2:
                control.pause(elsewhere, campaign, "lunch")

        fleet.work(database, pause, at_once=1)
        assert told(database, campaign) == ("paused", "lunch")
        assert states(database, campaign) == ["done", "waiting", "waiting", "waiting"]
        fleet.ended_once(fleet.names[:1])
        control.go_on(elsewhere, campaign)
        elsewhere.close()
        fleet.work(database)
        assert told(database, campaign) == ("over", "")
        fleet.ended_once(fleet.names)
        assert {report.state for report in whole(fleet, database, campaign)} == {"contained"}


def test_another_versions_campaign_is_left_alone_until_somebody_goes_on_with_it(
    database: Database, tmp_path: Path
) -> None:
    with Fleet(tmp_path, 1) as fleet:
        campaign = fleet.start(database, fleet.items())
        later = fleet.start(database, [])
        with database.write() as conn:
            conn.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.id == campaign).values(version="0.0.1"))

        def over() -> bool:
            with database.read() as conn:
                return "over" in conn.execute(select(CAMPAIGNS.c.state).where(CAMPAIGNS.c.id == later)).scalars().all()

        fleet.work(database, until=over)
        assert states(database, campaign) == ["waiting"]
        assert not fleet.changes
        control.go_on(database, campaign)
        fleet.work(database)
        fleet.ended_once(fleet.names)


def test_items_without_a_plan_are_refused_at_once(database: Database, tmp_path: Path) -> None:
    with Fleet(tmp_path, 1) as fleet:
        items = [*fleet.items(), Item(1, Entry("ghost"), None, "not found")]
        campaign = fleet.start(database, items, canary=1)
        assert states(database, campaign) == ["waiting", "refused"]
        fleet.work(database)
        assert told(database, campaign) == ("over", "")
        assert column(database, campaign, "begun") == [1, 0]
        assert column(database, campaign, "why") == ["", "not found"]
        fleet.ended_once(fleet.names)
