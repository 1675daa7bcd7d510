"""Workers that share a database, and a clock that moves only when somebody waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.rates import Rates
from nhi_revoke.campaign.share import DatabaseShare
from nhi_revoke.engine.sharing import Wish
from nhi_revoke.provider.rate import Rate
from nhi_revoke.provider.retry import Window

BEGAN = 1_800_000_000.0


class Time:
    """The database's, and each worker's, which began elsewhere. `on_wait` is called before each wait."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.on_wait: Callable[[float, threading.Event], None] = lambda _seconds, _stop: None

    def database(self, _conn: Connection) -> float:
        return BEGAN + self.passed

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self.on_wait(seconds, stop)
        if not stop.is_set():
            self.passed += max(0.0, seconds)

    def worker(self, database: Database, rates: Rates | None = None, *, since: float = 0.0) -> DatabaseShare:
        """`since`: what its own clock shows at the beginning."""
        return DatabaseShare(database, rates, now=self.database, monotonic=lambda: since + self.passed, wait=self.wait)


def wish(
    scope: str = "t", *, settings: str = "s", count: int = 1, bucket: str = "", reads: bool = True,
    rate: Rate | None = None, owed: int = 0, was_unknown: bool = False, named: str = "",
) -> Wish:  # fmt: skip
    return Wish("cloud", scope, settings, count, bucket, reads, rate, owed, named=named, was_unknown=was_unknown)


def window(limit: int, remaining: int) -> Window:
    return Window(limit, remaining, datetime.now(UTC))
