"""Plans that come after a run: undo, release, finish. Pure, but for the registry's doers and the clock given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.engine.planner import release_step
from nhi_revoke.engine.states import braked
from nhi_revoke.model.change import Already
from nhi_revoke.model.error import NotFound, Refused
from nhi_revoke.model.found import Access
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import AccessId, StepId
from nhi_revoke.model.step import Notice, Phase, Step
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.layout import shown
from nhi_revoke.provider.registry import Registry

UNDOABLE = (Phase.CUT, Phase.END, Phase.SEAL)


def undo_plan(history: History, accesses: Sequence[AccessId], rearm: Sequence[AccessId], now: datetime) -> Plan:
    """Every change that holds, newest first; what would bring an intruder back is left out and said.

    Raises Refused with the time when nothing may be taken back yet, NotFound for an access that the run did not touch.
    """
    todo = [h for h in _holding(history) if not accesses or set(accesses) & set(h.step.ends)]
    todo += [] if accesses else _forgot(history)
    if accesses and (unknown := set(accesses) - {a for h in todo for a in h.step.ends}):
        raise NotFound("not-touched", f"this run changed nothing on {', '.join(sorted(unknown))}")
    notices: list[Notice] = []
    steps: list[Step] = []
    for h in reversed(todo):
        why = _kept_because(h, history, rearm, now)
        if why:
            notices.append(Notice(h.step.on, why, "danger"))
        else:
            steps.append(_undo_step(h.step, history))
    if not steps:
        said = " ".join(n.says for n in notices) or "This run left nothing that can be taken back."
        raise Refused("nothing-to-undo", said, "--rearm ACCESS_ID overrides for one access, knowingly.")
    undone = {s.undoes: s.id for s in steps}
    ordered = [
        replace(s, after=tuple(undone[h.step.id] for h in todo if s.undoes in h.step.after and h.step.id in undone))
        for s in steps
    ]
    return _later_plan(history, ordered, notices, now)


def _holding(history: History) -> list[StepHistory]:
    """Steps whose effect holds and that no `finish` made final; of a cut and its seal, the later."""
    steps = [h for s in history.sections for h in s.steps.values()]
    final = {f"finish-{h.step.id}" for h in steps} & {h.step.id for h in steps if h.settled}
    does = {h.step.id: h.step.does for h in steps}
    back = {h.step.undoes for h in steps if h.step.undoes and h.settled}
    swapped = {h.step.replaces for h in steps if h.step.replaces and h.accepted}
    return [
        h
        for h in steps
        if (h.step.phase in UNDOABLE or _cuts_instead(h.step, does))
        and not h.step.undoes
        and (h.settled or h.accepted)
        and h.step.id not in back
        and h.step.id not in swapped
        and f"finish-{h.step.id}" not in final
    ]


def _forgot(history: History) -> list[StepHistory]:
    """What `finish` made stores forget, and they can recall: versions disabled, labels taken off."""
    back = history.taken_back
    served = {f"finish-{h.step.id}" for h in history.steps.values() if h.step.phase is Phase.SERVE}
    return [
        h
        for h in history.steps.values()
        if h.step.id in served and h.settled and h.step.reversible and h.step.id not in back
        # What was so before this run came is not this run's to take back.
        and not isinstance(h.change, Already)
    ]  # fmt: skip


def _cuts_instead(step: Step, does: Mapping[StepId, str]) -> bool:
    """A release by a doer of its own leaves a weaker cut in the brake's place: that is what an undo takes back."""
    return step.phase is Phase.RELEASE and does.get(step.replaces or "", step.does) != step.does


def _kept_because(h: StepHistory, history: History, rearm: Sequence[AccessId], now: datetime) -> str:
    step = h.step
    if not step.reversible:
        return f"irreversible: {step.says}."
    if set(rearm) & set(step.ends):
        return ""
    if step.rearms == "always":
        how = f"; --rearm {step.ends[0]} to do so" if step.ends else ""
        return f"{step.says}: taking it back makes a leaked credential work again{how}."
    if isinstance(step.rearms, int | float):
        ends = [
            x.settled_at or x.changed_at
            for x in history.steps.values()
            if x.step.phase in UNDOABLE and not x.step.undoes
        ]
        last = max([t for t in (*ends, h.settled_at or h.changed_at) if t], default=now)
        safe = last + timedelta(seconds=step.rearms)
        if now < safe:
            return (
                f"{step.says}: taking it back brings older sessions back to life; safe after {safe:%Y-%m-%dT%H:%M:%SZ}."
            )
    return ""


