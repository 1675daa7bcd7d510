"""One engine for each settings file, shared by its items: connections, logins and TLS are what costs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.journals import DatabaseJournals
from nhi_revoke.campaign.locks import DatabaseLocks
from nhi_revoke.engine.lock import Locking
from nhi_revoke.engine.service import Engine
from nhi_revoke.engine.store import Journals
from nhi_revoke.model.error import Stopped

KEPT = 16
"""Engines that stay open while none of their items runs; 10 MB each."""


class MakesEngine(Protocol):
    def __call__(self, config: str, *, journals: Journals, locks: Locking) -> Engine:
        """An engine by the settings of this name (`Entry.config`; empty: the campaign's own). Raises Trouble."""
        ...


@dataclass
class _Kept:
    journals: DatabaseJournals
    engine: Engine | None = None
    users: int = 0


class Engines:
    """Safe on threads. `close` ends them all, once nobody uses them."""

    def __init__(
        self, make: MakesEngine, database: Database, locks: Callable[[], DatabaseLocks], kept: int = KEPT
    ) -> None:
        self._make = make
        self._database = database
        self._locks = locks
        self._most = kept
        self._lock = threading.Lock()
        self._making = threading.Lock()
        """One at a time: settings are read by types that msgspec builds once (`engine/journal.py`)."""
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        """The longest unused first."""
        self._stopped = False

    @contextmanager
    def of(self, config: str) -> Iterator[tuple[Engine, DatabaseJournals]]:
        """The engine of these settings, while in use. Raises Trouble where it cannot be made, Stopped after a stop."""
        with self._lock:
            kept = self._kept.setdefault(config, _Kept(DatabaseJournals(self._database)))
            self._kept.move_to_end(config)
            kept.users += 1
        try:
            with self._making:
                if kept.engine is None:
                    kept.engine = self._make(config, journals=kept.journals, locks=self._locks())
            if self._stopped:
                raise Stopped("interrupted", "Interrupted. Nothing more was started.")
            yield kept.engine, kept.journals
        finally:
            with self._lock:
                kept.users -= 1
                idle = self._idle(len(self._kept) - self._most)
            for each in idle:
                each.close()

    def interrupt(self) -> None:
        """Start nothing more; what is under way ends and is journaled."""
        with self._lock:
            self._stopped = True
            engines = [kept.engine for kept in self._kept.values() if kept.engine is not None]
        for engine in engines:
            engine.interrupt()

    def close(self) -> None:
        """Waits for calls under way, as long as their sockets do."""
        with self._lock:
            idle = self._idle(len(self._kept))
        for each in idle:
            each.close()

    def _idle(self, many: int) -> list[Engine]:
        """Up to so many that nobody uses, the longest unused first, taken out."""
        names = [name for name, kept in self._kept.items() if not kept.users][: max(0, many)]
        return [engine for name in names if (engine := self._kept.pop(name).engine) is not None]
