"""What appears, or is taken back, while a run works: ended, settled, sealed again; three rounds at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from nhi_revoke.engine.doing import Doing
from nhi_revoke.engine.edges import upstream
from nhi_revoke.engine.event import SaysEvent, Tell
from nhi_revoke.engine.history import StepHistory
from nhi_revoke.engine.inventory import Surveyor
from nhi_revoke.engine.namesakes import namesakes, without
from nhi_revoke.engine.planner import plan_mints
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.engine.runner import Runner
from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.line import Extended, Noted
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef, Utc
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied, Fault

MOST_ROUNDS = 3
LIVE, SHUT = ("live", "unknown"), "shut"
CONTAINING = (Phase.CUT, Phase.END, Phase.SEAL)


class Rounds:
    """Looks at the plan's own principals again and closes what came open; never touches another principal."""

    def __init__(
        self,
        doing: Doing,
        recorder: Recorder,
        surveyor: Surveyor,
        runner: Runner,
        pool: ThreadPoolExecutor,
        tell: Tell,
        plan_again: Callable[[Inventory], Plan],
    ) -> None:
        self._doing = doing
        self._pool = pool
        self._recorder = recorder
        self._surveyor = surveyor
        self._runner = runner
        self._tell = tell
        self._plan_again = plan_again
        self._said: set[str] = set()
        """Accesses that were told: `hold` looks for hours, and what no step ends would be told at each look."""
        self._namesakes: set[PrincipalRef] = set()
        """Principals whose name another one has, in the newest look."""
        self.closed: list[str] = []
        """What was ended, or done again, in these rounds and was seen to have settled."""

    def again(self, number: int) -> bool:
        """One round. True when something was found open and worked on, so that another look is due."""
        plan = self._recorder.history.first.plan
        fresh, gone = self.look()
        gone = tuple(h for h in gone if h.step.on not in self._namesakes)  # what another one has is not ours to change
        new = self.appeared(fresh)
        if not gone and not new:
            return False
        for history in gone:
            self._tell(
                SaysEvent(f"somebody took back: {history.step.says} ({history.step.on}). Doing it again.", "danger")
            )
        for access in (a for a in new if a.id not in self._said):
            self._said.add(access.id)
            word = "found besides" if self._late(access) else "appeared during the run"
            self._tell(SaysEvent(f"{word}: {access.label or access.id} on {access.on}", "danger"))
        if plan.intent.follow == "none":
            new = ()
        steps = self._steps_for(new, gone, fresh, number)
        if not steps and not gone:
            return False
        if steps:
            why = "; ".join([*(f"appeared {a.id}" for a in new), *(f"taken back {h.step.id}" for h in gone)])
            self._recorder.write(Extended(tuple(steps), number, why, fresh.at))
        todo = [*(h.step for h in gone), *steps]
        self._runner.run(todo)
        done = (self._recorder.of(step.id) for step in todo)
        self.closed += [history.step.says for history in done if history.settled]
        return True

    def look(self) -> tuple[Inventory, tuple[StepHistory, ...]]:
        """A fresh inventory (journaled where it shows something new) and the effects that no longer hold."""
        plan = self._recorder.history.first.plan
        old = taken_back(self._recorder.history.steps.values())
        effects = effective(self._recorder.history.steps.values())
        # One moment for both: what is there, and what of ours still holds.
        holding = [self._pool.submit(self._holds, history) for history in effects]
        fresh = self._surveyor.look(
            replace(plan.identity, principals=tuple(p.ref for p in plan.principals)),
            enrich=False,
            experimental=plan.intent.experimental,
        )
        fresh = self._without_namesakes(plan, fresh)
        known: dict[str, str] = {a.id: _standing(a) for a in plan.accesses}
        for history in self._recorder.history.steps.values():
            known.update((str(made), "disabled") for made in history.left.get("made") or () if made not in known)
        for found, note in self._recorder.history.found:
            if isinstance(found, Access) and note.source != "logs":
                known[found.id] = _standing(found)
        minted = self._minted()
        changed = tuple(
            a
            for a in fresh.accesses
            if a.id not in minted and (a.id not in known or (_standing(a) in LIVE and known[a.id] not in LIVE))
        )
        late = tuple(a for a in changed if a.id not in known and self._late(a))
        if late:
            self._recorder.write(Noted(late, "late", fresh.at))
        changed = tuple(a for a in changed if a not in late)
        told = {*plan.leads, *(f for f, _ in self._recorder.history.found if isinstance(f, Lead))}
        leads = tuple(lead for lead in fresh.leads if lead not in told)
        if changed or leads:
            self._recorder.write(Noted((*changed, *leads), "state", fresh.at))
        read = [(h, holds.result()) for h, holds in zip(effects, holding, strict=True)]
        gone = tuple(h for h, holds in read if holds is False)
        for history in gone:
            self._recorder.vanished(history.step.id)
        spots = unread(fresh, ((h, fault) for h, fault in read if isinstance(fault, Fault)))
        self._note_unread((*spots, *(b for b in fresh.blind if b not in plan.blind)), fresh.at)
        return fresh, (*old, *gone)

    def _note_unread(self, spots: tuple[BlindSpot, ...], at: Utc) -> None:
        """Journals what this look could not read, where that is not what the last one could not."""
        notes = [n for s in self._recorder.history.sections for n in s.noted if n.source == "unread"]
        before = Counter((f.on, f.kind) for f in notes[-1].found if isinstance(f, BlindSpot)) if notes else Counter()
        if Counter((spot.on, spot.kind) for spot in spots) == before:
            return
        self._recorder.write(Noted(spots, "unread", at))
        for spot in (s for s in spots if s.counts and (s.on, s.kind) not in before):
            self._tell(SaysEvent(f"UNSEEN {spot.on}: {spot.why}", "danger"))

    def appeared(self, fresh: Inventory) -> tuple[Access, ...]:
        """Live accesses that were not there, or not live, when the plan was made, and that no step ends yet."""
        plan = self._recorder.history.first.plan
        before = {a.id: a for a in plan.accesses}
        ended = {a for h in self._recorder.history.steps.values() for a in h.step.ends}
        minted = self._minted()
        return tuple(
            a
            for a in fresh.accesses
            if a.state in LIVE
            and a.family != "trust"
            and a.opens
            and a.id not in minted
            and a.id not in ended
            and plan.intent.covers(a)
            and (a.id not in before or (_standing(a) in LIVE and _standing(before[a.id]) not in LIVE))
        )

    def _without_namesakes(self, plan: Plan, fresh: Inventory) -> Inventory:
        """Tells and journals each once. A name that another one has stays unseen for the run."""
        spots = namesakes(plan, fresh)
        told = [f for f, _ in self._recorder.history.found if isinstance(f, BlindSpot)]
        new = tuple(spot for spot in spots if spot not in told)
        if new:
            self._recorder.write(Noted(new, "state", fresh.at))
        for spot in new:
            self._tell(SaysEvent(f"UNSEEN {spot.on}: {spot.why}", "danger"))
        self._namesakes = {spot.on for spot in spots}
        return without(fresh, plan, self._namesakes)

    def _late(self, access: Access) -> bool:
        """Whether it was not looked for before: its kind takes long to list."""
        return self._doing.connections.registry.kind(access.kind).late

    def _minted(self) -> set[str]:
        mints = (h for h in self._recorder.history.steps.values() if h.step.phase is Phase.MINT)
        return {str(h.left["id"]) for h in mints if "id" in h.left}

    def _holds(self, history: StepHistory) -> bool | Fault:
        """Unreadable is not "taken back", nor is it "still there"."""
        try:
            return self._doing.look(history.step) is not None
        except Fault as fault:
            return fault

    def _steps_for(
        self, new: Sequence[Access], gone: Sequence[StepHistory], fresh: Inventory, number: int
    ) -> list[Step]:
        ids = {a.id for a in new}
        drafted = (
            [s for s in self._plan_again(fresh).steps if s.phase is Phase.END and ids & set(s.ends)] if new else []
        )
        ends = [replace(s, id=f"r{number}-{n + 1}", after=()) for n, s in enumerate(self._consented(drafted))]
        reopened = {s.on for s in ends} | {h.step.on for h in gone}
        waits = tuple(s.id for s in ends) + tuple(h.step.id for h in gone if h.step.phase is Phase.END)
        redone = {h.step.id for h in gone}
        return ends + self._seals(reopened, waits, redone, number)

    def _consented(self, drafted: Sequence[Step]) -> list[Step]:
        """Whoever was shown no irreversible change has consented to none: such a one is told, and stays open."""
        if self._recorder.history.first.plan.irreversible:
            return list(drafted)
        for step in drafted:
            if not step.reversible:
                why = "it cannot be taken back, and nothing of that kind was consented to"
                self._tell(SaysEvent(f"not done: {step.says} ({step.on}): {why}. Make a new plan.", "danger"))
        return [step for step in drafted if step.reversible]

    def _seals(self, reopened: set[PrincipalRef], waits: tuple[str, ...], redone: set[str], number: int) -> list[Step]:
        """Seals again for what was re-opened and for everything it can mint for."""
        if not waits:
            return []
        plan = self._recorder.history.first.plan
        mints = plan_mints(plan, self._doing.connections.registry)
        touched = {p.ref for p in plan.principals if p.ref in reopened or upstream(p.ref, mints) & reopened}
        out: list[Step] = []
        for history in effective(self._recorder.history.steps.values()):
            step = history.step
            again = step.phase is Phase.SEAL or (step.phase is Phase.CUT and self._doing.doer(step).again)
            if step.on in touched and again and step.id not in redone:
                out.append(
                    replace(step, id=f"r{number}-seal-{len(out) + 1}", phase=Phase.SEAL, after=waits, replaces=step.id)
                )
        return out


