"""Every worker's share of what tenants may be asked, leased from the database.

One thread of a worker at a time asks the database, for all that wait then: so a worker has one transaction under way,
whatever the number of tenants and threads. Nothing is asked where no limit is known, and nothing while nobody waits.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlalchemy.exc import SQLAlchemyError

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Tenant
from nhi_revoke.campaign.limits import AHEAD, Ask, Given, Key, Limits, Row
from nhi_revoke.campaign.rates import Rates
from nhi_revoke.campaign.slots import GENTLY_FOR, SharedClock, lane
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.sharing import Wish
from nhi_revoke.provider.fault import Unavailable
from nhi_revoke.provider.pace import NEAR

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nhi_revoke.provider.retry import Window

Wait = Callable[[float, threading.Event], None]
"""Returns after so many seconds, or as soon as the event is set."""

PLENTY = 1000
"""While a vendor's window has so many more left than are spared, nobody counts: its answers do. All workers together
never have so many under way."""
LOOK = 1.0
"""Seconds after which a worker looks for tenants that another one found blocked."""
A_TURN = 0.05
"""Seconds between two looks at whether the thread that asks the database has an answer, or Ctrl-C was pressed."""
PATIENCE = 60.0
"""Seconds that a database which is gone is waited for; a worker that reaches it no longer stops before."""
LONGEST = 5.0
"""Seconds of one wait, after which the limit is looked at again: it may have been raised."""


def _wait(seconds: float, stop: threading.Event) -> None:
    stop.wait(max(0.0, seconds))


class _Ticket:
    """Somebody who waits. `not_before`: by this process's clock, when asking may help again."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.not_before = 0.0
        self.given: tuple[float, float] | None = None
        """From when until when these requests may go; the second is infinite where no slot expires."""
        self.done = threading.Event()


