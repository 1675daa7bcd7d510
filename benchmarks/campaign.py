"""A campaign on 1, 2 and 4 worker processes and one PostgreSQL, against the floor of its tenants' rates.

The floor: what the tenants were asked, divided by what they may be asked. Everything else a campaign needs (the
database, DBOS, journals, processors) should hide behind it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select

from benchmarks.campaign_model import Costs, Site, Tenants, carried_out
from benchmarks.campaign_worker import Order, engine_of
from benchmarks.figures import Goal, figures
from benchmarks.measure import ROOT, environment
from nhi_revoke.campaign import control
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Blast, Course, Entry, Header, Item, Rate, Tenant
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS, JOURNALS
from nhi_revoke.engine.service import Consent
from nhi_revoke.model.intent import Intent
from tests.campaign.postgresql import running

TENANTS = 12
IDENTITIES = 10_000
"""Of all tenants: half an hour for each number of workers."""
RATE = Rate(780, 60.0)
"""Of each tenant: so low that two cores, which also carry the tenants and the database, are not what binds."""
AT_ONCE = 48
WORKERS = (1, 2, 4)
FLOOR_GOAL = 1 / 0.95
SETTLE = 60.0
"""Seconds of propagation that hold a slot at a real vendor; a sandbox's clock is moved instead."""
INTENT = Intent(rotate="no")


@dataclass(frozen=True)
class Trial:
    """One campaign."""

    workers: int
    seconds: float
    requests: int
    floor: float
    """Seconds, by the tenant that was asked most."""
    fullest: int
    """The most requests that arrived at one tenant in any window of the rate."""
    cpu: float
    """Seconds of all workers."""
    peak_mb: float
    expired: int
    lines: int
    """Of all journals."""


@contextmanager
def vendor(folder: Path, identities: int) -> Iterator[subprocess.Popen[str]]:
    """The tenants, whose settings it writes into the folder."""
    command = [sys.executable, "-m", "benchmarks.campaign_vendor", str(TENANTS), str(-(-identities // TENANTS))]
    with subprocess.Popen(
        command, cwd=ROOT, env=_environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for number, settings in enumerate(json.loads(child.stdout.readline())):
            (folder / f"tenant-{number}.toml").write_text(settings)
        yield child
        child.stdin.close()


def _environ() -> dict[str, str]:
    return environment({"PYTHONPATH": ":".join(p for p in sys.path if p)})


def planned(order: Order, identities: int) -> list[Item]:
    """All of them, the tenants taking turns."""
    with ExitStack() as stack:
        engines = [stack.enter_context(engine_of(order, f"tenant-{n}.toml", None)) for n in range(TENANTS)]

        def one(number: int) -> Item:
            tenant = number % TENANTS
            name, config = f"bot-{tenant:03}-{number // TENANTS:05}", f"tenant-{tenant}.toml"
            engine = engines[tenant]
            found = engine.inventory(engine.resolve([f"example:bot/{name}"]), INTENT, logs=False)
            return Item(
                number,
                Entry(name, config=config),
                engine.plan(found, INTENT),
                "",
                (Tenant("example", config),),
                Blast(),
            )

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(identities)))


def trial(folder: Path, url: str, workers: int, identities: int) -> Trial:
    """Planned, and carried out by so many workers. Raises RuntimeError where not each identity ended exactly once."""
    configs = folder / f"configs-{workers}"
    configs.mkdir(parents=True)
    database = Database.open(folder, url)
    with vendor(configs, identities) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        order = Order(url, str(configs / "state"), str(configs), AT_ONCE, TENANTS, RATE)
        Path(order.state).mkdir()
        items = planned(order, identities)
        child.stdin.write("told\n")
        child.stdin.flush()
        before = json.loads(child.stdout.readline())
        header = Header(datetime.now(UTC), INTENT, ("example:bot/responder",), "bench", len(items), "0" * 64)
        campaign = control.start(database, header, items, Course(canary=0, wave=0), Consent("apply"))
        used = _worked(order, configs, workers)
        child.stdin.write("told\n")
        child.stdin.flush()
        after = json.loads(child.stdout.readline())
    with database.read() as conn:
        row = conn.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign)).one()
        states = conn.execute(
            select(ITEMS.c.state, func.count()).where(ITEMS.c.campaign == campaign).group_by(ITEMS.c.state)
        ).all()
        lines = conn.execute(select(func.count()).where(JOURNALS.c.run.startswith(campaign))).scalar_one()
    database.close()
    _once(after, identities, [tuple(each) for each in states])
    arrived = [one["at"][len(other["at"]) :] for one, other in zip(after, before, strict=True)]
    return Trial(
        workers,
        row.ended - row.created,
        sum(map(len, arrived)),
        max(map(len, arrived)) / RATE.per_second,
        max(_fullest(at, RATE.seconds) for at in arrived),
        sum(each["cpu"] for each in used),
        max(each["peak_mb"] for each in used),
        sum(each["expired"] for each in used),
        lines,
    )


