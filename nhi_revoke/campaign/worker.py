"""A process that carries out campaigns: any number of them, on any machines that reach the database."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from nhi_revoke.campaign import conducting, ledger
from nhi_revoke.campaign.beat import ALIVE_WITHIN, EVERY, Beat, bury, dead
from nhi_revoke.campaign.carrying import carry_out, of_error
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.engines import KEPT, Engines, MakesEngine
from nhi_revoke.campaign.item import run_id
from nhi_revoke.campaign.locks import DatabaseLocks
from nhi_revoke.campaign.tables import WORKERS
from nhi_revoke.engine import journal
from nhi_revoke.engine.event import SaysEvent, Tell
from nhi_revoke.engine.lock import Locking
from nhi_revoke.model.error import NothingCanStart

if TYPE_CHECKING:
    from nhi_revoke.campaign.workflows import Workflows

T = TypeVar("T")

AT_ONCE = 8
LOOK = 1.0
POLL = 0.25
LONG = 20
"""Looks after which an item that still waits is looked for in the queue."""
GRACE = 60.0
"""Seconds that a stop waits for what is under way: a request's socket gives up after 20."""


class Worker:
    """One in a process (`workflows.py`). `run` may be called once."""

    def __init__(
        self,
        database: Database,
        engines: MakesEngine,
        tell: Tell,
        *,
        local: Locking,
        at_once: int = AT_ONCE,
        kept: int = KEPT,
        look: float = LOOK,
        poll: float = POLL,
        take_over: float = EVERY,
        beat_every: float = EVERY,
        alive_within: float = ALIVE_WITHIN,
    ) -> None:
        """`local`: this machine's locks, held besides the database's. `at_once`: items side by side, most of which
        wait. `kept`: engines that stay open while idle. Seconds: `look` between two looks at campaigns, `poll` at
        the queues, `take_over` at other workers; `beat_every` and `alive_within` as in `beat.py`.
        """
        self._database = database
        self._tell = tell
        self._at_once = at_once
        self._look = look
        self._poll = poll
        self._looks_between = max(1, round(take_over / look))
        self._beat = Beat(database, every=beat_every, alive_within=alive_within)
        self._alive_within = alive_within
        self._engines = Engines(engines, database, lambda: DatabaseLocks(database, self.id, local, alive_within), kept)
        self._lock = threading.Lock()
        self._busy = 0
        self._stopping = threading.Event()

    @property
    def id(self) -> str:
        """As it stands in the table of workers."""
        return self._beat.id

    def run(self, stop: threading.Event, until: Callable[[], bool]) -> None:
        """Until `stop` (within seconds: what is under way ends and is journaled, and is others' to go on with), or
        until `until` says so and nothing is under way here.

        Raises NothingCanStart where the database cannot be reached, or has not been for so long that others may have
        taken over.
        """
        from nhi_revoke.campaign.workflows import Workflows

        ledger.prepare()
        journal.prepare()
        try:
            with self._beat:
                flows = Workflows(
                    self._database.workflows,
                    self.id,
                    self._item,
                    lambda campaign, turn: self._conduct(flows, campaign, turn),
                    at_once=self._at_once,
                    every=self._poll,
                )
                with flows:
                    try:
                        self._go_on(flows, stop, until)
                    finally:
                        self._wind_up(flows)
        except SQLAlchemyError as wrong:
            kind = type(getattr(wrong, "orig", None) or wrong).__name__
            raise NothingCanStart("database", f"The campaigns' database does not answer ({kind}).") from None

    def _go_on(self, flows: Workflows, stop: threading.Event, until: Callable[[], bool]) -> None:
        for number in count():
            if stop.is_set():
                return
            if not self._beat.trusted:
                raise NothingCanStart(
                    "worker-lost",
                    "The campaigns' database could not be reached for so long that other workers may have taken over. "
                    "What was under way here is in its journals.",
                    "Start the worker again.",
                )
            try:
                if until():
                    flows.take_no_more()
                    if not self._busy:
                        return
                if number % self._looks_between == 0:
                    self._take_over(flows)
                for campaign, turn in conducting.waiting_campaigns(self._database):
                    flows.enqueue_campaign(campaign, turn)
            except SQLAlchemyError:
                pass  # out of reach: until it is back, or nobody trusts this worker any more
            stop.wait(self._look)

    def _wind_up(self, flows: Workflows) -> None:
        self._stopping.set()
        flows.take_no_more()
        self._engines.interrupt()
        end = time.monotonic() + GRACE
        while self._busy and time.monotonic() < end:
            time.sleep(0.01)
        with self._database.write() as conn:
            ledger.hand_back(conn, self.id)
        if not self._busy:
            self._engines.close()

    def _take_over(self, flows: Workflows) -> None:
        """From workers whose beat has stopped: they are known no longer, and what they held waits again."""
        with self._database.read() as conn:
            lost = (*dead(self._database, conn, self._alive_within), *self._gone_here(conn))
        for worker in dict.fromkeys(lost):
            with self._database.write() as conn:
                if worker not in (*dead(self._database, conn, self._alive_within), *self._gone_here(conn)):
                    continue
                bury(conn, worker)
                items = ledger.hand_back(conn, worker)
            self._tell(SaysEvent(f"worker {worker} is gone: {items} items of it are gone on with", "warning"))
        with self._database.read() as conn:
            alive = conn.execute(select(WORKERS.c.id)).scalars().all()
        flows.recover(alive)

    def _gone_here(self, conn: Connection) -> Sequence[str]:
        """Workers of a database in a folder of this machine whose process is no more: nobody need wait for a beat."""
        if self._database.engine.dialect.name != "sqlite":
            return ()
        here = select(WORKERS.c.id, WORKERS.c.pid).where(WORKERS.c.host == socket.gethostname())
        return [row.id for row in conn.execute(here) if not _runs(row.pid)]

    # -- workflows, on threads of their own ------------------------------------------------------------------------

    def _item(self, campaign: str, number: int, tries: int) -> None:
        """Raises nothing, and ends only when the database knows what came of it, or others will go on with it."""
        with self._counted():
            if self._stopping.is_set() or not self._beat.trusted:
                self._stored(lambda: ledger.pass_over(self._database, campaign, number, tries))
                return
            held = self._stored(lambda: ledger.claim(self._database, self.id, campaign, number, tries))
            if held is None:
                self._stored(lambda: ledger.pass_over(self._database, campaign, number, tries))
                return
            ended = self._carried_out(held)
            if ended is None:
                self._stored(lambda: ledger.put_back(self._database, self.id, held))
            elif why := self._stored(lambda: ledger.settle(self._database, self.id, held, ended)):
                self._tell(SaysEvent(f"campaign {campaign} is paused: {why}", "warning"))

    def _carried_out(self, held: ledger.Claimed) -> ledger.Ended | None:
        try:
            with self._engines.of(held.item.entry.config) as (engine, journals):
                try:
                    return carry_out(engine, journals, held)
                finally:
                    journals.forget(run_id(held.campaign, held.item.number))
        except Exception as wrong:  # noqa: BLE001 - an engine that cannot be made is this item's end alone
            return of_error(wrong, held)

    def _conduct(self, flows: Workflows, campaign: str, turn: int) -> None:
        """Raises nothing, and ends only when there is nothing to conduct, or others will."""
        if not self._stored(lambda: conducting.take_up(self._database, self.id, campaign, turn)):
            return
        try:
            self._wave_by_wave(flows, campaign, turn)
        finally:
            self._stored(lambda: conducting.lay_down(self._database, self.id, campaign, turn))

    def _wave_by_wave(self, flows: Workflows, campaign: str, turn: int) -> None:
        queued: dict[tuple[int, int], int] = {}
        while not self._stopping.is_set() and self._beat.trusted:
            due = self._stored(lambda: conducting.due(self._database, self.id, campaign, turn))
            if due is None:
                return
            self._stored(partial(flows.divide, len({each.tenant for each in due})))
            queued = {key: queued.get(key, 0) + 1 for key in ((each.number, each.tries) for each in due)}
            if fresh := [each for each in due if queued[each.number, each.tries] == 1]:
                self._stored(partial(flows.enqueue, fresh))
            if old := [each for each in due if queued[each.number, each.tries] % LONG == 0]:
                for each in self._stored(partial(flows.lost, old)) or ():
                    self._stored(partial(ledger.pass_over, self._database, campaign, each.number, each.tries))
            self._stopping.wait(self._look)

    def _stored(self, do: Callable[[], T]) -> T | None:
        """What the database says, however long it takes to answer. None where this worker stops before."""
        while True:
            try:
                return do()
            except SQLAlchemyError:
                if self._stopping.wait(self._look):
                    return None

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
