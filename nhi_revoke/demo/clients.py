"""The identity's legitimate work while its credentials are replaced: each call that fails is an outage."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from msgspec import Struct

from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.workload import Workload

EVERY = 0.05


class Sessions(Struct, frozen=True):
    """Calls by sessions that were begun with the credential: the seal ends those of the old one, too, and each is begun
    anew after its refusal.
    """

    calls: int = 0
    refused: int = 0


class Worked(Struct, frozen=True):
    """What was done with one provider's credential."""

    provider: str
    kind: str
    """Of the long-term credential that it takes from its store for each call."""
    calls: int
    failed: int
    unclear: int
    """Calls that got no clear answer: the connection failed, or the vendor did."""
    sessions: Sessions
    outlived: float | None
    """Seconds of the sandbox's clock for which the old credential worked on after the new one was proven; None where
    nothing was replaced.
    """


class ClientData(Struct, frozen=True):
    """With all of them together."""

    calls: int
    failed: int
    unclear: int
    sessions: Sessions
    by: tuple[Worked, ...]


class Client:
    """`with` starts its thread; leaving it waits for the last call."""

    def __init__(self, workloads: Sequence[tuple[str, Workload]], clock: MovableClock, every: float = EVERY) -> None:
        """`every`: seconds of real time between two calls: one provider after the other."""
        self._clock, self._every = clock, every
        self._stop = threading.Event()
        self._uses = [_Use(name, workload) for name, workload in workloads]
        self._thread = threading.Thread(target=self._work, name="client")

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        due = time.monotonic()
        for use in itertools.cycle(self._uses):
            if self._stop.is_set():
                return
            with self._clock.no_jump():
                use.work()
            due = max(due + self._every, time.monotonic())
            self._stop.wait(max(0.0, due - time.monotonic()))

    def result(self, report: Report) -> ClientData:
        """What came of it. `report`: of the rollover, for its times."""
        by = tuple(use.result(report) for use in self._uses)
        sessions = Sessions(sum(w.sessions.calls for w in by), sum(w.sessions.refused for w in by))
        return ClientData(sum(w.calls for w in by), sum(w.failed for w in by), sum(w.unclear for w in by), sessions, by)


class _Use:
    """Counts."""

    def __init__(self, provider: str, workload: Workload) -> None:
        self._provider, self._workload = provider, workload
        self._calls = self._failed = self._unclear = self._sessions = self._refused = 0

    def work(self) -> None:
        self._calls += 1
        try:
            self._failed += not self._workload.call()
            session = self._workload.session()
        except Exception:  # noqa: BLE001 - whatever it is, the call did not succeed: it is counted as such
            self._unclear += 1
            return
        if session is not None:
            self._sessions += 1
            self._refused += not session

    def result(self, report: Report) -> Worked:
        return Worked(
            self._provider,
            self._workload.kind,
            self._calls,
            self._failed,
            self._unclear,
            Sessions(self._sessions, self._refused),
            self._outlived(report),
        )

    def _outlived(self, report: Report) -> float | None:
        kind = self._workload.kind
        mine = [s for s in report.steps if s.does.rpartition("/")[0] == kind and s.at is not None]
        proven = [s.at for s in mine if s.phase is Phase.PROVE and s.at]
        ended = [s.at for s in mine if s.phase is Phase.END and s.at]
        return (min(ended) - max(proven)).total_seconds() if proven and ended else None
