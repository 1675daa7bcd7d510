"""One run at a time on a principal, over all workers of a database."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from nhi_revoke.campaign.beat import ALIVE_WITHIN
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import LOCKS, WORKERS
from nhi_revoke.engine.lock import Locking
from nhi_revoke.model.error import Refused


class DatabaseLocks:
    """Held by a worker (`Beat`): those of a dead one are taken over. `local`: locks of this machine, held besides, for
    whoever works here without the database.
    """

    def __init__(self, database: Database, worker: str, local: Locking, alive_within: float = ALIVE_WITHIN) -> None:
        self._database = database
        self._worker = worker
        self._local = local
        self._alive_within = alive_within

    def take(self, refs: Iterable[str], run: str, why: str) -> AbstractContextManager[None]:
        """Hold all of these principals for the run, or none of them. Never waits.

        Entering raises Refused (`locked`) that names the run and the holder.
        """
        return self._held(sorted(set(refs)), run, why)

    @contextmanager
    def _held(self, refs: list[str], run: str, why: str) -> Iterator[None]:
        with self._local.take(refs, run, why):
            try:
                with self._database.write() as conn:
                    self._insert(conn, refs, run, why)
            except IntegrityError:
                raise Refused(
                    "locked",
                    f"Another worker has just begun on a principal of run {run}. Two runs would undo each other's "
                    "cuts. Nothing was changed.",
                    "Wait for it.",
                ) from None
            try:
                yield
            finally:
                # What came of the run counts: the ledger lets go again, with its end.
                with suppress(SQLAlchemyError), self._database.write() as conn:
                    let_go(conn, run, self._worker)

    def _insert(self, conn: Connection, refs: list[str], run: str, why: str) -> None:
        now = self._database.now(conn)
        for start in range(0, len(refs), 500):
            part = refs[start : start + 500]
            holders = select(LOCKS, WORKERS.c.beat).outerjoin(WORKERS, WORKERS.c.id == LOCKS.c.worker)
            for holder in conn.execute(holders.where(LOCKS.c.ref.in_(part))).all():
                alive = holder.beat is not None and holder.beat >= now - self._alive_within
                if alive and holder.worker != self._worker:  # its own: left over, since the local lock is held
                    raise _refusal(holder)
                conn.execute(delete(LOCKS).where(LOCKS.c.ref == holder.ref, LOCKS.c.worker == holder.worker))
        mine = {"run": run, "why": why, "worker": self._worker, "host": socket.gethostname(), "pid": os.getpid()}
        conn.execute(LOCKS.insert(), [{"ref": ref, "since": now, **mine} for ref in refs])


def let_go(conn: Connection, run: str, worker: str) -> None:
    """All that this worker holds for the run."""
    conn.execute(delete(LOCKS).where(LOCKS.c.run == run, LOCKS.c.worker == worker))


def _refusal(holder: Row[tuple[object, ...]]) -> Refused:
    since = datetime.fromtimestamp(holder.since, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Refused(
        "locked",
        f"Run {holder.run} ({holder.why}; worker {holder.worker}, process {holder.pid} on {holder.host}, "
        f"since {since}) is at work on {holder.ref}. Two runs would undo each other's cuts. Nothing was changed.",
        "Wait for it, or stop that worker: its runs are taken over.",
    )
