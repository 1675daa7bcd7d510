"""One command's work on one run, from its first journal line to its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from nhi_revoke import __version__
from nhi_revoke.engine import guard
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.consent import Consent
from nhi_revoke.engine.doing import Doing
from nhi_revoke.engine.event import HoldEvent, Remaining, SaysEvent, Tell, WaitEvent
from nhi_revoke.engine.inventory import Surveyor
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.journal import Journal
from nhi_revoke.engine.nobody import nothing_there
from nhi_revoke.engine.pipeline import Pipeline, prove_all
from nhi_revoke.engine.planfile import save_plan
from nhi_revoke.engine.planner import make_plan
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.engine.report import make_report
from nhi_revoke.engine.residual import remaining
from nhi_revoke.engine.rounds import Rounds
from nhi_revoke.engine.runner import Runner
from nhi_revoke.engine.states import RunState, left_over, state_of
from nhi_revoke.engine.takeback import release_time
from nhi_revoke.engine.verdict import next_leads
from nhi_revoke.model.change import Lost
from nhi_revoke.model.error import NothingChanged, Partial, Refused, Stopped, Trouble
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.line import Closed, Noted, Opened, Verb
from nhi_revoke.model.plan import Plan, plan_digest
from nhi_revoke.model.report import Report


class Work:
    """Holds the journal of one run, under its lock."""

    def __init__(
        self,
        journal: Journal,
        connections: Connections,
        surveyor: Surveyor,
        io: EngineIo,
        pool: ThreadPoolExecutor,
        tell: Tell,
        *,
        protect: Sequence[str],
        plans: Path,
    ) -> None:
        self._journal = journal
        self._connections = connections
        self._surveyor = surveyor
        self._io = io
        self._pool = pool
        self._tell = tell
        self._protect = tuple(protect)
        self._plans = plans
        self.recorder = Recorder(journal, io.now)
        self._doing = Doing(connections, self.recorder)

    # -- verbs -----------------------------------------------------------------------------------------------------

    def begin(self, plan: Plan, verb: Verb, consent: Consent) -> Report:
        """A new run."""

        def work() -> None:
            self._open(plan, verb, consent)
            self._pipeline().carry_out()

        return self._to_the_end(work)

    def resume(self) -> Report:
        """Goes on with the newest section: what is done is not done again, what is in doubt is looked at first."""
        history = self.recorder.history
        section = history.now
        if section.opened.verb in ("revoke", "rotate", "apply"):
            return self._to_the_end(lambda: self._pipeline().carry_out())
        mine, left = tuple(section.steps.values()), left_over(history)
        if section.opened.verb != "hold" and (section.closed is None or any(not h.settled for h in mine)):
            left = ()  # first what this command itself did not come to the end with

        def work() -> None:
            self._runner().run(h.step for h in (*left, *mine))
            self._look_behind(section.opened.verb)
            if left:
                prove_all(self._doing, self.recorder, self._pool)

        return self._to_the_end(work, judged_by=history.first.opened.verb if left else None)

    def act(self, verb: Verb, plan: Plan, consent: Consent) -> Report:
        """A later plan on this run: undo, release, finish."""

        def work() -> None:
            if verb == "release":
                self._wait_until(
                    release_time(self.recorder.history, self._connections.registry, self._io.now()),
                    "until releasing brings no old session back",
                )
            self._open(plan, verb, consent)
            self._runner().run(plan.steps)
            self._look_behind(verb)
            prove_all(self._doing, self.recorder, self._pool)

        return self._to_the_end(work)

    def _look_behind(self, verb: Verb) -> None:
        """What somebody made while a brake was on (days, maybe) is let in with its release: it has to be told."""
        if verb == "release":
            self._rounds().look()

    def verify(self) -> Report:
        """Looks twice, reads the logs, proves anew. Changes nothing at the vendor.

        Raises NotFound and NothingCanStart where none of the principals could be looked at.
        """
        history = self.recorder.history

        def work() -> None:
            rounds = self._rounds()
            rounds.look()
            fresh, _ = rounds.look()  # twice: the first answer may come from an edge that lags
            if not fresh.principals:
                raise nothing_there(fresh)
            found = self._surveyor.observe(fresh, history.first.plan.intent)
            # What the logs of the others did not show is as unseen as before.
            seen = {p.ref for p in fresh.principals}
            logs = [note for s in history.sections for note in s.noted if note.source == "logs"]
            old = logs[-1].found if logs else ()
            kept = tuple(f for f in old if isinstance(f, BlindSpot) and f.on not in seen)
            self.recorder.write(Noted((*found, *kept), "logs", self._io.now()))
            prove_all(self._doing, self.recorder, self._pool, anew=True)

        # Nothing is taken back or deleted by it: it judges the run, but for one that was taken back as a whole.
        undone = state_of(history) is RunState.UNDONE
        return self._to_the_end(work, judged_by=None if undone else history.first.opened.verb)

    def hold(self, interval: float, until: datetime | None) -> Report:
        """Re-reads, puts back what was taken off, ends what appears; until the last residual has passed."""
        last = self.recorder.history.last_report
        end = until or (last.residual_until if last else None) or self._io.now()
        first = self.recorder.history.first

        def work() -> None:
            empty = replace(first.plan, steps=(), accesses=(), targets={}, residuals=(), open=(), notices=(), manual=())
            self._open(empty, "hold", Consent("apply"), first.opened.operator)
            rounds = self._rounds()
            number = max((s.rounds for s in self.recorder.history.sections), default=0)  # names of steps never repeat
            left = remaining(self.recorder.history, self._io.now())
            for look in count(1):
                rounds.again(number + look)
                now = self._io.now()
                left = self._passed(left, now)
                if now >= end:
                    break
                at = now + timedelta(seconds=min(interval, (end - now).total_seconds()))
                self._tell(HoldEvent(now, at, end, look, left, tuple(rounds.closed)))
                self._pause(now, at)
            prove_all(self._doing, self.recorder, self._pool)

        return self._to_the_end(work)

    # -- parts -----------------------------------------------------------------------------------------------------

    def _open(self, plan: Plan, verb: Verb, consent: Consent, operator: Sequence[str] | None = None) -> None:
        names = tuple(operator) if operator is not None else tuple(str(ref) for ref in plan.operator)
        run, at = self._journal.run, self._io.now()
        self.recorder.write(
            Opened(run, verb, plan, plan_digest(plan), names, consent.how, __version__, at, consent.approval)
        )

    def _pipeline(self) -> Pipeline:
        return Pipeline(self._doing, self.recorder, self._surveyor, self._io, self._pool, self._tell, self._plan_again)

    def _runner(self) -> Runner:
        settle = self.recorder.history.first.plan.intent.settle if self.recorder.history.sections else None
        return Runner(self._doing, self.recorder, self._io, self._pool, self._tell, settle)

    def _rounds(self) -> Rounds:
        runner = self._runner()
        return Rounds(self._doing, self.recorder, self._surveyor, runner, self._pool, self._tell, self._plan_again)

    def _plan_again(self, inventory: Inventory) -> Plan:
        intent = self.recorder.history.first.plan.intent
        return make_plan(
            inventory, replace(intent, rotate="no"), self._connections.registry, self._connections.scope_of_target
        )

    def _passed(self, before: Sequence[Remaining], now: datetime) -> tuple[Remaining, ...]:
        """What remains now; what does no longer is told once. Its time is over: that nothing else lasts is not said."""
        left = remaining(self.recorder.history, now)
        there = {each.access for each in left}
        for each in before:
            if each.access not in there:
                self._tell(SaysEvent(f"its time has passed: {each.says or each.access}"))
        return left

    def _wait_until(self, when: datetime, why: str) -> None:
        now = self._io.now()
        if when > now:
            self._tell(WaitEvent(when, now, why))
        self._pause(now, when)

    def _pause(self, now: datetime, until: datetime) -> None:
        """Raises Interrupted."""
        if until > now:
            self._io.clock.wait((until - now).total_seconds(), self._io.stop)
        if self._io.stop.is_set():
            raise Interrupted

    def _to_the_end(self, work: Callable[[], None], *, judged_by: Verb | None = None) -> Report:
        """Runs it and closes the section. A journal that cannot be written stops everything at once."""
        run = self._journal.run
        try:
            work()
            return self._close(judged_by)
        except Interrupted:
            raise Stopped(
                "interrupted",
                f"Interrupted. What was under way has ended and is journaled; nothing more was started (run {run}).",
                f"nhi-revoke resume {run}",
            ) from None
        except Refused as wrong:
            # A journal that somebody else writes to, or could: no guard's refusal before anything was done.
            if not self._changed():
                raise
            said = wrong.message.removesuffix(" Nothing was changed.")
            raise Partial(wrong.code, f"{said} Some steps of run {run} may be done.", wrong.hint) from None
        except OSError as wrong:
            changed = self._changed()
            error = Partial if changed else NothingChanged
            raise error(
                "journal",
                f"The journal of run {run} cannot be written: {wrong.strerror or wrong}. Nothing more was started"
                f"{', and some steps may be done' if changed else ', and nothing was changed'}.",
                f"Make room, then: nhi-revoke resume {run}" if changed else "Make room, then try again.",
            ) from None

    def _changed(self) -> bool:
        """Whether something was done, or may have been."""
        steps = self.recorder.history.steps.values()
        return any(h.accepted or h.asked or isinstance(h.change, Lost) for h in steps)

    def _close(self, judged_by: Verb | None) -> Report:
        now = self._io.now()
        report = make_report(self._journal, self.recorder.history, now, verb=judged_by)
        path = self._planned_next(report, now) if report.verb in ("revoke", "rotate", "apply") else None
        if path:
            report = make_report(self._journal, self.recorder.history, now, verb=judged_by, next_plan=path)
        self.recorder.write(Closed(report, self._io.now()))
        return replace(report, journal_sha256=self._journal.sha256())

    def _planned_next(self, report: Report, now: datetime) -> str | None:
        """Told where it cannot be made or written: the run has come to its end all the same, and has to be closed."""
        try:
            return self._next_plan(next_leads(report, now))
        except (OSError, Trouble) as wrong:
            why = wrong.message if isinstance(wrong, Trouble) else f"{self._plans}: {wrong.strerror or wrong}"
            self._tell(
                SaysEvent(
                    f"no plan was written for what was found elsewhere ({why}): list it, then revoke it", "danger"
                )
            )
            return None

    def _next_plan(self, leads: Sequence[Lead]) -> str | None:
        """What this run found elsewhere and had no consent to touch, as a plan to read and apply."""
        mine = {p.ref for p in self.recorder.history.first.plan.principals}
        refs = tuple(dict.fromkeys(lead.to for lead in leads if lead.to not in mine))
        if not refs:
            return None
        first = self.recorder.history.first.plan
        name = f"{first.identity.name}/reach"
        identity = Identity(name, refs, first.identity.owner)
        inventory = self._surveyor.look_on(identity, experimental=first.intent.experimental)
        usable = tuple(p for p in inventory.principals if self._allowed(p.ref, inventory))
        if not usable:
            return None
        kept = replace(inventory, principals=usable)
        intent = replace(first.intent, order="contain", scope="all", replace=(), rotate="no")
        plan = make_plan(kept, intent, self._connections.registry, self._connections.scope_of_target)
        self._plans.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._plans / f"{self._journal.run}.plan-2.json"
        save_plan(path, plan, overwrite=True)
        return str(path)

    def _allowed(self, ref: object, inventory: Inventory) -> bool:
        one = replace(inventory, principals=tuple(p for p in inventory.principals if p.ref == ref))
        plan = Plan(
            one.identity, self.recorder.history.first.plan.intent, one.at, one.principals, (), operator=one.operator
        )
        try:
            guard.check(plan, self._protect, None)
        except Refused:
            return False
        return True
