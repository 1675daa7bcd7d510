"""What is known of tenants' limits and was handed out of them, in the database. All moments are by its clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.slots import GENTLY_FOR, Lane, Told, gently, handed_out, learnt, slot, spared
from nhi_revoke.campaign.tables import RATES, TENANT_NAMES

LEASE = 0.5
"""Seconds of one limit that a worker takes at once: who waits for another's waits no longer, and a limit that many
workers use up costs two transactions a second."""
AHEAD = 0.25
"""Seconds before its own slots end in which a worker takes more of them: longer than a busy database takes."""

Key = str


class Row(Struct, frozen=True):
    """One limit, as `tables.RATES` has it."""

    tenant: Key
    requests: int = 0
    seconds: float = 0.0
    next: float = 0.0
    most: int = 1
    batch_at: float = 0.0
    told_limit: int = 0
    told_left: int = 0
    told_ends: float = 0.0
    told_known: int = 1
    blocked_until: float = 0.0
    refused: int = 0
    sent: int = 0
    waited: float = 0.0

    @property
    def lane(self) -> Lane | None:
        if not self.requests:
            return None
        return Lane(self.requests, self.seconds, self.next, self.most, self.batch_at)

    @property
    def told(self) -> Told | None:
        if not self.told_limit:
            return None
        return Told(self.told_limit, self.told_left, self.told_ends, bool(self.told_known))

    def on(self, lane: Lane) -> Row:
        return replace(
            self, requests=lane.requests, seconds=lane.seconds, next=lane.next, most=lane.most, batch_at=lane.batch_at
        )

    def telling(self, told: Told) -> Row:
        return replace(
            self, told_limit=told.limit, told_left=told.left, told_ends=told.ends, told_known=int(told.known)
        )


class Pressure(Struct, frozen=True):
    """How a tenant's limit held campaigns up, for their status; since the database was made."""

    tenant: str
    """As str(Tenant) has it."""
    what: str
    """What the vendor counts by besides the tenant, or a provider paces itself; empty: all that is asked."""
    sent: int
    """As far as a limit is known: nothing else is counted."""
    waited: float
    """Seconds, of all requests and workers together."""
    refused: int
    """How often the vendor asked to go slower."""
    blocked_for: float
    """Seconds from now on; 0 where it is not."""


class Ask(Struct, frozen=True):
    """Requests that go together."""

    keys: tuple[Key, ...]
    """The tenant's row, and the bucket's; or the one of a provider that paces itself."""
    count: int = 1
    reads: bool = True
    limit: Lane | None = None
    """Of the first of them, as every worker of a campaign has it; None: none is known."""
    owed: int = 0


class Given(Struct, frozen=True):
    """When they may go, or when to ask again."""

    at: float
    granted: bool
    late: float = 0.0
    """Seconds after it in which they still may; 0: as long as one likes."""


class Lease(Struct, frozen=True):
    """One transaction's answers, in the order of the asks; what it saw; and when this process knew the time."""

    given: Sequence[Given]
    rows: Mapping[Key, Row]
    now: float
    before: float
    after: float


