"""The run while it works: the journal, its history, and the secrets in flight (memory only)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from nhi_revoke.engine.concerning import concern
from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.engine.journal import Journal
from nhi_revoke.model.change import Change
from nhi_revoke.model.concern import Concern
from nhi_revoke.model.line import Destroyed, Intended, Line, Looked, Proved, Resulted, Vanished
from nhi_revoke.model.proof import Proven
from nhi_revoke.model.ref import Json, StepId
from nhi_revoke.provider.secret import Secret


class Recorder:
    """Implements `provider.io.Run` for doers, and writes every line before anything depends on it."""

    def __init__(self, journal: Journal, now: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = History(journal.lines)
        self._now = now
        self._lock = threading.RLock()
        self._secrets: dict[StepId, Secret] = {}

    @property
    def id(self) -> str:
        return self.journal.run

    @property
    def concern(self) -> Concern:
        with self._lock:
            return concern(self.history)

    def write(self, line: Line) -> None:
        """Journal first: what is not on the disk did not happen."""
        with self._lock:
            self.journal.write(line)
            self.history.add(line)

    def of(self, step: StepId) -> StepHistory:
        return self.history.step(step)

    # -- provider.io.Run -------------------------------------------------------------------------------------------

    def left(self, step: StepId) -> Json:
        with self._lock:
            return dict(self.history.step(step).left) if self.history.has(step) else {}

    def give(self, step: StepId, secret: Secret) -> None:
        with self._lock:
            self.journal.guard_secret(secret.reveal())
            self._secrets[step] = secret

    def take(self, step: StepId) -> Secret:
        with self._lock:
            return self._secrets[step]

    def holds(self, step: StepId) -> bool:
        with self._lock:
            return step in self._secrets

    def forget(self, step: StepId) -> None:
        """The secret was delivered, or its credential destroyed."""
        with self._lock:
            self._secrets.pop(step, None)

    # -- lines -----------------------------------------------------------------------------------------------------

    def intend(self, step: StepId) -> None:
        self.write(Intended(step, self.of(step).attempts + 1, self._now()))

    def result(self, step: StepId, change: Change) -> None:
        self.write(Resulted(step, change, self._now()))

    def looked(self, step: StepId, left: Json, at: datetime, *, settled: bool) -> None:
        self.write(Looked(step, left, at, settled))

    def vanished(self, step: StepId) -> None:
        self.write(Vanished(step, self._now()))

    def destroyed(self, step: StepId, access: str) -> None:
        self.write(Destroyed(step, access, self._now()))
        self.forget(step)

    def proved(self, step: StepId, proven: Proven) -> None:
        self.write(Proved(step, proven, self._now()))
