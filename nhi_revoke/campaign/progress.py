"""How far a campaign has come, from the tables alone: any machine that reaches the database can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.figures import Counts, Progress, TenantProgress, WaveProgress, WorkerAlive
from nhi_revoke.campaign.item import LEFT, Tenant
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS, RATES, TENANT_NAMES, WORKERS
from nhi_revoke.model.building import decoded
from nhi_revoke.model.error import NotFound

ALIVE = 60.0
"""Seconds since its last sign after which a worker counts as gone."""


class Meter:
    """Requests a second over the last minute, from what was handed out at each look."""

    def __init__(self, span: float = 60.0) -> None:
        self._span = span
        self._seen: list[tuple[float, Mapping[str, int]]] = []

    def rates(self, now: float, sent: Mapping[str, int]) -> dict[str, float]:
        """By tenant; empty at the first look, and where the clock did not move."""
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._span:
            self._seen.pop(0)
        self._seen.append((now, sent))
        at, before = self._seen[0]
        passed = now - at
        return {tenant: (many - before.get(tenant, 0)) / passed for tenant, many in sent.items()} if passed > 0 else {}


def progress(database: Database, campaign: str, meter: Meter | None = None) -> Progress:
    """As it stands in the database at one moment. Raises NotFound for an unknown id."""
    with database.read() as conn:
        now = database.now(conn)
        row = conn.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign)).one_or_none()
        if row is None:
            raise NotFound("no-such-campaign", f"there is no campaign {campaign!r} in this database.")
        by_tenants = _grouped(conn, campaign, ITEMS.c.tenants)
        by_wave = _grouped(conn, campaign, ITEMS.c.wave)
        codes = _codes(conn, campaign)
        outage = conn.execute(
            select(func.coalesce(func.sum(ITEMS.c.outage), 0)).where(ITEMS.c.campaign == campaign)
        ).scalar_one()
        sent, throttled = _rates(conn)
        names = {row.named: row.tenant for row in conn.execute(select(TENANT_NAMES))}
        alone = conn.execute(select(func.count()).where(CAMPAIGNS.c.created < row.created)).scalar_one() == 0
        workers = _workers(conn, now)
    ended = row.ended if row.ended is not None else now
    elapsed = max(0.0, ended - row.created)
    rates = meter.rates(now, sent) if meter is not None else {}
    if not rates and alone and elapsed:  # an older campaign's requests would count as this one's
        rates = {tenant: many / elapsed for tenant, many in sent.items()}
    going = row.state in ("running", "undoing")
    items = _counts(each for rows in by_tenants.values() for each in rows)
    whole = _eta(items, [each for rows in by_tenants.values() for each in rows], now) if going else None
    return Progress(
        campaign,
        row.state,
        row.why,
        tuple(row.operator.split(", ")) if row.operator else (),
        items,
        codes,
        tuple(_tenants(by_tenants, names, sent, throttled, rates, now if going else None)),
        tuple(WaveProgress(number, _counts(rows)) for number, rows in sorted(by_wave.items())),
        workers,
        int(outage),
        elapsed,
        whole,
    )


Grouped = Row[Any]
"""state, many, began (the first), ended (the last)."""


def _grouped(conn: Connection, campaign: str, column: Any) -> dict[Any, list[Grouped]]:
    found = conn.execute(
        select(
            column.label("key"),
            ITEMS.c.state,
            func.count().label("many"),
            func.min(ITEMS.c.started).label("began"),
            func.max(ITEMS.c.ended).label("ended"),
        )
        .where(ITEMS.c.campaign == campaign)
        .group_by(column, ITEMS.c.state)
    )
    groups: dict[Any, list[Grouped]] = {}
    for each in found:
        groups.setdefault(each.key, []).append(each)
    return groups


def _codes(conn: Connection, campaign: str) -> dict[int, int]:
    found = conn.execute(
        select(ITEMS.c.exit_code, func.count())
        .where(and_(ITEMS.c.campaign == campaign, ITEMS.c.exit_code.is_not(None), ITEMS.c.state.not_in(LEFT)))
        .group_by(ITEMS.c.exit_code)
        .order_by(ITEMS.c.exit_code)
    )
    return {row[0]: row[1] for row in found}


def _rates(conn: Connection) -> tuple[dict[str, int], dict[str, float]]:
    """Requests of each tenant, and what was waited for it. What stands behind a tab is counted with the tenant, too:
    only its waits are its own.
    """
    sent: dict[str, int] = {}
    waited: dict[str, float] = {}
    for row in conn.execute(select(RATES.c.tenant, RATES.c.sent, RATES.c.waited)):
        tenant, tab, _ = row.tenant.partition("\t")
        if not tab:
            sent[tenant] = row.sent
        waited[tenant] = waited.get(tenant, 0.0) + row.waited
    return sent, waited


def _workers(conn: Connection, now: float) -> tuple[WorkerAlive, ...]:
    found = conn.execute(select(WORKERS).where(WORKERS.c.beat > now - ALIVE).order_by(WORKERS.c.host, WORKERS.c.pid))
    return tuple(WorkerAlive(row.id, row.host, row.pid, row.version, max(0.0, now - row.beat)) for row in found)


def _counts(rows: Iterable[Grouped]) -> Counts:
    many: Counter[str] = Counter()
    for row in rows:
        many[row.state] += row.many
    return Counts(**many)


def _tenants(
    by_tenants: Mapping[str, Sequence[Grouped]],
    names: Mapping[str, str],
    sent: Mapping[str, int],
    throttled: Mapping[str, float],
    rates: Mapping[str, float],
    now: float | None,
) -> Iterable[TenantProgress]:
    """`names`: for whom the vendor counts, by how plans name a tenant. `now`: None where nothing goes on."""
    rows: dict[Tenant, list[Grouped]] = {}
    for text, grouped in by_tenants.items():
        for tenant in decoded(text, tuple[Tenant, ...]):
            rows.setdefault(tenant, []).extend(grouped)
    for tenant, grouped in sorted(rows.items()):
        name, items = names.get(str(tenant), str(tenant)), _counts(grouped)
        eta = _eta(items, grouped, now) if now is not None else None
        yield TenantProgress(
            tenant.provider,
            tenant.scope,
            items,
            sent.get(name, 0),
            rates.get(name),
            throttled.get(name, 0.0),
            eta,
        )


def _eta(items: Counts, rows: Sequence[Grouped], now: float) -> float | None:
    """As fast as those ended that ended: since the first of them began."""
    if not items.left:
        return 0.0
    began = min((row.began for row in rows if row.began is not None), default=None)
    ended = items.over - items.refused  # what is refused takes no time
    if began is None or ended <= 0 or now <= began:
        return None
    return float(items.left * (now - began) / ended)
