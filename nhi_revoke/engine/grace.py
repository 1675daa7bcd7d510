"""Rollover: how long the old credential lives on beside the new one: for a while, and until nobody uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.event import SaysEvent, Tell, WaitEvent
from nhi_revoke.engine.inventory import Surveyor
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.model.change import Skipped
from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import LONGEST_UNUSED
from nhi_revoke.model.ref import AccessId, Utc
from nhi_revoke.model.step import Phase, Step

LOOK_AGAIN = timedelta(minutes=1)
"""Between two looks, where a last use could not be read."""


class Grace:
    """Waits on the engine's clock. Raises Interrupted after Ctrl-C: both work then, and `resume` goes on."""

    def __init__(self, recorder: Recorder, surveyor: Surveyor, io: EngineIo, tell: Tell) -> None:
        self._recorder = recorder
        self._surveyor = surveyor
        self._io = io
        self._tell = tell
        self._plan = recorder.history.now.plan

    def wait(self, ends: Sequence[Step]) -> tuple[Step, ...]:
        """The steps of `ends` that must not be done now, since what they end is still in use; journaled as skipped.

        Returns at once where nothing was served: what needs it is stopped elsewhere.
        """
        served = [h.settled_at for h in self._recorder.history.now.steps.values() if h.step.phase is Phase.SERVE]
        moments = [at for at in served if at]
        if not moments or len(moments) < len(served):
            return ()
        since = max(moments)
        if self._plan.intent.grace > 0:
            self._until(since + timedelta(seconds=self._plan.intent.grace), "grace: the old credential ends then")
        if self._plan.intent.until_unused <= 0:
            return ()
        return self._left(ends, self._unused(since, ends))

    def _unused(self, since: datetime, ends: Sequence[Step]) -> Mapping[AccessId, str]:
        """Why the old ones may not end, by their ids; empty once nothing speaks against it."""
        quiet = timedelta(seconds=self._plan.intent.until_unused)
        served = since.replace(microsecond=0)  # vendors tell a last use by whole seconds
        longest = since + timedelta(seconds=self._plan.intent.grace + LONGEST_UNUSED)
        old = self._watched(ends)
        said: set[str] = set()
        while True:
            due, why = since + quiet, "the old credential ends then, unless a use of it shows"
            busy: dict[AccessId, str] = {}
            now = self._io.now()
            uses = self._surveyor.last_uses(old, self._plan.principals)
            for access in old:
                name, last = access.label or access.id, uses[access.id]
                if isinstance(last, str):
                    busy[access.id] = f"when {name} was last used cannot be read ({last})"
                    free, then = now + LOOK_AGAIN, busy[access.id]
                elif last is not None and last >= served and last + quiet > now:
                    busy[access.id] = f"{name} is still in use: last at {_minute(last)}"
                    free, then = last + quiet, f"{busy[access.id]}; it ends then, unless it is used again"
                else:
                    continue
                due, why = max((due, why), (free, then))
            if due <= now or now >= longest:
                return busy
            for each in busy.values():
                if each not in said:
                    self._tell(SaysEvent(each, "warning"))
            said.update(busy.values())
            self._until(min(due, longest), why)

    def _watched(self, ends: Sequence[Step]) -> list[Access]:
        """What ends, and of which the vendor tells a last use that is exact enough to wait for."""
        ids = {access for step in ends for access in step.ends}
        return [a for a in self._plan.accesses if a.id in ids and self._surveyor.tells_use(a)]

    def _left(self, ends: Sequence[Step], busy: Mapping[AccessId, str]) -> tuple[Step, ...]:
        left = tuple(step for step in ends if any(access in busy for access in step.ends))
        for step in left:
            why = "; ".join(busy[access] for access in step.ends if access in busy)
            self._recorder.result(step.id, Skipped(f"{why}. It was left to work: find who uses it, then resume"))
        if left:
            self._tell(SaysEvent(f"not ended: {'; '.join(busy.values())}", "danger"))
        return left

    def _until(self, until: datetime, why: str) -> None:
        now = self._io.now()
        if until > now:
            self._tell(WaitEvent(until, now, why))
            self._io.clock.wait((until - now).total_seconds(), self._io.stop)
        if self._io.stop.is_set():
            raise Interrupted


def _minute(at: Utc) -> str:
    return f"{at:%Y-%m-%dT%H:%MZ}"
