"""A worker by itself: it stops within what is under way, trusts no lapsed beat, says nothing and opens no port."""

from __future__ import annotations

import logging
import socket
import threading
from pathlib import Path
from typing import NoReturn

import pytest
from dbos import DBOS
from sqlalchemy import select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import LOCKS, WORKERS
from nhi_revoke.model.error import NothingCanStart
from tests.campaign.fleet import Fleet, column, states, told, whole


def test_ctrl_c_hands_back_what_is_under_way_and_another_worker_ends_it(database: Database, tmp_path: Path) -> None:
    with Fleet(tmp_path, 4, tenants=1) as fleet:
        campaign = fleet.start(database, fleet.items())
        stop = threading.Event()

        def press(number: int) -> None:
            if number == 3:
                stop.set()

        fleet.work(database, press, at_once=2, stop=stop)
        found = states(database, campaign)
        assert set(found) <= {"waiting", "done"}
        assert found[2:] == ["waiting", "waiting"]
        with database.read() as conn:
            assert not conn.execute(select(LOCKS)).all()
            assert not conn.execute(select(WORKERS)).all()
        fleet.work(database)
        assert states(database, campaign) == ["done"] * 4
        assert max(column(database, campaign, "begun")) == 2
        fleet.ended_once(fleet.names)
        assert len(whole(fleet, database, campaign)) == 4


def test_a_worker_that_others_may_take_for_dead_begins_nothing(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 1) as fleet:
        campaign = fleet.start(database, fleet.items())
        with pytest.raises(NothingCanStart) as lost:
            fleet.work(database, alive_within=0.0)
        assert lost.value.code == "worker-lost"
        assert states(database, campaign) == ["waiting"]
        assert not fleet.changes
        fleet.work(database)
        assert told(database, campaign) == ("over", "")
    database.close()


def test_the_workflow_engine_is_silent_and_calls_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the environment would have it report to the vendor's console."""
    for name, text in {"DBOS__CLOUD": "true", "DBOS__CONDUCTOR_KEY": "key", "DBOS_CONDUCTOR_URL": "ws://x"}.items():
        monkeypatch.setenv(name, text)
    database = Database.open(tmp_path / "state")
    called: list[object] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: object) -> None:
        called.append(address)
        connect(self, address)  # type: ignore[arg-type]  # as it came

    def listens(self: socket.socket, *_: object) -> NoReturn:
        raise AssertionError("a port was opened")

    with Fleet(tmp_path, 1) as fleet:
        fleet.start(database, fleet.items())
        monkeypatch.setattr(socket.socket, "connect", noted)
        monkeypatch.setattr(socket.socket, "listen", listens)
        fleet.work(database)
        sandbox = ("127.0.0.1", int(fleet.sandbox.settings()["url"].rpartition(":")[2]))
        assert set(called) == {sandbox}
        fleet.ended_once(fleet.names)
    assert capfd.readouterr() == ("", "")
    log = logging.getLogger("dbos")
    assert "__dbos_console_log_handler__" not in {handler.name for handler in log.handlers}
    assert not log.propagate
    database.close()


@pytest.mark.parametrize("broken", ["migrate", "launch"])
def test_a_workflow_engine_that_does_not_start_is_told_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("postgresql://me:hunter22@db")

    database = Database.open(tmp_path / "state")
    with Fleet(tmp_path, 0) as fleet:
        with monkeypatch.context() as patch:
            patch.setattr(DBOS, broken, fails)
            with pytest.raises(NothingCanStart) as wrong:
                fleet.work(database)
        assert wrong.value.code == "workflows"
        assert "hunter22" not in wrong.value.message + wrong.value.hint
        assert wrong.value.__suppress_context__
        fleet.work(database)  # nothing of it is left behind
        with database.read() as conn:
            assert not conn.execute(select(WORKERS)).all()
    database.close()
