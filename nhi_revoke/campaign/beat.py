"""Who is at work: a row for each worker, renewed every few seconds by the database's clock."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from nhi_revoke import __version__
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import WORKERS

ALIVE_WITHIN = 45.0
"""Seconds without a beat after which a worker counts as dead, and its runs are taken over. Longer than any request of
it may still be under way (every socket's timeout is 20 s)."""
EVERY = 5.0


class Beat:
    """This process as a worker. Used as a context manager: it is known on entering, and gone after leaving."""

    def __init__(
        self,
        database: Database,
        worker: str = "",
        *,
        every: float = EVERY,
        alive_within: float = ALIVE_WITHIN,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = worker or f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
        self.alive_within = alive_within
        self._database = database
        self._every = every
        self._elapsed = elapsed
        self._last = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="beat", daemon=True)

    def __enter__(self) -> Beat:
        with self._database.write() as conn:
            now = self._database.now(conn)
            conn.execute(
                WORKERS.insert().values(
                    id=self.id,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    version=__version__,
                    started=now,
                    beat=now,
                )
            )
        self._last = self._elapsed()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        with self._database.write() as conn:
            conn.execute(WORKERS.delete().where(WORKERS.c.id == self.id))

    @property
    def trusted(self) -> bool:
        """Whether others still take this worker for alive. False: begin nothing more, others may have taken over."""
        return self._elapsed() - self._last < self.alive_within / 2

    def once(self) -> None:
        """One beat. Where somebody counted this worker as dead already, it stays dead: `trusted` runs out."""
        began = self._elapsed()
        with self._database.write() as conn:
            mine = WORKERS.update().where(WORKERS.c.id == self.id).values(beat=self._database.now(conn))
            if conn.execute(mine).rowcount:
                self._last = began

    def _go_on(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.once()
            except SQLAlchemyError:
                continue  # the next one may reach it; until then `trusted` runs out


def dead(database: Database, conn: Connection, alive_within: float = ALIVE_WITHIN) -> tuple[str, ...]:
    """Workers whose beat has stopped, by the database's clock. Inside the caller's transaction."""
    oldest = database.now(conn) - alive_within
    return tuple(conn.execute(select(WORKERS.c.id).where(WORKERS.c.beat < oldest)).scalars())


def bury(conn: Connection, worker: str) -> None:
    """It is known no longer: should it only have slept, it does not count as alive again. In one transaction with
    whatever takes over from it.
    """
    conn.execute(WORKERS.delete().where(WORKERS.c.id == worker))
