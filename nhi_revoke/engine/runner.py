"""The plan's graph on a thread pool: ask, look until seen, wait until settled, look again.

A failed step stops only what depends on it. Workers never wait; this loop does, on a clock that can be put in.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.doing import Doing, proves
from nhi_revoke.engine.doubt import settle_doubt
from nhi_revoke.engine.event import CountEvent, StepEvent, Tell, WaitEvent
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.logs import Acted
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.model.change import Failed, Impossible, Lost, Skipped
from nhi_revoke.model.ref import PrincipalRef, StepId
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import Denied, Fault

UNTIL_SEEN = 60.0
"""Seconds that an accepted change may take to show in the vendor's own reads before it counts as only requested."""
FIRST_LOOK_AGAIN = 0.5
LONGEST_LOOK_AGAIN = 8.0
SOON, LONGEST_SOON = 15.0, 2.0
"""In the first seconds after a change was accepted, a pause is no longer than this: most changes show within them, and
whoever waits for the containment waits for the pause, too."""
ATTEMPTS = 3


class Stage(Enum):
    WAITING = "waiting"
    ASKING = "asking"
    LOOKING = "looking"
    SETTLING = "settling"
    DONE = "done"
    STUCK = "stuck"


class Going(Struct):
    """Where one step stands in this loop."""

    step: Step
    stage: Stage = Stage.WAITING
    looks: int = 0
    since: datetime | None = None


