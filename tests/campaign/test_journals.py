"""Journals and locks in a database: durable, in order, one writer, and a dead worker's are taken over."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from nhi_revoke import __version__
from nhi_revoke.campaign import ledger
from nhi_revoke.campaign.beat import Beat, bury, dead
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Entry, Item, run_id
from nhi_revoke.campaign.journals import DatabaseJournals
from nhi_revoke.campaign.locks import DatabaseLocks
from nhi_revoke.campaign.tables import LOCKS, WORKERS
from nhi_revoke.engine.lock import Locks
from nhi_revoke.model.error import Refused
from tests.campaign.doubles import NAMED, insert_campaign, insert_item, set_campaign


def test_lines_read_back_in_order_from_another_process_view(database: Database) -> None:
    mine = DatabaseJournals(database)
    assert mine.read("r-1") == b""
    for number in range(12):
        mine.append("r-1", b"%d\n" % number)
    mine.append("r-0", b"other\n")
    theirs = DatabaseJournals(database)
    assert theirs.read("r-1") == b"".join(b"%d\n" % n for n in range(12))
    assert theirs.runs() == ("r-0", "r-1")
    with pytest.raises(ValueError, match="newline"):
        mine.append("r-1", b"no end")


def test_of_two_that_hold_one_run_only_one_goes_on(database: Database) -> None:
    slept, woke = DatabaseJournals(database), DatabaseJournals(database)
    slept.append("c-7", b"a\n")
    assert woke.read("c-7") == b"a\n"
    woke.append("c-7", b"b\n")
    with pytest.raises(Refused) as refused:
        slept.append("c-7", b"mine\n")
    assert refused.value.code == "journal-moved"
    assert DatabaseJournals(database).read("c-7") == b"a\nb\n"
    unread = DatabaseJournals(database)  # without having read it: after all that is there
    unread.append("c-7", b"c\n")
    assert woke.read("c-7") == b"a\nb\nc\n"


def test_a_lock_names_its_holder_and_is_free_afterwards(database: Database, tmp_path: Path) -> None:
    with Beat(database, "one"), Beat(database, "two"):
        one = DatabaseLocks(database, "one", Locks(tmp_path / "one"))
        two = DatabaseLocks(database, "two", Locks(tmp_path / "two"))
        with one.take(["x:a/1", "x:a/2"], "run-1", "apply"):
            with pytest.raises(Refused, match=r"run-1.*worker one") as refused, two.take(["x:a/2"], "run-2", "apply"):
                pass
            assert refused.value.code == "locked"
            with two.take(["x:a/3"], "run-3", "apply"):
                pass
        with two.take(["x:a/2", "x:a/1"], "run-2", "apply"), database.read() as conn:
            held = conn.execute(select(LOCKS.c.ref, LOCKS.c.worker).order_by(LOCKS.c.ref)).all()
            assert [tuple(row) for row in held] == [("x:a/1", "two"), ("x:a/2", "two")]


def test_a_lock_that_a_lost_database_left_over_binds_others_and_not_its_worker(
    database: Database, tmp_path: Path
) -> None:
    with Beat(database, "one"), Beat(database, "two"):
        one = DatabaseLocks(database, "one", Locks(tmp_path / "one"))
        two = DatabaseLocks(database, "two", Locks(tmp_path / "two"))
        with one.take(["x:a/1"], "run-1", "apply"), database.write() as conn:
            conn.exec_driver_sql("ALTER TABLE nhi_locks RENAME TO elsewhere")
        with database.write() as conn:
            conn.exec_driver_sql("ALTER TABLE elsewhere RENAME TO nhi_locks")
            assert conn.execute(select(LOCKS.c.worker)).scalars().all() == ["one"]
        with pytest.raises(Refused, match=r"run-1.*worker one"), two.take(["x:a/1"], "run-2", "apply"):
            pass
        with one.take(["x:a/1"], "run-1", "apply"), database.read() as conn:
            assert conn.execute(select(LOCKS.c.run)).scalars().all() == ["run-1"]
        with database.read() as conn:
            assert not conn.execute(select(LOCKS)).all()


@pytest.mark.parametrize("how", ["put back", "settled"])
def test_whoever_lets_an_item_go_lets_go_of_its_locks(database: Database, how: str) -> None:
    insert_campaign(database, NAMED)
    set_campaign(database, NAMED, version=__version__)
    for number in (0, 1):
        insert_item(database, number, item=Item(number, Entry(f"bot-{number}")), state="waiting")
    held = ledger.claim(database, "one", NAMED, 0, 0)
    assert held is not None
    with database.write() as conn:
        row = {"why": "apply", "worker": "one", "host": "h", "pid": 1, "since": 0.0}
        mine = [{"ref": f"x:a/{n}", "run": run_id(NAMED, n), **row} for n in (0, 1)]
        conn.execute(LOCKS.insert(), mine)
    if how == "put back":
        ledger.put_back(database, "one", held)
    else:
        ledger.settle(database, "one", held, ledger.Ended("done", 0))
    with database.read() as conn:
        assert conn.execute(select(LOCKS.c.ref)).scalars().all() == ["x:a/1"]


def test_locks_of_this_machine_hold_besides(database: Database, tmp_path: Path) -> None:
    local = Locks(tmp_path / "locks")
    with (
        Beat(database, "one"),
        local.take(["x:a/1"], "by-hand", "revoke"),
        pytest.raises(Refused, match="by-hand"),
        DatabaseLocks(database, "one", Locks(tmp_path / "locks")).take(["x:a/1"], "run-1", "apply"),
    ):
        pass


def test_a_dead_workers_lock_is_taken_over_and_it_stays_dead(database: Database, tmp_path: Path) -> None:
    now = [100.0]
    sleeper = Beat(database, "sleeper", every=3600, elapsed=lambda: now[0])
    with Beat(database, "two"), sleeper:
        lost = DatabaseLocks(database, "sleeper", Locks(tmp_path / "one"))
        with lost.take(["x:a/1"], "run-1", "apply"):
            with database.write() as conn:
                conn.execute(WORKERS.update().where(WORKERS.c.id == "sleeper").values(beat=database.now(conn) - 60))
                assert dead(database, conn) == ("sleeper",)
            theirs = DatabaseLocks(database, "two", Locks(tmp_path / "two"))
            with theirs.take(["x:a/1"], "run-1", "apply"), database.read() as conn:
                assert conn.execute(select(LOCKS.c.worker)).scalars().all() == ["two"]
            assert sleeper.trusted
            with database.write() as conn:
                bury(conn, "sleeper")
            now[0] += 40
            sleeper.once()
            assert not sleeper.trusted
