"""What a planned campaign amounts to: for the screen, for JSON, and for whoever consents to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct

from nhi_revoke.campaign.blast import Counted
from nhi_revoke.campaign.item import Blast, Course, Rate, Tenant, waves
from nhi_revoke.campaign.planning import Row

WORST = 10


class TenantTotal(Struct, frozen=True):
    """One tenant's part. An identity with principals in two tenants counts in both."""

    provider: str
    scope: str
    total: Counted
    requests: int
    """That its runs send at the very least."""
    seconds: float | None
    """That these take by the tenant's rate; None: its rate is not known here."""


class Worst(Struct, frozen=True):
    """One of the identities that most hangs on."""

    number: int
    name: str
    owner: str
    tenants: tuple[str, ...]
    blast: Blast


class Unplanned(Struct, frozen=True):
    """An entry without a plan: nothing of it is touched."""

    line: int
    name: str
    why: str


class Overview(Struct, frozen=True):
    """`campaign plan`."""

    source: str
    items: int
    total: Counted
    """Of those that have a plan."""
    tenants: tuple[TenantTotal, ...]
    worst: tuple[Worst, ...]
    unplanned: tuple[Unplanned, ...]
    course: Course
    waves: tuple[int, ...]
    """How many identities each has."""
    seconds: float | None
    """What the slowest tenant takes at the very least, where a rate is known; settling comes on top."""
    saved: str
    digest: str
    next: tuple[str, ...]


def overview(
    rows: Sequence[Row],
    course: Course,
    rate: Callable[[Tenant], Rate | None],
    *,
    source: str,
    saved: str,
    digest: str,
    next_commands: Sequence[str],
) -> Overview:
    """`rows`: the worst first."""
    with_plan = [row for row in rows if not row.why]
    tenants = _tenants(with_plan, rate)
    known = [each.seconds for each in tenants if each.seconds is not None]
    sizes = Counter(waves(len(rows), course)[: len(with_plan)])
    return Overview(
        source,
        len(rows),
        sum((row.counted for row in with_plan), Counted()),
        tenants,
        tuple(
            Worst(number, row.entry.name, row.entry.owner, tuple(map(str, row.tenants)), row.blast)
            for number, row in enumerate(with_plan[:WORST])
        ),
        tuple(Unplanned(row.entry.line, row.entry.name, row.why) for row in rows if row.why),
        course,
        tuple(sizes[wave] for wave in sorted(sizes)),
        max(known, default=None),
        saved,
        digest,
        tuple(next_commands),
    )


def _tenants(rows: Sequence[Row], rate: Callable[[Tenant], Rate | None]) -> tuple[TenantTotal, ...]:
    totals: dict[Tenant, Counted] = {}
    requests: Counter[Tenant] = Counter()
    for row in rows:
        for tenant in row.tenants:
            totals[tenant] = totals.get(tenant, Counted()) + row.counted
        requests.update(row.requests)
    made = []
    for tenant, total in sorted(totals.items()):
        limit = rate(tenant)
        seconds = requests[tenant] / limit.per_second if limit else None
        made.append(TenantTotal(tenant.provider, tenant.scope, total, requests[tenant], seconds))
    return tuple(made)


def item_rows(rows: Sequence[Row], course: Course) -> list[dict[str, str]]:
    """One for each item, for csv and ndjson."""
    made = []
    for (number, row), wave in zip(enumerate(rows), waves(len(rows), course), strict=True):
        counts = {name: str(getattr(row.counted, name)) for name in Counted.__struct_fields__[1:]}
        made.append(
            {
                "number": str(number),
                "wave": "" if row.why else str(wave),
                "name": row.entry.name,
                "owner": row.entry.owner,
                "tenants": "; ".join(map(str, row.tenants)),
                **counts,
                "why": row.why,
            }
        )
    return made


ITEM_COLUMNS = ("number", "wave", "name", "owner", "tenants", *Counted.__struct_fields__[1:], "why")