class Runner:
    """Runs sets of steps to their end; what is done already is not done again."""

    def __init__(
        self,
        doing: Doing,
        recorder: Recorder,
        io: EngineIo,
        pool: ThreadPoolExecutor,
        tell: Tell,
        settle: float | None,
        on_acted: Callable[[Acted], None] | None = None,
    ) -> None:
        self._doing = doing
        self._recorder = recorder
        self._io = io
        self._pool = pool
        self._tell = tell
        self._settle = settle
        self._going: dict[StepId, Going] = {}
        self._timers: list[tuple[datetime, int, StepId]] = []
        self._number = itertools.count()
        self._flying: dict[Future[None], StepId] = {}
        self._on_acted = on_acted

    def run(self, steps: Iterable[Step]) -> None:
        """Raises Interrupted once everything under way has ended and is journaled; OSError when the journal is full."""
        for step in steps:
            going = self._going[step.id] = Going(step)
            if self._recorder.of(step.id).settled:
                going.stage = Stage.DONE
        self._timers.clear()
        try:
            self._loop()
        finally:
            wait(self._flying)  # after an error: what is under way ends, and nothing follows it
            self._flying.clear()
        if self._io.stop.is_set():
            raise Interrupted

    def _loop(self) -> None:
        while True:
            if not self._io.stop.is_set():
                self._fire()
                self._start_ready()
            if self._flying:
                wait(self._flying, timeout=self._until_next(), return_when=FIRST_COMPLETED)
                self._collect()
            elif self._timers and not self._io.stop.is_set():
                self._wait_for_timer()
            else:
                return

    # -- starting --------------------------------------------------------------------------------------------------

    def _start_ready(self) -> None:
        locked = {g.step.lock for g in self._going.values() if g.step.lock and g.stage in (Stage.ASKING, Stage.LOOKING)}
        for going in self._going.values():
            step = going.step
            if going.stage is not Stage.WAITING or (step.lock and step.lock in locked):
                continue
            blocker = self._blocker(step)
            if blocker is not None:
                if blocker:
                    self._skip(going, blocker)
                continue
            if step.lock:
                locked.add(step.lock)
            going.stage = Stage.ASKING
            self._tell(StepEvent(step.id, step.says, step.phase.value, "started"))
            self._submit(step, self._begin)

    def _blocker(self, step: Step) -> str | None:
        """None: go. Empty: wait. Else: why it will never go."""
        waiting = False
        for before in step.after:
            going = self._going.get(before)
            settled = self._recorder.history.has(before) and self._recorder.of(before).settled
            if settled and (going is None or going.stage is Stage.DONE):
                continue
            if going is None or going.stage is Stage.STUCK:
                if self._only_first(before, step):
                    continue
                return f"not done, because {before} ({self._recorder.of(before).step.says}) was not seen to hold"
            waiting = True
        return "" if waiting else None

    def _only_first(self, before: StepId, step: Step) -> bool:
        """Half a containment beats none: what was to go first, and failed, is told, and holds up seals alone."""
        ended = step.phase in (Phase.CUT, Phase.END)
        return ended and self._doing.doer(self._recorder.of(before).step).only_first

    def _skip(self, going: Going, why: str) -> None:
        going.stage = Stage.STUCK
        if not self._recorder.of(going.step.id).accepted:
            self._recorder.result(going.step.id, Skipped(why))
        self._tell(StepEvent(going.step.id, going.step.says, going.step.phase.value, "skipped", why))

    def _submit(self, step: Step, work: Callable[[Step], None]) -> None:
        self._flying[self._pool.submit(work, step)] = step.id

    # -- in workers ------------------------------------------------------------------------------------------------

    def _begin(self, step: Step) -> None:
        """First touch: what a crash left in doubt is looked at before anything is asked again."""
        mine = self._recorder.of(step.id)
        if mine.accepted and not mine.gone:
            return
        doubtful = not proves(step) and (mine.asked or isinstance(mine.change, Lost))
        if not doubtful or settle_doubt(self._doing, self._recorder, step):
            self._ask(step)

    def _ask(self, step: Step) -> None:
        self._recorder.intend(step.id)
        change = self._doing.ask(step)
        self._recorder.result(step.id, change)

    def _again(self, step: Step) -> None:
        if proves(step) or settle_doubt(self._doing, self._recorder, step):
            self._ask(step)

    def _look(self, step: Step) -> None:
        self._look_once(step, settled=False)

    def _look_settled(self, step: Step) -> None:
        self._look_once(step, settled=True)

    def _look_once(self, step: Step, *, settled: bool) -> None:
        left = self._doing.look(step)
        if left is not None:
            self._recorder.looked(step.id, left, self._io.now(), settled=settled)

    # -- what came of it -------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        for future in [f for f in self._flying if f.done()]:
            going = self._going[self._flying.pop(future)]
            error = future.exception()
            if isinstance(error, Fault):
                self._unreadable(going, error)
            elif isinstance(error, Interrupted):
                going.stage = Stage.STUCK
            elif error is not None:
                going.stage = Stage.STUCK
                raise error
            else:
                self._next(going)
        self._count()

    def _next(self, going: Going) -> None:
        step, mine = going.step, self._recorder.of(going.step.id)
        if going.stage is Stage.ASKING:
            self._after_asking(going)
        elif going.stage is Stage.LOOKING:
            if mine.seen_at is None:
                self._look_later(going)
            else:
                self._seen(going)
        elif going.stage is Stage.SETTLING:
            if mine.settled:
                going.stage = Stage.DONE
                self._say(step, "settled")
            else:
                self._recorder.vanished(step.id)
                self._after_vanishing(going)

    def _after_asking(self, going: Going) -> None:
        step, mine = going.step, self._recorder.of(going.step.id)
        if mine.accepted:
            self._say(step, "asked")
            going.stage, going.since, going.looks = Stage.LOOKING, self._io.now(), 0
            if mine.seen_at is not None:
                self._seen(going)
            else:
                self._submit(step, self._look)
        elif isinstance(mine.change, Lost) and self._may_repeat(going):
            self._later(going, min(LONGEST_LOOK_AGAIN, FIRST_LOOK_AGAIN * 2.0**mine.attempts))
        else:
            going.stage = Stage.STUCK
            change = mine.change
            if isinstance(change, (Failed, Impossible, Skipped, Lost)):
                word = {Failed: "failed", Impossible: "impossible", Skipped: "skipped", Lost: "lost"}[type(change)]
                self._say(step, word, change.why)

    def _may_repeat(self, going: Going) -> bool:
        mine = self._recorder.of(going.step.id)
        if proves(going.step):
            going.since = going.since or self._io.now()
            return (self._io.now() - going.since).total_seconds() < UNTIL_SEEN
        if not self._doing.doer(going.step).shows:
            return False
        going.looks += 1  # an orphan that cannot be destroyed keeps a mint in doubt without another attempt
        most = 2 if isinstance(self._doing.doer(going.step), Mint) else ATTEMPTS
        return mine.attempts < most and going.looks < ATTEMPTS

    def _after_vanishing(self, going: Going) -> None:
        """Somebody took it back while it settled: asked again, a few times, then told as open."""
        if self._recorder.of(going.step.id).vanished < ATTEMPTS:
            going.stage = Stage.WAITING  # for its lock, like the first time; and Ctrl-C starts nothing
        else:
            going.stage = Stage.STUCK
            self._say(going.step, "failed", "somebody keeps taking it back")

    def _seen(self, going: Going) -> None:
        self._say(going.step, "seen")
        going.stage = Stage.SETTLING
        seen_at = self._recorder.of(going.step.id).seen_at
        pause = self._doing.settle(going.step, self._settle)
        if pause > 0 and seen_at is not None:
            passed = (self._io.now() - seen_at).total_seconds()
            pause = max(0.0, pause - max(0.0, passed))
        if pause > 0:
            self._later(going, pause)
        else:
            self._submit(going.step, self._look_settled)

    def _look_later(self, going: Going) -> None:
        going.looks += 1
        since = going.since or self._io.now()
        own = 0.0 if proves(going.step) else self._doing.doer(going.step).shows_within
        waited = (self._io.now() - since).total_seconds()
        if waited >= max(UNTIL_SEEN, own):
            going.stage = Stage.STUCK
            self._say(going.step, "failed", "accepted, but the vendor's own reads do not show it")
            return
        longest = LONGEST_SOON if waited < SOON else LONGEST_LOOK_AGAIN
        self._later(going, min(longest, FIRST_LOOK_AGAIN * 2.0 ** (going.looks - 1)))

    def _unreadable(self, going: Going, fault: Fault) -> None:
        if going.stage is Stage.ASKING:  # asked before a crash, and nobody can tell what came of it
            why = f"whether it happened before could not be looked at: {fault.message}"
            self._recorder.result(going.step.id, Lost(why))
            going.stage = Stage.STUCK
            self._say(going.step, "lost", why)
        elif isinstance(fault, Denied):
            going.stage = Stage.STUCK
            self._say(going.step, "failed", f"accepted, but unseen: {fault.message}")
        elif going.stage is Stage.SETTLING:
            going.looks += 1
            if going.looks > ATTEMPTS:
                going.stage = Stage.STUCK
                self._say(going.step, "failed", f"seen once, the second look failed: {fault.message}")
            else:
                self._later(going, FIRST_LOOK_AGAIN)
        else:
            self._look_later(going)

    def _say(self, step: Step, what: str, detail: str = "") -> None:
        self._tell(StepEvent(step.id, step.says, step.phase.value, what, detail))  # type: ignore[arg-type]  # a literal

    # -- timers ----------------------------------------------------------------------------------------------------

    def _later(self, going: Going, seconds: float) -> None:
        heapq.heappush(self._timers, (self._io.now() + timedelta(seconds=seconds), next(self._number), going.step.id))

    def _fire(self) -> None:
        now = self._io.now()
        while self._timers and self._timers[0][0] <= now:
            going = self._going[heapq.heappop(self._timers)[2]]
            work = {Stage.ASKING: self._again, Stage.LOOKING: self._look, Stage.SETTLING: self._look_settled}
            self._submit(going.step, work[going.stage])

    def _until_next(self) -> float | None:
        if self._io.stop.is_set() or not self._timers:
            return None
        return max(0.0, (self._timers[0][0] - self._io.now()).total_seconds())

    def _wait_for_timer(self) -> None:
        due, _, step_id = self._timers[0]
        now = self._io.now()
        if self._going[step_id].stage is Stage.SETTLING:
            self._tell(WaitEvent(due, now, "the vendor's propagation (settle)"))
        self._io.clock.wait((due - now).total_seconds(), self._io.stop)

    def _count(self) -> None:
        histories = [self._recorder.of(g.step.id) for g in self._going.values()]
        acts = [h for h in histories if h.step.phase in (Phase.CUT, Phase.END)]
        seals = [h for h in histories if h.step.phase is Phase.SEAL]
        failed = sum(isinstance(h.change, (Failed, Impossible)) for h in histories)
        acted = sum(h.seen_at is not None or h.settled for h in acts)
        if acts or seals:
            self._tell(CountEvent(acted, len(acts), sum(h.settled for h in seals), len(seals), failed))
        busy = {g.step.id for g in self._going.values() if g.stage in (Stage.WAITING, Stage.ASKING, Stage.LOOKING)}
        if self._on_acted is not None and acts:
            seen: dict[PrincipalRef, bool] = {}
            for each in acts:
                seen[each.step.on] = seen.get(each.step.on, True) and each.step.id not in busy
            self._on_acted(seen)


def pending(steps: Sequence[Step], recorder: Recorder) -> tuple[Step, ...]:
    """Those that have not settled yet."""
    return tuple(s for s in steps if not recorder.of(s.id).settled)
