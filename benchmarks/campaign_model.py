"""How long a campaign takes by the costs that were measured, and what binds: a fluid model.

At each moment every tenant that has identities left goes on as fast as its own limits allow, and all of them together
as fast as slots, cores and the database allow; what is common is shared evenly among those that could use more. The
next moment is when a tenant has none left. Waves and failures are left out: they only add to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TENANT, SLOTS, CORES, DATABASE = "the tenants' rates", "slots of the workers", "cores of the workers", "the database"


@dataclass(frozen=True)
class Costs:
    """Of one identity, measured."""

    cpu: float
    """Seconds of a worker's core."""
    requests: float
    """To its tenant."""
    held: float
    """Seconds in which it holds a slot where nothing is short: the vendor's answers, and settle above all."""
    commits: float
    """Transactions of the database."""


@dataclass(frozen=True)
class Site:
    """What it runs on."""

    workers: int
    slots: int
    """Identities side by side on one worker."""
    cores: float
    """Of one worker that it can use: Python's threads share one."""
    commits: float
    """Transactions a second that the database takes."""
    of_a_tenant: int
    """Identities side by side of one tenant."""


@dataclass(frozen=True)
class Tenants:
    """So many alike."""

    count: int
    identities: float
    """Of each."""
    per_second: float
    """Requests that may be sent to each."""


@dataclass(frozen=True)
class Outcome:
    """Seconds in all, and the seconds in which each thing was what bound."""

    seconds: float
    bound: dict[str, float]

    @property
    def binds_first(self) -> str:
        """What binds longest."""
        return max(self.bound, key=lambda what: self.bound[what])


def carried_out(costs: Costs, site: Site, tenants: Sequence[Tenants]) -> Outcome:
    """Until nothing is left."""
    left = [(group.identities, group.count, _alone(costs, site, group)) for group in tenants if group.identities > 0]
    common = {
        SLOTS: site.workers * site.slots / costs.held,
        CORES: site.workers * site.cores / costs.cpu,
        DATABASE: site.commits / costs.commits,
    }
    narrow = min(common, key=lambda what: common[what])
    bound = dict.fromkeys((TENANT, *common), 0.0)
    seconds = 0.0
    while left:
        share = _share(common[narrow], [(count, alone) for _, count, alone in left])
        step = min(rest / min(alone, share) for rest, _, alone in left)
        wanted = sum(count * alone for _, count, alone in left)
        bound[narrow if wanted > common[narrow] else TENANT] += step
        seconds += step
        gone = [(rest - step * min(alone, share), count, alone) for rest, count, alone in left]
        left = [(rest, count, alone) for rest, count, alone in gone if rest > 1e-9]
    return Outcome(seconds, bound)


def _alone(costs: Costs, site: Site, group: Tenants) -> float:
    """Identities a second of one tenant, with everything else to itself."""
    return min(group.per_second / costs.requests, site.of_a_tenant / costs.held)


def _share(capacity: float, wanting: Sequence[tuple[int, float]]) -> float:
    """The most that each may have, so that all of them together have no more than `capacity`."""
    rest, many = capacity, sum(count for count, _ in wanting)
    for count, alone in sorted(wanting, key=lambda each: each[1]):
        if alone * many > rest:
            return rest / many
        rest -= count * alone
        many -= count
    return max(alone for _, alone in wanting)
