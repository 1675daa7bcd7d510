"""What every doer of the scripted vendor shares, and its connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Failed, Impossible
from nhi_revoke.model.proof import Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from tests.engine.cloud import Cloud


class Conn:
    """One connection to the cloud."""

    def __init__(self, cloud: Cloud, scope: str) -> None:
        self.cloud = cloud
        self.scope = scope

    def whoami(self) -> Sequence[PrincipalRef]:
        self.cloud.asked("whoami", "fake", self.scope, lambda: None)
        return self.cloud.whoami

    def now(self) -> datetime:
        return self.cloud.clock.now()


class Played(Doer[Any]):
    """Counts and plays the script around `do`, `there` and `back`."""

    permissions: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str]
    """The kind that it belongs to."""

    @property
    def key(self) -> str:
        return f"{self.of}/{self.name}" if self.of else self.name

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        raise NotImplementedError

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        raise NotImplementedError

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        raise NotImplementedError

    def check(self, conn: Any, step: Step) -> Impossible | None:
        return conn.cloud.preflight  # type: ignore[no-any-return]  # conn is Any

    def apply(self, conn: Any, step: Step, run: Run) -> Change:
        answer = conn.cloud.asked("apply", self.key, step.on, lambda: self.do(conn.cloud, step, run))
        if answer is not None:
            return answer  # type: ignore[no-any-return]  # conn is Any
        was = self.there(conn.cloud, step, run)
        if was is not None and not self.again:
            return Already(was)
        return conn.cloud.done(self.do(conn.cloud, step, run))  # type: ignore[no-any-return]  # conn is Any

    def seen(self, conn: Any, step: Step, run: Run) -> Json | None:
        answer = conn.cloud.asked("seen", self.key, step.on, lambda: None)
        return None if isinstance(answer, Failed) else self.there(conn.cloud, step, run)

    def prove(self, conn: Any, step: Step, run: Run) -> Proven:
        conn.cloud.asked("prove", self.key, step.on, lambda: None)
        return super().prove(conn, step, run)

    def undo(self, conn: Any, step: Step, left: Json, run: Run) -> Change:
        answer = conn.cloud.asked("undo", self.key, step.on, lambda: None)
        return answer or conn.cloud.done(self.back(conn.cloud, step, left))  # type: ignore[no-any-return]  # conn is Any


def last(step: Step) -> str:
    """The vendor's own name of the access that it ends."""
    return step.ends[0].rpartition("/")[2]