def _undo_step(step: Step, history: History) -> Step:
    # Taking a release back by its own doer would put the brake on again; undo means what was before the brake.
    does = history.step(step.replaces).step.does if step.phase is Phase.RELEASE and step.replaces else step.does
    return replace(
        step,
        does=does,
        id=f"undo-{step.id}",
        phase=Phase.END,
        says=f"take back: {step.says}",
        undoes=step.id,
        replaces=None,
        after=(),
        breaks="",
        brake=False,
        rearms="no",
    )


def release_plan(history: History, registry: Registry, now: datetime, *, wait: bool) -> Plan:
    """Takes brakes off so that what the principal still needs works; the old accesses stay ended.

    Raises Refused when no brake is on, or when releasing now would bring old sessions back (and `wait` is not set), or
    let in by what the run could not end.
    """
    steps: list[Step] = []
    kept: list[Notice] = []
    for step_id in braked(history):
        h = history.step(step_id)
        if free := _not_ended(h.step, history):
            told = "; ".join(dict.fromkeys(step.says for step in free))
            kept.append(Notice(h.step.on, f"the brake stays on: it alone holds what did not come to its end ({told})"))
            continue
        doer = registry.doer(h.step.does)
        rearms = h.step.rearms if not doer.released_by and isinstance(h.step.rearms, int | float) else 0.0
        safe = (h.settled_at or now) + timedelta(seconds=rearms)
        if now < safe and not wait:
            raise Refused(
                "re-arms",
                f"releasing {h.step.on} now would bring its old sessions back to life: safe after "
                f"{safe:%Y-%m-%dT%H:%M:%SZ}. Nothing was changed.",
                "--wait waits until then.",
            )
        finals = _held_by(h.step, history, registry)
        steps += [*finals, replace(release_step(h.step, registry), after=tuple(s.id for s in finals))]
    if not steps and kept:
        said = " ".join(f"{n.on}: {n.says}." for n in kept)
        raise Refused("not-ended", f"{said} Nothing was changed.", f"nhi-revoke resume {history.first.opened.run}")
    if not steps:
        raise Refused("no-brake", "no brake of this run is on: there is nothing to release")
    return _later_plan(history, steps, kept, now)


def _not_ended(brake: Step, history: History) -> list[Step]:
    """Cuts, ends and seals on the brake's principal that did not hold, and whose accesses nothing else ended."""
    steps = history.steps.values()
    swapped = {h.step.replaces for h in steps if h.step.replaces and h.accepted}
    ended = {a for h in steps if h.settled and h.step.id != brake.id for a in h.step.ends}
    return [
        h.step
        for h in steps
        if h.step.on == brake.on
        and h.step.phase in UNDOABLE
        and not (h.step.undoes or h.step.brake or h.settled)
        and h.step.id not in swapped | history.taken_back
        and not set(h.step.ends) <= ended
    ]


def _held_by(brake: Step, history: History, registry: Registry) -> list[Step]:
    """Ends for good what the brake alone has held so far, and what appeared beside it: its release would free it."""
    known = {a.id: a for section in history.sections for a in section.plan.accesses}
    known.update((found.id, found) for found, _ in history.found if isinstance(found, Access))
    kinds = {known[a].kind for a in brake.ends if a in known and known[a].family != "principal"}
    ended = {a for h in history.steps.values() if h.settled and h.step.id != brake.id for a in h.step.ends}
    kept = ended | {str(h.left["id"]) for h in history.steps.values() if h.step.phase is Phase.MINT and "id" in h.left}
    out: list[Step] = []
    for access in known.values():
        live = access.state in ("live", "unknown") and access.opens
        if access.on != brake.on or access.kind not in kinds or access.id in kept or not live:
            continue
        last = next((d for d in registry.kind(access.kind).remedies if d.phase is Phase.FINISH), None)
        if last is not None:
            says = f"{last.says or last.name}: {access.label or access.id}"
            out.append(
                Step(
                    id=f"held-{len(out) + 1}-{brake.id}",
                    does=f"{access.kind}/{last.name}",
                    on=brake.on,
                    phase=Phase.FINISH,
                    says=says,
                    scope=brake.scope,
                    ends=(access.id,),
                    before=dict(access.before),
                    lock=f"{brake.on}:{access.kind}",
                    reversible=last.reversible,
                )
            )
    return out