def taken_back(histories: Iterable[StepHistory]) -> tuple[StepHistory, ...]:
    """Containing steps that an earlier look found undone by somebody else, and that nothing has put back yet."""
    histories = tuple(histories)
    swapped = {h.step.replaces for h in histories if h.step.replaces and h.accepted}
    return tuple(h for h in histories if h.gone and h.step.phase in CONTAINING and h.step.id not in swapped)


def effective(histories: Iterable[StepHistory]) -> tuple[StepHistory, ...]:
    """Containing steps that hold, that no later step swapped out and that nobody took back on purpose."""
    histories = tuple(histories)
    swapped = {h.step.replaces for h in histories if h.step.replaces and h.accepted}
    undone = {h.step.undoes for h in histories if h.step.undoes and h.accepted}
    does = {h.step.id: h.step.does for h in histories}
    return tuple(
        h
        for h in histories
        if h.settled
        and h.step.id not in swapped | undone
        and not h.step.undoes
        # A release of its own kind still denies the older sessions; one that is an undo denies nothing.
        and (
            h.step.phase in CONTAINING
            or (h.step.phase is Phase.RELEASE and h.step.does != does.get(h.step.replaces or ""))
        )
    )


def unread(fresh: Inventory, effects: Iterable[tuple[StepHistory, Fault]]) -> tuple[BlindSpot, ...]:
    """What a look could not read: whole principals (a login that ended, one that is not found), and effects."""
    spots = {
        (each.ref, "principal"): BlindSpot(each.ref, "principal", f"it could not be looked at again ({each.why})")
        for each in fresh.unreachable
    }
    away = {on for on, _ in spots}
    for history, fault in effects:
        step = history.step
        key = (step.on, step.does.rpartition("/")[0])
        if step.on not in away and key not in spots:
            why = f"whether this still holds could not be read: {step.says} ({fault.message})"
            spots[key] = BlindSpot(*key, why, fault.needs if isinstance(fault, Denied) else "")
    return tuple(spots.values())


def _standing(access: Access) -> str:
    """Its state; another word for one that is shut as things stand, so that it is seen to open again."""
    return SHUT if access.shut else access.state
