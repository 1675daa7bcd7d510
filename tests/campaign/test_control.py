"""Campaigns by rows alone: stored whole or not at all, found by what one types, refused where nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from nhi_revoke.campaign import control
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.engines import Engines
from nhi_revoke.campaign.item import CAMPAIGN_ID, Course, Entry, Header, Item
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS
from nhi_revoke.engine.lock import Locking
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.engine.store import Journals
from nhi_revoke.model.error import Ambiguous, NotFound, Refused, Stopped
from nhi_revoke.model.intent import Intent
from tests.campaign.fleet import NOON


def start(database: Database, count: int, suffix: str = "00000a", told: int | None = None) -> str:
    """Items without a plan: nobody begins them."""
    items = (Item(number, Entry(f"bot-{number}"), None, "not found") for number in range(count))
    header = Header(NOON, Intent(), ("x:user/me",), "-", count if told is None else told, "0" * 64)
    return control.start(database, header, items, Course(), Consent("apply"), suffix=lambda: suffix)


def test_a_campaign_is_stored_whole_or_not_at_all(database: Database) -> None:
    campaign = start(database, 450)
    assert CAMPAIGN_ID.fullmatch(campaign)
    with pytest.raises(Refused, match="holds 3 items and says 4"):
        start(database, 3, "00000b", told=4)
    with database.read() as conn:
        assert conn.execute(select(CAMPAIGNS.c.id)).scalars().all() == [campaign]
        counted = select(ITEMS.c.state, func.count()).group_by(ITEMS.c.state)
        assert [tuple(row) for row in conn.execute(counted)] == [("refused", 450)]


def test_a_campaign_is_found_by_what_one_types(database: Database) -> None:
    with pytest.raises(NotFound):
        control.find(database, "@last")
    first, second = start(database, 1, "00000a"), start(database, 1, "00000b")
    assert control.find(database, "@last") == second
    assert control.find(database, first) == first
    with pytest.raises(NotFound) as missed:
        control.find(database, first[:-1] + "x")
    assert missed.value.hint.startswith("Did you mean c2")
    with pytest.raises(Ambiguous):
        control.find(database, "c2")
    with pytest.raises(NotFound):
        control.find(database, "")


def test_pause_is_kept_and_nothing_goes_on_where_nothing_is_left(database: Database) -> None:
    campaign = start(database, 1)
    control.pause(database, campaign, "first")
    control.pause(database, campaign, "second")
    with database.read() as conn:
        assert conn.execute(select(CAMPAIGNS.c.state, CAMPAIGNS.c.why)).one() == ("paused", "first")
    with pytest.raises(Refused, match="left to do"):
        control.go_on(database, campaign)
    with pytest.raises(Refused, match="Nothing of campaign"):
        control.take_back(database, campaign, None, ())
    for act in (control.go_on, lambda d, c: control.pause(d, c, "")):
        with pytest.raises(NotFound):
            act(database, "c1")


def test_only_what_runs_workflows_loads_their_engine() -> None:
    """It takes half a second, and `campaign status` has no use for it."""
    loaders = {"workflows.py": "dbos", "worker.py": ""}
    for path in Path(control.__file__).parent.glob("*.py"):
        lines = [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        named = [line for line in lines if "dbos" in line or "campaign.workflows" in line or "campaign.worker" in line]
        assert bool(named) == bool(loaders.get(path.name)), path


class FakeEngine:
    """Remembers what was done to it."""

    def __init__(self, name: str, did: list[str]) -> None:
        self._name, self._did = name, did

    def close(self) -> None:
        self._did.append(f"close {self._name}")

    def interrupt(self) -> None:
        self._did.append(f"interrupt {self._name}")


def test_engines_are_shared_and_the_longest_unused_are_closed(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    did: list[str] = []

    def make(config: str, *, journals: Journals, locks: Locking) -> Engine:
        did.append(f"make {config}")
        return cast("Engine", FakeEngine(config, did))

    engines = Engines(make, database, lambda: cast("Any", None), kept=2)
    with engines.of("a") as (one, _), engines.of("a") as (other, _), engines.of("b"), engines.of("c"):
        assert one is other
        assert did == ["make a", "make b", "make c"]  # all in use: none is closed
    assert did[3:] == ["close c"] or did[3:] == ["close a"]
    with engines.of("b"):
        assert did.count("make b") == 1
        engines.interrupt()
    with pytest.raises(Stopped), engines.of("d"):
        pass
    engines.close()
    made = {line.removeprefix("make ") for line in did if line.startswith("make ")}
    assert {line.removeprefix("close ") for line in did if line.startswith("close ")} == made
    database.close()