def release_time(history: History, registry: Registry, now: datetime) -> datetime:
    """When releasing brings nothing back."""
    times = [now]
    for step_id in braked(history):
        h = history.step(step_id)
        if not registry.doer(h.step.does).released_by and isinstance(h.step.rearms, int | float):
            times.append((h.settled_at or now) + timedelta(seconds=h.step.rearms))
    return max(times)


def finish_plan(history: History, registry: Registry, now: datetime) -> Plan:
    """Deletes what this run disabled; never a principal, never a cut-off that an older session may outlive.

    Raises Refused when nothing is left to delete.
    """
    steps: list[Step] = []
    notices: list[Notice] = []
    steps += _forgetting(history, registry)
    for h in _holding(history):
        kind: AccessKind[Any] = registry.kind(h.step.does.rpartition("/")[0])
        last = next((d for d in kind.remedies if d.phase is Phase.FINISH), None)
        if h.step.phase is Phase.END and h.step.reversible and last is not None:
            steps.append(
                replace(
                    h.step,
                    id=f"finish-{h.step.id}",
                    does=f"{kind.name}/{last.name}",
                    phase=Phase.FINISH,
                    says=f"{last.says or last.name}: {', '.join(h.step.ends)}",
                    after=(),
                    reversible=last.reversible,
                    rearms="no",
                    breaks="",
                )
            )
        elif h.step.phase in (Phase.CUT, Phase.SEAL) and isinstance(h.step.rearms, int | float):
            safe = (h.settled_at or now) + timedelta(seconds=h.step.rearms)
            if now >= safe and h.step.id not in braked(history):
                steps.append(replace(_undo_step(h.step, history), id=f"finish-{h.step.id}", phase=Phase.FINISH))
            else:
                notices.append(
                    Notice(
                        h.step.on,
                        f"kept: {h.step.says}; a session may outlive it until {safe:%Y-%m-%dT%H:%M:%SZ}",
                        "info",
                    )
                )
    if not steps:
        raise Refused("nothing-to-finish", " ".join(["Nothing can be deleted now.", *(n.says for n in notices)]))
    return _later_plan(history, steps, notices, now)


def _forgetting(history: History, registry: Registry) -> list[Step]:
    """What a store kept of the old secret, for an undo that is not wanted any more."""
    out: list[Step] = []
    back = history.taken_back
    for h in history.steps.values():
        if h.step.phase is not Phase.SERVE or not h.settled:
            continue
        done = f"finish-{h.step.id}"
        if history.has(done) and history.step(done).settled and done not in back:
            continue
        name = h.step.does.rpartition("/")[0]
        forget = registry.store(name).forget
        if forget is not None:
            out.append(
                replace(
                    h.step,
                    id=done,
                    does=f"{name}/{forget.name}",
                    phase=Phase.FINISH,
                    says=f"{forget.says or 'forgets the old secret'}: {name}:{shown(h.step.to)}",
                    after=(),
                    reversible=forget.reversible,
                )
            )
    return out


def _later_plan(history: History, steps: Iterable[Step], notices: Iterable[Notice], now: datetime) -> Plan:
    first = history.first.plan
    return Plan(
        identity=first.identity,
        intent=first.intent,
        at=now,
        principals=first.principals,
        accesses=(),
        steps=tuple(steps),
        notices=tuple(notices),
        operator=first.operator,
    )