def _worked(order: Order, folder: Path, workers: int) -> list[dict[str, Any]]:
    children = []
    for number in range(workers):
        own = folder / f"worker-{number}"
        own.mkdir()
        told = msgspec.json.encode(msgspec.structs.replace(order, state=str(own))).decode()
        command = [sys.executable, "-m", "benchmarks.campaign_worker", told]
        children.append(subprocess.Popen(command, cwd=ROOT, env=_environ(), stdout=subprocess.PIPE, text=True))
    out = [child.communicate()[0] for child in children]
    return [json.loads(text) for text in out]


def _once(told: Sequence[Mapping[str, Any]], identities: int, states: Sequence[tuple[Any, ...]]) -> None:
    ended = {name: times for tenant in told for name, times in tenant["ended"].items()}
    if len(ended) != identities or set(ended.values()) != {1}:
        raise RuntimeError(f"{len(ended)} of {identities} ended, times {sorted(set(ended.values()))}: {states}")


def _fullest(at: Sequence[float], seconds: float) -> int:
    """The most in any window."""
    most = first = 0
    for last, moment in enumerate(at):
        while at[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def measure() -> dict[str, Any]:
    """One campaign for each number of workers: each is of thousands of runs."""
    with tempfile.TemporaryDirectory() as name, running() as server:
        return told([trial(Path(name), server.database(), workers, IDENTITIES) for workers in WORKERS])


def told(trials: Sequence[Trial]) -> dict[str, Any]:
    """The figures of the campaigns, one for each number of workers."""
    goals = []
    for each in trials:
        goals.append(Goal(f"{each.workers} workers: time", each.seconds / each.floor, FLOOR_GOAL, "x the rates' floor"))
        goals.append(
            Goal(f"{each.workers} workers: fullest window", each.fullest, RATE.requests, "requests of a tenant")
        )
    return figures(
        f"{IDENTITIES:,} identities of {TENANTS} tenants, which may be asked {RATE.requests} in {RATE.seconds:.0f} s",
        goals,
        [_row(each) for each in trials],
        [
            "Example Cloud, whose tenants share one process, a real PostgreSQL and all workers share this machine's "
            "cores. Each identity ended exactly once, counted at the tenants. All of each limit is used here "
            "(`--share 1`; 0.8 unless it is said). A window holds what arrives within it, by the tenant's clock.",
            *simulation(trials[1]),
        ],
        by_itself=True,
    )


def _row(each: Trial) -> dict[str, Any]:
    return {
        "workers": each.workers,
        "seconds": round(each.seconds, 1),
        "floor s": round(each.floor, 1),
        "of the floor": round(each.floor / each.seconds, 3),
        "requests": each.requests,
        "fullest window": each.fullest,
        "slots lost": each.expired,
        "CPU s an identity": round(each.cpu / IDENTITIES, 3),
        "peak MB of a worker": round(each.peak_mb, 1),
        "journal lines": each.lines,
    }


def simulation(costs: Trial) -> list[str]:
    """A million identities by these costs, with the settle of a real vendor, and what binds first."""
    of_one = Costs(
        costs.cpu / IDENTITIES, costs.requests / IDENTITIES, SETTLE + 5, costs.lines / IDENTITIES + 6
    )  # six: claimed, ended, locked, unlocked, queued, taken from the queue
    rates = (10.0, 2.0)
    lines = [
        "**A simulation**, not a measurement: 1,000,000 identities of 5,000 tenants (half of the identities in a tenth "
        f"of the tenants), by the costs above ({of_one.cpu:.2f} s of a core, {of_one.requests:.0f} requests, "
        f"{of_one.commits:.0f} transactions each), {SETTLE:.0f} s of settle, 256 identities at once on a worker of one "
        "core, 48 of a tenant, and a database that takes 2,000 transactions a second (assumed).",
    ]
    for rate in rates:
        tenants = [Tenants(500, 1000.0, rate), Tenants(4500, 1_000_000 / 2 / 4500, rate)]
        told = []
        for workers in (1, 10, 50, 200):
            out = carried_out(of_one, Site(workers, 256, 1.0, 2000.0, 48), tenants)
            told.append(f"{workers} workers {out.seconds / 3600:,.1f} h ({out.binds_first})")
        lines.append(f"At {rate:.0f} requests a second and tenant: {'; '.join(told)}.")
    return lines
