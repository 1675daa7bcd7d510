"""Every worker's share of what tenants may be asked, leased from the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.rates import Rates
from nhi_revoke.engine.sharing import Wish

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nhi_revoke.provider.retry import Window

Wait = Callable[[float, threading.Event], None]
"""Returns after so many seconds, or as soon as the event is set."""


def _wait(seconds: float, stop: threading.Event) -> None:
    stop.wait(max(0.0, seconds))


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
        raise NotImplementedError

    def take(self, wish: Wish, stop: threading.Event) -> str:
        raise NotImplementedError

    def pace(self, wish: Wish, stop: threading.Event) -> None:
        raise NotImplementedError

    def answered(self, wish: Wish, told: Window | None, seconds: float) -> None:
        raise NotImplementedError

    def refused(self, wish: Wish, seconds: float | None) -> None:
        raise NotImplementedError
