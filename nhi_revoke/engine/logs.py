"""The logs of a run's principals: each is read as soon as nothing more can be begun there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

from msgspec.structs import replace

from nhi_revoke.engine.edges import Mints, upstream
from nhi_revoke.engine.inventory import Surveyor
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.found import BlindSpot, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.ref import PrincipalRef

Acted = Mapping[PrincipalRef, bool]
"""Of each principal that is cut, or of which something is ended: whether all of that was seen."""

AT_ONCE = 32
"""Readings of logs side by side."""


class LogReader:
    """Containment does not wait for slow evidence; nor does one vendor's evidence wait for another vendor's cuts.

    Called by one thread. A session that begins on a principal is begun by itself or by what can mint for it: once the
    cuts and ends of all those were seen, its logs hold as much of it as they ever will.
    """

    def __init__(self, surveyor: Surveyor, inventory: Inventory, intent: Intent, mints: Mints, io: EngineIo) -> None:
        self._surveyor = surveyor
        self._inventory = inventory
        self._intent = intent
        self._upstream = {p.ref: upstream(p.ref, mints) for p in inventory.principals}
        self._now = io.now
        # Vendors allow few requests a second for logs: their waits must hold up no cut, and no look at one.
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="logs", initializer=io.aside)
        # What was read is judged with a look that submits to the pool and waits: from a thread of its own, so that
        # it never waits for itself.
        self._judge = ThreadPoolExecutor(1, thread_name_prefix="logs-judged")
        self._readings: dict[PrincipalRef, Sequence[Future[list[Found]]]] = {}
        self._begun: dict[PrincipalRef, datetime] = {}
        self._judged: Future[tuple[Found, ...]] | None = None
        self._early = True

    def acted(self, seen: Acted) -> None:
        """How far the cuts and ends are. A principal that has none is read with the last of those that have some."""
        if not self._early or self._judged is not None:
            return
        open_ = {ref for ref, done in seen.items() if not done}
        ready = [p for p in self._inventory.principals if not open_ or self._shut(p, seen, open_)]
        self._begin(ready)

    def found(self) -> tuple[Found, ...]:
        """What the logs of all say; those not begun yet are read now. The next call reads all of them anew. Raises
        Interrupted.
        """
        self._early = False
        self._begin(self._inventory.principals)
        judged, self._judged = self._judged, None
        self._readings.clear()
        return tuple(self._until_all_were_read(f) for f in judged.result()) if judged is not None else ()

    def close(self, *, wait: bool) -> None:
        """Ends the threads; `wait`: once they are done with what they have begun."""
        self._pool.shutdown(wait=wait, cancel_futures=True)
        self._judge.shutdown(wait=wait, cancel_futures=True)

    def _until_all_were_read(self, item: Found) -> Found:
        """A log's lag counts from the last reading, as if all had been read then: a cut that was seen may take a while
        yet until every edge of its vendor obeys.
        """
        began = self._begun.get(item.on) if isinstance(item, BlindSpot) else None
        if not isinstance(item, BlindSpot) or item.until is None or not item.counts or began is None:
            return item
        return replace(item, until=item.until + (max(self._begun.values()) - began))

    def _shut(self, principal: Principal, seen: Acted, open_: set[PrincipalRef]) -> bool:
        ref = principal.ref
        return seen.get(ref, False) and not self._upstream[ref] & open_

    def _begin(self, principals: Sequence[Principal]) -> None:
        for principal in principals:
            if principal.ref not in self._readings:
                self._begun[principal.ref] = self._now()
                self._readings[principal.ref] = self._surveyor.read_logs(
                    principal, self._inventory, self._intent, self._pool
                )
        if self._judged is None and len(self._readings) == len(self._inventory.principals):
            readings = [job for p in self._inventory.principals for job in self._readings[p.ref]]
            self._judged = self._judge.submit(self._surveyor.judge_logs, readings, self._inventory, self._intent)
