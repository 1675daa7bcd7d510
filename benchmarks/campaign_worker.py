"""`python -m benchmarks.campaign_worker ORDER`: a worker, until no campaign goes on; tells CPU and memory."""

from __future__ import annotations

import json
import resource
import sys
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Rate, Tenant
from nhi_revoke.campaign.rates import Rates
from nhi_revoke.campaign.share import DatabaseShare
from nhi_revoke.campaign.worker import Worker
from nhi_revoke.config import load_config
from nhi_revoke.engine.lock import Locking, Locks
from nhi_revoke.engine.service import Engine
from nhi_revoke.engine.store import Journals
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_example import provider
from tests.campaign.process import nothing_goes_on


class Order(Struct, frozen=True):
    """What a worker is to do."""

    url: str
    state: str
    configs: str
    """Folder of the tenants' settings."""
    at_once: int
    kept: int
    rate: Rate | None
    """Of each tenant."""


def engine_of(order: Order, config: str, share: DatabaseShare | None, **more: object) -> Engine:
    """By the settings of one tenant."""
    registry = Registry([Loaded(provider.name, provider)])
    state = Path(order.state)
    environ = {"NHI_REVOKE_STATE": str(state)}
    read = load_config(str(Path(order.configs) / config), environ, state, providers=registry.known())
    return Engine(registry, read, lambda _: None, share=share, settings_name=config, **more)  # type: ignore[arg-type]


def main(order: Order) -> None:
    state = Path(order.state)
    database = Database.open(state, order.url)
    given = {Tenant(provider.name, ""): order.rate} if order.rate else {}
    share = DatabaseShare(database, Rates(given, 1.0))

    def make(config: str, *, journals: Journals, locks: Locking) -> Engine:
        return engine_of(order, config, share, journals=journals, locks=locks)

    worker = Worker(
        database, make, lambda _: None, local=Locks(state / "locks"), at_once=order.at_once, kept=order.kept
    )
    worker.run(threading.Event(), nothing_goes_on(database))
    share.close()
    database.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {"cpu": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1000, "expired": share.expired}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Order))
