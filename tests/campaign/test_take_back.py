"""A campaign taken back, by the wave or whole: the same doors as before, and what is kept says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from nhi_revoke.campaign import control
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import ITEMS
from nhi_revoke.model.error import Refused
from tests.campaign.fleet import Fleet, column, states, told, whole


def test_a_wave_and_then_all_are_taken_back_and_a_rearming_one_is_kept(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 5) as fleet:
        campaign = fleet.start(database, fleet.items(), canary=1, wave=2)
        fleet.work(database)
        assert states(database, campaign) == ["done"] * 5

        control.take_back(database, campaign, 1, ())
        fleet.work(database)
        assert told(database, campaign) == ("over", "")
        assert states(database, campaign) == ["done", "kept", "kept", "done", "done"]
        kept = column(database, campaign, "why")[1]
        assert column(database, campaign, "outage") == [1] * 5
        assert "safe after 2026-11-23T1" in kept
        assert "makes a leaked credential work again" in kept

        tokens = [f"example:token/{token.id}" for token in fleet.tokens.values()]
        fleet.clock.advance(7200)
        control.take_back(database, campaign, 1, tokens)
        fleet.work(database)
        assert states(database, campaign) == ["done", "undone", "undone", "done", "done"]
        fleet.clock.advance(60)
        assert [n for n in fleet.names if fleet.works(n)] == ["bot-001", "bot-002"]

        control.take_back(database, campaign, None, tokens)
        order: list[str] = []
        change = fleet.cloud.set_token

        def noted(name: str, *rest: object) -> str:
            order.append(name)
            return change(name, *rest)  # type: ignore[arg-type]  # as it came

        fleet.cloud.set_token = noted  # type: ignore[method-assign, assignment]  # what is changed is seen where it is
        fleet.work(database, at_once=1)
        assert told(database, campaign) == ("over", "")
        assert states(database, campaign) == ["undone"] * 5
        assert [name.lower() for name in order][-1] == "bot-000"
        assert sorted(order) == ["bot-000", "bot-003", "bot-004"]
        assert column(database, campaign, "outage") == [0] * 5
        fleet.clock.advance(60)
        assert all(fleet.works(name) for name in fleet.tokens)
        assert {fleet.cloud.cutoff(name)["cutoff"] for name in fleet.names} == {""}
        assert dict(fleet.changes) == dict.fromkeys(fleet.names, 2)
        assert {report.state for report in whole(fleet, database, campaign)} == {"undone"}
        with pytest.raises(Refused, match="Nothing of wave 1"):
            control.take_back(database, campaign, 1, ())
    database.close()


def test_what_was_interrupted_in_the_middle_is_not_called_never_begun(tmp_path: Path) -> None:
    """Its cuts hold: who reads "never begun" looks for no outage there."""
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 3, tenants=1) as fleet:
        campaign = fleet.start(database, fleet.items(), max_outage=1)
        fleet.work(database, at_once=1)
        assert states(database, campaign) == ["done", "waiting", "waiting"]
        with database.write() as conn:  # as a worker leaves it that held the item and was stopped (`put_back`)
            conn.execute(ITEMS.update().where(ITEMS.c.number == 1).values(begun=1))
        fleet.clock.advance(7200)
        control.take_back(database, campaign, None, [f"example:token/{fleet.tokens['bot-000'].id}"])
        fleet.work(database)
        assert told(database, campaign) == (
            "paused",
            "taken back as wanted; 1 items did not come to their end: what was done to them is not taken back; "
            "1 items were never begun",
        )
        assert states(database, campaign) == ["undone", "waiting", "waiting"]
    database.close()


def test_what_was_never_begun_waits_after_an_undo(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 3, tenants=1) as fleet:
        campaign = fleet.start(database, fleet.items(), max_outage=1)
        with pytest.raises(Refused, match="under way"):
            control.take_back(database, campaign, None, ())
        fleet.work(database, at_once=1)
        assert states(database, campaign) == ["done", "waiting", "waiting"]
        fleet.clock.advance(7200)
        control.take_back(database, campaign, None, [f"example:token/{fleet.tokens['bot-000'].id}"])
        fleet.work(database)
        assert told(database, campaign) == ("paused", "taken back as wanted; 2 items were never begun")
        assert states(database, campaign) == ["undone", "waiting", "waiting"]
        control.go_on(database, campaign)
        fleet.work(database, at_once=1)
        assert dict(fleet.changes) == {"bot-000": 2, "bot-001": 1}
    database.close()
