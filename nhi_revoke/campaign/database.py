"""The campaigns' database: SQLite in the state folder, or PostgreSQL where several machines work on one campaign."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from nhi_revoke.campaign.tables import METADATA
from nhi_revoke.engine.store import open_private, private_folder
from nhi_revoke.model.error import NothingCanStart, Usage

FILE = "campaigns.sqlite"
WORKFLOWS_FILE = "workflows.sqlite"
BUSY = 60.0
"""Seconds that a writer waits for another one on SQLite."""
_NOW = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
}


class Database:
    """Safe on threads and over processes. `open` makes the tables where they are missing."""

    def __init__(self, engine: Engine, workflows: str) -> None:
        self.engine = engine
        self.workflows = workflows
        """URL of the system database of the workflow engine; on PostgreSQL the same, in a schema of its own."""

    @classmethod
    def open(cls, state: Path, url: str = "") -> Database:
        """`url`: `postgresql://…` without a password (PGPASSWORD, ~/.pgpass, a service file); empty: SQLite in `state`.

        Raises Usage for another URL or one with a password, NothingCanStart where it cannot be reached.
        """
        made = _postgresql(url) if url else _sqlite(state)
        try:
            METADATA.create_all(made.engine)
        except SQLAlchemyError as wrong:
            made.close()
            raise NothingCanStart(
                "database",
                f"The campaigns' database cannot be used ({_told(wrong)}). Nothing was changed.",
                "Does it run, and does it let this user in? psql with the same URL tells.",
            ) from None
        return made

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; durable when it ends. On SQLite one at a time."""
        with self.engine.connect() as conn:
            if self.engine.dialect.name == "sqlite":
                conn.exec_driver_sql("BEGIN IMMEDIATE")
            with conn.begin() if self.engine.dialect.name != "sqlite" else _ended(conn):
                yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as conn:
            yield conn

    def now(self, conn: Connection) -> float:
        """Seconds since 1970 by the database's clock: machines' own may differ."""
        return float(conn.execute(text(_NOW[self.engine.dialect.name])).scalar_one())


@contextmanager
def _ended(conn: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        conn.exec_driver_sql("ROLLBACK")
        raise
    conn.exec_driver_sql("COMMIT")


def _sqlite(state: Path) -> Database:
    private_folder(state, create=True)
    for name in (FILE, WORKFLOWS_FILE):
        descriptor, _ = open_private(state / name)
        os.close(descriptor)
    engine = create_engine(
        URL.create("sqlite", database=str(state / FILE)),
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": BUSY},
    )

    @event.listens_for(engine, "connect")
    def settings(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # the driver's own connection
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # a journal line is durable when `append` returns
        cursor.close()

    return Database(engine, f"sqlite:///{state / WORKFLOWS_FILE}")


def _postgresql(url: str) -> Database:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Usage("bad-database", "the database is no URL. Nothing was done.", _FORM) from None
    if parsed.get_backend_name() != "postgresql":
        raise Usage(
            "bad-database", f"{parsed.get_backend_name()} is no database for campaigns. Nothing was done.", _FORM
        )
    if parsed.password:
        raise Usage(
            "password-in-argv",
            "the database URL holds a password, which every process list and shell history shows. Nothing was done.",
            "Put it into PGPASSWORD or ~/.pgpass, and leave it out of the URL.",
        )
    driven = parsed.set(drivername="postgresql+psycopg")
    return Database(create_engine(driven, pool_pre_ping=True), driven.render_as_string(hide_password=False))


_FORM = "--database postgresql://USER@HOST/NAME, or leave it out for SQLite on this machine."


def _told(wrong: SQLAlchemyError) -> str:
    """The kind of error, without the URL or a statement."""
    return type(getattr(wrong, "orig", None) or wrong).__name__
