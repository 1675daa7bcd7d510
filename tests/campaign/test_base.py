"""The campaigns' database opens where it should, and only there."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from nhi_revoke.campaign.database import FILE, WORKFLOWS_FILE, Database
from nhi_revoke.campaign.item import Course, waves
from nhi_revoke.campaign.tables import WORKERS
from nhi_revoke.model.error import Usage


def test_sqlite_is_private_durable_and_tells_the_time(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state")
    row = {"id": "w", "host": "h", "pid": 1, "version": "0", "started": 1.0, "beat": 1.0}
    with database.write() as conn:
        conn.execute(WORKERS.insert().values(row))
        now = database.now(conn)
    with pytest.raises(ZeroDivisionError):
        _delete_and_fail(database)
    database.close()
    again = Database.open(tmp_path / "state")
    with again.read() as conn:
        assert [dict(r._mapping) for r in conn.execute(select(WORKERS))] == [row]
        assert again.now(conn) >= now
    again.close()
    for name in (FILE, WORKFLOWS_FILE):
        assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600


def _delete_and_fail(database: Database) -> None:
    with database.write() as conn:
        conn.execute(WORKERS.delete())
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://me:hunter22@db/x", "password-in-argv"),
        ("mysql://me@db/x", "bad-database"),
        ("nonsense", "bad-database"),
    ],
)
def test_other_databases_and_passwords_in_the_url_are_refused(tmp_path: Path, url: str, code: str) -> None:
    with pytest.raises(Usage) as refused:
        Database.open(tmp_path, url)
    assert refused.value.code == code
    assert "hunter22" not in refused.value.message + refused.value.hint
    assert not list(tmp_path.iterdir())


def test_waves_begin_with_the_canaries() -> None:
    assert waves(7, Course(canary=2, wave=3)) == [0, 0, 1, 1, 1, 2, 2]
    assert waves(3, Course(canary=5)) == [0, 0, 0]
    assert waves(4, Course(canary=0, wave=0)) == [0, 0, 0, 0]
    assert waves(0, Course()) == []


def test_both_databases_keep_what_was_written(database: Database) -> None:
    row = {"id": "w", "host": "h", "pid": 1, "version": "0", "started": 1.0, "beat": 1.0}
    with database.write() as conn:
        conn.execute(WORKERS.insert().values(row))
    with pytest.raises(ZeroDivisionError):
        _delete_and_fail(database)
    with database.read() as conn:
        assert [dict(r._mapping) for r in conn.execute(select(WORKERS))] == [row]
        assert database.now(conn) > 1_700_000_000
