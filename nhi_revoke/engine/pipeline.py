"""The whole pipeline for one section of a run: contain, look again, read logs, rotate, prove."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.deliveries import CREATES
from nhi_revoke.engine.doing import Doing, proves
from nhi_revoke.engine.doubt import abandon, recover_secrets
from nhi_revoke.engine.event import SaysEvent, Tell, WaitEvent
from nhi_revoke.engine.grace import Grace
from nhi_revoke.engine.history import StepHistory
from nhi_revoke.engine.inventory import Surveyor
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.logs import LogReader
from nhi_revoke.engine.planner import plan_mints
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.engine.rounds import MOST_ROUNDS, Rounds
from nhi_revoke.engine.runner import Runner
from nhi_revoke.engine.watch import lineage_unread, live_leads, logs_cover
from nhi_revoke.model.change import Already, Failed, Lost, Skipped
from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.line import Noted
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Fault

CONTAINING = (Phase.CUT, Phase.END, Phase.SEAL)
ROTATING = (Phase.MINT, Phase.DELIVER, Phase.RELEASE, Phase.PROVE, Phase.SERVE)
LONGEST_WAIT = timedelta(minutes=15)
"""How long after the seal a mint waits for the logs, at most (design.md, "Two orders")."""


class Pipeline:
    """Carries the newest section of a run to its end; used for the first try and for `resume` alike."""

    def __init__(
        self,
        doing: Doing,
        recorder: Recorder,
        surveyor: Surveyor,
        io: EngineIo,
        pool: ThreadPoolExecutor,
        tell: Tell,
        plan_again: Callable[[Inventory], Plan],
    ) -> None:
        self._doing = doing
        self._recorder = recorder
        self._surveyor = surveyor
        self._io = io
        self._pool = pool
        self._tell = tell
        self.plan = recorder.history.now.plan
        mints = plan_mints(self.plan, doing.connections.registry)
        self._logs = LogReader(surveyor, self.inventory, self.plan.intent, mints, io)
        self._runner = Runner(doing, recorder, io, pool, tell, self.plan.intent.settle, on_acted=self._logs.acted)
        self._grace = Grace(recorder, surveyor, io, tell)
        self._rounds = Rounds(doing, recorder, surveyor, self._runner, pool, tell, plan_again)

    @property
    def inventory(self) -> Inventory:
        """What the plan was made from."""
        return Inventory(
            identity=self.plan.identity,
            at=self.plan.at,
            principals=self.plan.principals,
            accesses=self.plan.accesses,
            operator=self.plan.operator,
        )

    def carry_out(self) -> None:
        """Raises Interrupted after Ctrl-C; everything done until then is journaled."""
        try:
            if self.plan.intent.order == "rollover":
                self._rotate(wait_for_logs=False)
                ends = [s for s in self._steps() if s.phase is Phase.END and not self._recorder.of(s.id).accepted]
                self._contain(but=self._grace.wait(ends))
            else:
                self._contain()
                if self._rotate(wait_for_logs=self.plan.intent.rotate == "wait"):
                    # It waits for minutes, and takes brakes off: what somebody made meanwhile would be let in by that.
                    self._look_again()
            self._runner.run([s for s in self._steps() if s.phase is Phase.FLUSH])
            prove_all(self._doing, self._recorder, self._pool)  # beside the logs: neither needs the other
            self._read_logs()
        finally:
            self._logs.close(wait=not self._io.stop.is_set())

    def _steps(self) -> tuple[Step, ...]:
        return tuple(h.step for h in self._recorder.history.now.steps.values())

    # -- containing ------------------------------------------------------------------------------------------------

    def _contain(self, but: Collection[Step] = ()) -> None:
        early = [s for s in self._steps() if s.phase is Phase.FLUSH and s.to == "after the seal"]
        self._runner.run([*(s for s in self._steps() if s.phase in CONTAINING and s not in but), *early])
        self._look_again()

    def _look_again(self) -> None:
        """In rounds, until nothing is found that has to be ended."""
        for number in range(self._recorder.history.now.rounds + 1, MOST_ROUNDS + 1):
            if not self._rounds.again(number):
                break
        else:
            self._rounds.look()  # what still appears is open, and said

    # -- logs ------------------------------------------------------------------------------------------------------

    def _read_logs(self) -> tuple[Found, ...]:
        found = self._logs.found()
        self._recorder.write(Noted(found, "logs", self._io.now()))
        return found

    # -- rotating --------------------------------------------------------------------------------------------------

    def _rotate(self, *, wait_for_logs: bool) -> bool:
        """Whether anything was replaced, and nothing is in doubt: what may have been minted is no intruder's, and for
        `resume` to find.
        """
        steps = [s for s in self._steps() if s.phase in ROTATING]
        mints = [s for s in steps if s.phase is Phase.MINT]
        if not mints:
            return False
        begun = any(self._recorder.of(m.id).accepted or self._recorder.of(m.id).asked for m in mints)
        why = ("" if begun else self._unready(steps)) or (self._logs_forbid(mints) if wait_for_logs else "")
        if why:
            for step in steps:
                mine = self._recorder.of(step.id)
                if not mine.accepted and not isinstance(mine.change, Failed):
                    first = step.phase is Phase.MINT
                    self._recorder.result(step.id, Skipped(why if first else "not done: nothing was minted"))
            self._tell(SaysEvent(f"not replaced: {why}", "danger"))
            return False
        recover_secrets(self._doing, self._recorder, steps)
        late = [s for s in self._steps() if s.phase is Phase.FLUSH and s.to == "after the delivery"]
        self._runner.run([*steps, *late])
        self._end_of_rotation(steps)
        minted = [self._recorder.of(m.id) for m in mints]
        return any(h.accepted for h in minted) and not any(h.in_doubt for h in minted)

    def _unready(self, steps: Sequence[Step]) -> str:
        """Why a store could not take what would be minted, or a mint could not make it; nothing is minted then."""
        todo = [s for s in steps if not self._recorder.of(s.id).accepted]
        freeing = {s.id for s in todo if s.phase is Phase.MINT and not s.does.endswith(CREATES)}
        # A slot that this run frees first is still taken now.
        looks = [s for s in todo if s.phase is Phase.DELIVER]
        looks += [s for s in todo if s.phase is Phase.MINT and s.id not in freeing and not freeing & set(s.after)]
        for step, why in zip(looks, self._io.map(self._doing.unready, looks), strict=True):
            if why:
                self._recorder.result(step.id, Failed(why))
                return f"{step.says}: {why}"
        return ""

    def _logs_forbid(self, mints: Sequence[Step]) -> str:
        """Why a new key must not be minted now; empty when it may. Waits for the logs to cover the seal."""
        if all(self._recorder.of(m.id).accepted for m in mints):
            return ""
        contained = [h for h in self._recorder.history.now.steps.values() if h.step.phase in CONTAINING]
        for history in contained:
            if not history.settled and history.step.id in {a for m in mints for a in m.after}:
                return (
                    f"{history.step.says} ({history.step.on}) was not seen to hold: an intruder could take the new one"
                )
        found = self._read_logs()
        if unread := lineage_unread(found):
            return _unread(unread)
        if leads := live_leads(found, self._io.now()):
            return _outsider(leads[0])
        sealed = max((h.settled_at for h in contained if h.settled_at), default=self._io.now())
        until = min(logs_cover(found, sealed), sealed + LONGEST_WAIT)
        now = self._io.now()
        if until > now:
            self._tell(
                WaitEvent(until, now, "the logs to cover the seal, before a new key is minted (--rotate now skips)")
            )
            self._io.clock.wait((until - now).total_seconds(), self._io.stop)
            if self._io.stop.is_set():
                raise Interrupted
            found = self._read_logs()
            if unread := lineage_unread(found):
                return _unread(unread)
        leads = live_leads(found, self._io.now())
        return _outsider(leads[0]) if leads else ""

    def _end_of_rotation(self, steps: Sequence[Step]) -> None:
        """Nothing minted is left that nobody received; a failed proof puts the brake back."""
        for mint in (s for s in steps if s.phase is Phase.MINT and s.does.endswith(CREATES)):
            takers = [s for s in steps if s.takes == mint.id]
            serves = [self._recorder.of(s.id) for s in takers if s.phase is Phase.SERVE]
            if self._served_after_all(serves):
                continue
            proofs = [self._recorder.of(s.id) for s in takers if proves(s)]
            if not all(p.settled for p in proofs):
                self._brake_again(mint)
            if serves and all(h.settled for h in serves):
                self._recorder.forget(mint.id)
            elif not any(h.accepted or h.asked for h in serves):
                why = "taken back: the new one was not delivered, proven and served"
                abandon(self._doing, self._recorder, mint, takers, because=why)

    def _served_after_all(self, serves: Sequence[StepHistory]) -> bool:
        """Whether a store that refused or did not answer serves the new one all the same, or may: then it stays."""
        may = False
        for history in serves:
            if history.in_doubt and not self._doing.doer(history.step).shows:
                may = True
                continue
            if history.accepted or not isinstance(history.change, (Failed, Lost)):
                continue
            try:
                left = self._doing.look(history.step)
            except (Fault, KeyError):
                may = True  # nobody knows: a credential that may be in use is never destroyed
                continue
            if left is not None:
                self._recorder.result(history.step.id, Already(left))
                self._runner.run([history.step])
        return may

    def _brake_again(self, mint: Step) -> None:
        released = [
            s
            for s in self._steps()
            if s.phase is Phase.RELEASE and s.on == mint.on and self._recorder.of(s.id).accepted
        ]
        for release in released:
            brake = self._recorder.of(release.replaces or release.id).step
            self._tell(SaysEvent(f"the new one was not proven: the brake on {mint.on} goes back on", "danger"))
            self._recorder.vanished(brake.id)
            self._recorder.result(release.id, Skipped("the new one was not proven: the brake went back on"))
            self._runner.run([brake])


def _unread(spot: BlindSpot) -> str:
    return f"{spot.why}: a session that nobody has found could take the new one. --rotate now overrides"


def _outsider(lead: Lead) -> str:
    return (
        f"{lead.to} has a live session of this identity and is not part of this plan: "
        "it could take the new one. Contain it first, or --rotate now"
    )


def prove_all(doing: Doing, recorder: Recorder, pool: ThreadPoolExecutor, *, anew: bool = False) -> None:
    """Looks for a proof of each effect that holds; `anew`: of those that were proven before, too."""
    histories = recorder.history.steps
    back = {h.step.undoes for h in histories.values() if h.step.undoes and h.accepted}
    holding = [h for h in histories.values() if h.settled and h.step.undoes is None and h.step.id not in back]
    replaced = {h.step.replaces for h in holding}
    todo = [
        h.step for h in holding if h.step.id not in replaced and (h.proven is None or (anew and not proves(h.step)))
    ]
    for step, proven in zip(todo, pool.map(doing.prove, todo), strict=True):
        recorder.proved(step.id, proven)