class DatabaseShare:
    """One for each worker process, over all its runs (an `engine.sharing.Share`). Thread-safe."""

    def __init__(
        self,
        database: Database,
        rates: Rates | None = None,
        *,
        now: Callable[[Connection], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Wait = _wait,
    ) -> None:
        """`now`, `monotonic`, `wait` are for tests: the database's clock, this process's, and waiting on it."""
        self._rates = rates or Rates()
        self._limits = Limits(database, self._rates.share, now, monotonic)
        self._monotonic, self._wait = monotonic, wait
        self._clock = SharedClock()
        self._lock = threading.Lock()
        self._number = itertools.count()
        self._waiting: list[tuple[bool, int, _Ticket]] = []
        """Those that change something first, then in the order of asking."""
        self._asking = False
        self._until: dict[Key, float] = {}
        """By limit: when, here, this worker's own slots end."""
        self._rows: dict[Key, Row] = {}
        """As they were last seen."""
        self._blocked: dict[Key, float] = {}
        self._looked = float("-inf")
        self._under_way: dict[Key, int] = {}
        self._waited: dict[Key, float] = {}
        self._scopes: dict[tuple[str, str], str] = {}
        """By provider and name of the settings: the tenant that they lead to."""
        self._named: dict[Key, Key] = {}
        """As plans name a tenant: as it is counted for, where that is another name."""
        self.expired = 0
        """How many slots passed before they could be used."""

    def use(self, rates: Rates) -> None:
        """From now on, of what is asked from now on: what campaigns say may change while a worker runs."""
        self._rates = rates
        self._limits.share = rates.share

    # -- engine.sharing.Share --------------------------------------------------------------------------------------

    def take(self, wish: Wish, stop: threading.Event) -> str:
        """The scope that they are counted for. Raises Interrupted."""
        scope = self._scope(wish)
        tenant = Tenant(wish.provider, scope or wish.settings)
        rate = self._rates.of((tenant, Tenant(wish.provider, wish.named)), wish.rate)
        keys = tuple(dict.fromkeys((_key(tenant), _key(tenant, wish.bucket))))
        limit = lane(rate, self._rates.share) if rate else None
        self._pass(Ask(keys, wish.count, wish.reads, limit, wish.owed), stop)
        with self._lock:
            self._under_way[keys[-1]] = self._under_way.get(keys[-1], 0) + wish.count
        if scope:
            self._name(_key(Tenant(wish.provider, wish.named or wish.settings)), keys[0])
        return scope

    def pace(self, wish: Wish, stop: threading.Event) -> None:
        """Raises Interrupted."""
        assert wish.rate is not None, "whoever paces itself says how fast"
        tenant = Tenant(wish.provider, self._scope(wish) or wish.settings)
        self._pass(Ask((_key(tenant, f"={wish.bucket}"),), wish.count, wish.reads, lane(wish.rate)), stop)

    def answered(self, wish: Wish, told: Window | None, seconds: float) -> None:
        """What the answer says goes into the database where it says less than is known there."""
        key = _key(Tenant(wish.provider, self._scope(wish) or wish.settings), wish.bucket)
        with self._lock:
            under_way = self._under_way[key] = max(0, self._under_way.get(key, 0) - wish.count)
            row = self._rows.get(key)
            ends = self._monotonic() + seconds
            if told is None:
                return
            left = max(0, told.remaining - under_way)
            news = row is None or row.told is None or not row.told_known or ends > self._ends(row) + NEAR
            if not news and row is not None and self._plenty(told.limit, left):
                self._rows[key] = replace(row, told_left=min(row.told_left, left))
                return
        if news or row is None or left < row.told_left:
            with suppress(SQLAlchemyError):  # the vendor answered, and the next answer tells as well
                self._learn(self._limits.tell(key, told.limit, left, seconds))

    def refused(self, wish: Wish, seconds: float | None) -> None:
        """The tenant is blocked for all workers, or what it counts by that bucket."""
        key = _key(Tenant(wish.provider, self._scope(wish) or wish.settings), wish.bucket)
        with suppress(SQLAlchemyError):  # the others will be refused themselves
            self._limits.refuse(key, seconds)
        if seconds is not None:
            with self._lock:
                self._blocked[key] = max(self._blocked.get(key, float("-inf")), self._monotonic() + seconds)

    def close(self) -> None:
        """Writes down what was waited since the last lease."""
        self._lease([])

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _scope(self, wish: Wish) -> str:
        with self._lock:
            if wish.was_unknown:
                self._scopes[wish.provider, wish.settings] = wish.scope
            return wish.scope or self._scopes.get((wish.provider, wish.settings), "")

    def _name(self, named: Key, tenant: Key) -> None:
        """So that `status` shows what is counted for a tenant beside the items of it."""
        with self._lock:
            if named == tenant or self._named.get(named) == tenant:
                return
        with suppress(SQLAlchemyError):  # the figures of a screen are not worth a run: the next request tries again
            self._limits.name(named, tenant)
            with self._lock:
                self._named[named] = tenant

    def _pass(self, ask: Ask, stop: threading.Event) -> None:
        """Once it may go. A database that is gone is waited for: whoever asks must not count as failed for it."""
        began = self._monotonic()
        gone_since = last = float("-inf")
        while True:
            try:
                self._let_through(ask, stop)
                break
            except Unavailable:
                now = self._monotonic()
                gone_since = now if now - last > LONGEST else gone_since
                if now - gone_since > PATIENCE:
                    raise
                last = now
            self._sleep(last + LOOK, stop)
        waited = self._monotonic() - began
        if stop.is_set():
            raise Interrupted
        if waited > A_TURN:
            with self._lock:
                self._waited[ask.keys[0]] = self._waited.get(ask.keys[0], 0.0) + waited

    def _let_through(self, ask: Ask, stop: threading.Event) -> None:
        while not self._free(ask, stop):
            since, until = self._slot(ask, stop)
            self._sleep(since, stop)
            ask = replace(ask, owed=0)
            if self._monotonic() > until:
                self.expired += 1
            elif self._blocked_until(ask) <= self._monotonic():  # while these waited, others may have been refused
                break

    def _free(self, ask: Ask, stop: threading.Event) -> bool:
        """Whether nothing is known that limits these. Waits where the tenant is blocked."""
        while True:
            self._look()
            now, blocked = self._monotonic(), self._blocked_until(ask)
            if now - GENTLY_FOR < blocked <= now:
                return False
            if blocked <= now:
                with self._lock:
                    rows = [self._rows.get(key) for key in ask.keys]
                    return ask.limit is None and not any(row is None or self._counts(row, now) for row in rows)
            self._sleep(min(blocked, now + LONGEST), stop)

    def _blocked_until(self, ask: Ask) -> float:
        with self._lock:
            return max(self._blocked.get(key, float("-inf")) for key in ask.keys)

    def _counts(self, row: Row, now: float) -> bool:
        """Whether what goes by this row must be counted in the database."""
        return row.told is not None and not (self._plenty(row.told_limit, row.told_left) and now < self._ends(row))

    def _plenty(self, limit: int, left: int) -> bool:
        return left - limit * (1 - self._rates.share) > PLENTY

    def _ends(self, row: Row) -> float:
        return self._clock.earliest(row.told_ends)

    def _look(self) -> None:
        """What other workers found blocked."""
        now = self._monotonic()
        with self._lock:
            if now - self._looked < LOOK:
                return
            self._looked = now
        with _told():
            blocked, told, before, after = self._limits.blocked()
        with self._lock:
            self._clock.learn(before, told, after)
            self._blocked = {key: self._clock.earliest(until) for key, until in blocked.items()}

    def _sleep(self, until: float, stop: threading.Event) -> None:
        self._wait(until - self._monotonic(), stop)
        if stop.is_set():
            raise Interrupted

    def _slot(self, ask: Ask, stop: threading.Event) -> tuple[float, float]:
        """From when until when they may go."""
        ticket = _Ticket(ask)
        with self._lock:
            heapq.heappush(self._waiting, (ask.reads, next(self._number), ticket))
        try:
            while ticket.given is None:
                self._turn(ticket, stop)
            return ticket.given
        finally:
            if ticket.given is None:  # interrupted, or the database failed
                with self._lock:
                    self._waiting = [each for each in self._waiting if each[2] is not ticket]
                    heapq.heapify(self._waiting)

    def _turn(self, ticket: _Ticket, stop: threading.Event) -> None:
        """Asks the database for all that may be asked for; or waits for who does, or until asking may help."""
        now = self._monotonic()
        with self._lock:
            if ticket.given is not None:
                return
            ready = max(ticket.not_before, self._until.get(ticket.ask.keys[0], 0.0) - AHEAD)
            mine = ready <= now and not self._asking
            asked = self._ready(now) if mine else []
            self._asking = self._asking or mine
        if mine:
            try:
                self._lease(asked)
            finally:
                with self._lock:
                    self._asking = False
        elif ready > now:
            self._sleep(min(ready, now + LONGEST), stop)
        else:
            ticket.done.wait(A_TURN)
            if stop.is_set():
                raise Interrupted

    def _ready(self, now: float) -> list[_Ticket]:
        """In the order in which they go. The caller holds the lock."""
        return [
            ticket
            for _, _, ticket in sorted(self._waiting, key=lambda each: each[:2])
            if max(ticket.not_before, self._until.get(ticket.ask.keys[0], 0.0) - AHEAD) <= now
        ]

    def _lease(self, tickets: Sequence[_Ticket]) -> None:
        with self._lock:
            waited, self._waited = self._waited, {}
        if not tickets and not waited:
            return
        with _told():
            lease = self._limits.lease([ticket.ask for ticket in tickets], waited)
        with self._lock:
            self._clock.learn(lease.before, lease.now, lease.after)
            self._rows |= lease.rows
            for ticket, given in zip(tickets, lease.given, strict=True):
                self._hand(ticket, given)
            self._waiting = [each for each in self._waiting if each[2].given is None]
            heapq.heapify(self._waiting)

    def _hand(self, ticket: _Ticket, given: Given) -> None:
        at = self._clock.earliest(given.at)
        if not given.granted:
            ticket.not_before = at
            return
        until = self._clock.latest(given.at, given.late) if given.late else float("inf")
        ticket.given = (at, until)
        key = ticket.ask.keys[0]
        self._until[key] = max(self._until.get(key, 0.0), at)
        ticket.done.set()

    def _learn(self, row: Row) -> None:
        with self._lock:
            self._rows[row.tenant] = row


@contextmanager
def _told() -> Iterator[None]:
    """In the contract's words: the engine asks again."""
    try:
        yield
    except SQLAlchemyError as error:
        failed = type(error).__name__
    else:
        return
    raise Unavailable(f"the campaign's database does not answer ({failed}): the vendor was not asked")


def _key(tenant: Tenant, bucket: str = "") -> Key:
    return f"{tenant}\t{bucket}" if bucket else str(tenant)