class Limits:
    """Safe on threads and over processes."""

    def __init__(
        self,
        database: Database,
        share: float,
        now: Callable[[Connection], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`share`: of each limit. `now`: the database's clock, `monotonic`: this process's."""
        self._database, self.share = database, share
        self._now, self._monotonic = now or database.now, monotonic
        insert: Any = sqlite.insert if database.engine.dialect.name == "sqlite" else postgresql.insert
        self._insert = insert(RATES).on_conflict_do_nothing()
        named = insert(TENANT_NAMES)
        self._named = named.on_conflict_do_update(index_elements=["named"], set_={"tenant": named.excluded.tenant})
        rest = [column.name for column in RATES.columns if column.name != "tenant"]
        self._update = (
            RATES.update()
            .where(RATES.c.tenant == bindparam("key"))
            .values({name: bindparam(f"_{name}") for name in rest})
        )

    def lease(self, asks: Sequence[Ask], waited: Mapping[Key, float] | None = None) -> Lease:
        """In their order. `waited`: seconds that requests waited since this worker's last lease, by key."""
        given: list[Given] = []

        def hand_out(rows: dict[Key, Row], now: float) -> None:
            first: dict[Key, float] = {}
            given.extend(_given(ask, rows, now, self.share, first) for ask in asks)
            for key, seconds in (waited or {}).items():
                rows[key] = replace(rows[key], waited=rows[key].waited + seconds)

        keys = {key for ask in asks for key in ask.keys} | set(waited or ())
        rows, now, before, after = self._change(keys, hand_out)
        return Lease(given, rows, now, before, after)

    def tell(self, key: Key, limit: int, left: int, seconds: float) -> Row:
        """The vendor told of its window, which ends in so many `seconds`: the row after it."""

        def note(rows: dict[Key, Row], now: float) -> None:
            rows[key] = rows[key].telling(learnt(rows[key].told, Told(limit, left, now + seconds), now))

        return self._change({key}, note)[0][key]

    def refuse(self, key: Key, seconds: float | None) -> None:
        """The vendor asked to wait; nobody sends anything before. None: it did not say how long, and whoever was
        refused waits by itself.
        """

        def note(rows: dict[Key, Row], now: float) -> None:
            row = rows[key]
            until = row.blocked_until if seconds is None else max(row.blocked_until, now + seconds)
            rows[key] = replace(row, blocked_until=until, refused=row.refused + 1)

        self._change({key}, note)

    def name(self, named: Key, tenant: Key) -> None:
        """What plans call `named` is counted for `tenant`."""
        with self._database.write() as conn:
            conn.execute(self._named, {"named": named, "tenant": tenant})

    def blocked(self) -> tuple[Mapping[Key, float], float, float, float]:
        """What is blocked, or was until a short while ago, until when; now; and when this process knew it."""
        with self._database.read() as conn:
            before = self._monotonic()
            now = self._now(conn)
            after = self._monotonic()
            query = select(RATES.c.tenant, RATES.c.blocked_until).where(RATES.c.blocked_until > now - GENTLY_FOR)
            return {str(key): float(until) for key, until in conn.execute(query)}, now, before, after

    def rows(self) -> tuple[Row, ...]:
        """All of them, by tenant."""
        with self._database.read() as conn:
            return tuple(Row(**row._mapping) for row in conn.execute(select(RATES).order_by(RATES.c.tenant)))

    def pressures(self) -> tuple[Pressure, ...]:
        """Where anything waited, was refused or is blocked; by tenant."""
        with self._database.read() as conn:
            now = self._now(conn)
        told = (_pressure(row, now) for row in self.rows())
        return tuple(each for each in told if each.waited or each.refused or each.blocked_for)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _change(
        self, keys: Iterable[Key], do: Callable[[dict[Key, Row], float], None]
    ) -> tuple[dict[Key, Row], float, float, float]:
        wanted = sorted(keys)
        changed = self._tried(wanted, do)
        if changed is None:
            with self._database.write() as conn:
                conn.execute(self._insert, [asdict(Row(key)) for key in wanted])
            changed = self._tried(wanted, do)
        assert changed is not None, "a row that was there is never deleted while campaigns run"
        return changed

    def _tried(
        self, wanted: Sequence[Key], do: Callable[[dict[Key, Row], float], None]
    ) -> tuple[dict[Key, Row], float, float, float] | None:
        """None where a row is missing. Rows are locked in the order of their keys: nobody waits in a circle."""
        with self._database.write() as conn:
            query = select(RATES).where(RATES.c.tenant.in_(wanted)).order_by(RATES.c.tenant).with_for_update()
            before = {str(row.tenant): Row(**row._mapping) for row in conn.execute(query)}
            if len(before) < len(wanted):
                return None
            asked = self._monotonic()
            now = self._now(conn)  # once the locks are held: what another one handed out lies before it
            known = self._monotonic()
            rows = dict(before)
            do(rows, now)
            changed = [row for key, row in rows.items() if row != before[key]]
            if changed:
                conn.execute(self._update, [_values(row) for row in changed])
        return rows, now, asked, known


def _pressure(row: Row, now: float) -> Pressure:
    tenant, _, what = row.tenant.partition("\t")
    blocked = max(0.0, row.blocked_until - now)
    return Pressure(tenant, what.removeprefix("="), row.sent, row.waited, row.refused, blocked)


def _values(row: Row) -> dict[str, Any]:
    values = {f"_{name}": value for name, value in asdict(row).items() if name != "tenant"}
    return {"key": row.tenant, **values}


def _given(ask: Ask, rows: dict[Key, Row], now: float, share: float, first: dict[Key, float]) -> Given:
    """Changes `rows`, or nothing of them. `first`: the first slot of each limit that this lease gave."""
    blocked = max(rows[key].blocked_until for key in ask.keys)
    if blocked > now:
        return Given(blocked, granted=False)
    mine, late, at, limit = {key: rows[key] for key in ask.keys}, 0.0, now, ask.limit
    if limit is None and not any(row.told for row in mine.values()):
        limit = gently(now - blocked)
    for key, row in mine.items():
        if row.told is None:
            continue
        told, again = handed_out(row.told, now, ask.count, spared(row.told.limit, share, reads=ask.reads))
        if again:
            return Given(again, granted=False)
        mine[key] = row.telling(told)
    key = ask.keys[0]
    if limit is not None:
        lane = _under(limit, mine[key].lane)
        for _ in range(ask.owed):
            lane, _gone = slot(lane, now)
        lane, at = slot(lane, now, ask.count)
        if at - first.setdefault(key, at) > LEASE:
            return Given(at - AHEAD, granted=False)
        mine[key], late = mine[key].on(lane), lane.late
    for name, row in mine.items():
        rows[name] = replace(row, sent=row.sent + ask.count + ask.owed)
    return Given(at, granted=True, late=late)


def _under(limit: Lane, lane: Lane | None) -> Lane:
    """Where the slots of a limit go on that is as the asker has it."""
    if lane is None:
        return limit
    return replace(lane, requests=limit.requests, seconds=limit.seconds, most=min(lane.most, limit.requests))
