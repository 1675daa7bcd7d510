"""What only the queue knows: a workflow that somebody ended, and an undo that was interrupted."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from dbos import DBOSClient, DBOSPortableJSONSerializer
from sqlalchemy import select

from nhi_revoke.campaign import control
from nhi_revoke.campaign.carrying import AGAIN
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import ITEMS
from nhi_revoke.campaign.workflows import APPLICATION, SCHEMA
from tests.campaign.fleet import Fleet, column, states, told, whole


def test_an_item_whose_workflow_somebody_cancelled_is_queued_again(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 2, tenants=1) as fleet:
        campaign = fleet.start(database, fleet.items())

        def cancel(number: int) -> None:
            if number == 1:
                client = DBOSClient(
                    system_database_url=database.workflows,
                    dbos_system_schema=SCHEMA,
                    serializer=DBOSPortableJSONSerializer(),
                    application_name=APPLICATION,
                )
                client.cancel_workflow(f"{campaign}.000001.0")
                client.destroy()

        fleet.work(database, cancel, at_once=1)
        assert told(database, campaign) == ("over", "")
        assert column(database, campaign, "tries") == [0, 1]
        fleet.ended_once(fleet.names)
    database.close()


def test_slots_are_divided_among_the_tenants_that_wait(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 18, tenants=3) as fleet:
        fleet.start(database, fleet.items())
        lock, most = threading.Lock(), Counter[int]()

        def look(_number: int) -> None:
            with lock, database.read() as conn:
                rows = conn.execute(select(ITEMS.c.number, ITEMS.c.state)).all()
            held = Counter(row.number % 3 for row in rows if row.state == "running")
            if len({row.number % 3 for row in rows if row.state == "waiting"}) == 3:
                for tenant, count in held.items():
                    most[tenant] = max(most[tenant], count)

        fleet.work(database, look, at_once=6)
        assert most == {0: 2, 1: 2, 2: 2}
        fleet.ended_once(fleet.names)
    database.close()


def test_an_interrupted_undo_is_gone_on_with(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 2, tenants=1) as fleet:
        campaign = fleet.start(database, fleet.items())
        fleet.work(database)
        fleet.clock.advance(7200)
        control.take_back(database, campaign, None, [f"example:token/{t.id}" for t in fleet.tokens.values()])
        stop, lines = threading.Event(), iter(range(1000))

        def press(_number: int) -> None:
            if next(lines) == 3:
                stop.set()

        fleet.work(database, press, at_once=1, stop=stop)
        assert told(database, campaign) == ("undoing", "")
        assert states(database, campaign) == ["waiting", "waiting"]
        fleet.work(database)
        assert states(database, campaign) == ["undone", "undone"]
        fleet.clock.advance(60)
        assert all(fleet.works(name) for name in fleet.tokens)
        assert dict(fleet.changes) == dict.fromkeys(fleet.names, 2)
        assert {report.state for report in whole(fleet, database, campaign)} == {"undone"}
    database.close()


def test_an_item_that_ends_its_workers_does_not_end_all_of_them(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 1) as fleet:
        campaign = fleet.start(database, fleet.items())
        with database.write() as conn:
            conn.execute(ITEMS.update().values(begun=AGAIN))
        fleet.work(database)
        assert states(database, campaign) == ["failed"]
        assert column(database, campaign, "exit_code") == [5]
        assert column(database, campaign, "why")[0].startswith(f"{AGAIN} times its worker died")
        assert not fleet.changes
        control.go_on(database, campaign, again=True)
        fleet.work(database)
        assert states(database, campaign) == ["done"]
        fleet.ended_once(fleet.names)
    database.close()
