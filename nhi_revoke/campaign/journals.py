"""Journals in the database, so that any worker can go on with any run."""

from __future__ import annotations

import threading

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import JOURNALS
from nhi_revoke.model.error import Refused


class DatabaseJournals:
    """One row for each line; safe on threads. The number of a line is the fence: of two workers that both believe they
    hold a run, the one that read it last goes on, and the other's next line is refused before it does anything.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._next: dict[str, int] = {}
        """Number of the next line of each run, as this process read or wrote it."""

    def append(self, run: str, line: bytes) -> None:
        """Committed when it returns. Raises Refused where somebody else wrote the next line, and OSError where the
        database does not take it: nothing is added then, as far as anybody can tell.
        """
        if not line.endswith(b"\n"):
            raise ValueError("a journal line ends with a newline")
        with self._lock:
            number = self._next.get(run)
        try:
            with self._database.write() as conn:
                if number is None:
                    highest = select(func.max(JOURNALS.c.number)).where(JOURNALS.c.run == run)
                    last = conn.execute(highest).scalar()
                    number = 0 if last is None else last + 1
                conn.execute(JOURNALS.insert().values(run=run, number=number, line=line))
        except IntegrityError:
            raise Refused(
                "journal-moved",
                f"Another worker has gone on with run {run}. Nothing more is started here: what is not journaled "
                "cannot be undone.",
                f"nhi-revoke campaign status {run.rpartition('-')[0] or run}  shows who holds it.",
            ) from None
        except SQLAlchemyError as wrong:
            raise OSError(f"the campaigns' database does not take it ({_kind(wrong)})") from None
        with self._lock:
            self._next[run] = number + 1

    def read(self, run: str) -> bytes:
        """All lines in order; empty for an unknown run. Raises OSError where the database does not answer."""
        wanted = select(JOURNALS.c.line).where(JOURNALS.c.run == run).order_by(JOURNALS.c.number)
        try:
            with self._database.read() as conn:
                lines = [bytes(line) for line in conn.execute(wanted).scalars()]
        except SQLAlchemyError as wrong:
            raise OSError(f"the campaigns' database cannot be read ({_kind(wrong)})") from None
        with self._lock:
            self._next[run] = len(lines)
        return b"".join(lines)

    def runs(self) -> tuple[str, ...]:
        """Ids of all runs, sorted."""
        with self._database.read() as conn:
            return tuple(conn.execute(select(JOURNALS.c.run).distinct().order_by(JOURNALS.c.run)).scalars())

    def forget(self, run: str) -> None:
        """This process has done with it for now; what was read of it is read anew."""
        with self._lock:
            self._next.pop(run, None)

    def close(self) -> None:
        """The database is closed by whoever opened it."""
        with self._lock:
            self._next.clear()


def _kind(wrong: SQLAlchemyError) -> str:
    return type(getattr(wrong, "orig", None) or wrong).__name__
