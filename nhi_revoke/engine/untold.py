"""A delivery of which nobody can tell whether it arrived: what stays because of it, and how a person ends the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.model.command import command
from nhi_revoke.model.ref import AccessId, StepId
from nhi_revoke.model.step import Notice, Phase
from nhi_revoke.provider.layout import shown


def in_doubt(mint: StepHistory, serves: Sequence[StepHistory]) -> list[StepHistory]:
    """Stores that may serve what this mint made, as far as anybody knows. A doubt older than the mint is another's."""
    made = mint.changed_at if mint.accepted else None
    return [
        t
        for t in serves
        if made and t.in_doubt and not t.accepted and (t.asked or (t.changed_at is not None and t.changed_at >= made))
    ]


def takers(history: History, *phases: Phase) -> dict[StepId, list[StepHistory]]:
    """By mint: the steps that take what it made, of these phases or of all. One look at each step, however many."""
    found: dict[StepId, list[StepHistory]] = {}
    for each in history.steps.values():
        if each.step.takes and (not phases or each.step.phase in phases):
            found.setdefault(each.step.takes, []).append(each)
    return found


def untold(history: History, mint: StepHistory, doubted: Sequence[StepHistory]) -> str:
    """What nobody can tell, and what stays because of it."""
    told = "; ".join(
        f"{t.step.does.rpartition('/')[0]}:{shown(t.step.to)} took it"
        f" ({getattr(t.change, 'why', '') or 'the process died before it answered'})"
        for t in doubted
    )
    old = _replaced(history, mint)
    both = f", and so does the old one ({', '.join(old)})" if old else ""
    return f"nobody can tell whether {told}. {mint.left.get('id', '')} stays valid{both}"


def untold_notices(history: History) -> Iterable[Notice]:
    """For the top of the report: that, and what ends the one that turns out not to be wanted."""
    serves = takers(history, Phase.SERVE)
    for mint in history.steps.values():
        if doubted := in_doubt(mint, serves.get(mint.step.id, ())):
            name = history.first.plan.identity.name
            old = " ; ".join(_ending(name, access) for access in _replaced(history, mint))
            has = f" If it has the new one: {old}." if old else ""
            has_not = f" If it has not: {_ending(name, str(mint.left.get('id', '')))} ; {command('rotate', name)}"
            says = f"{untold(history, mint, doubted)}. Look which one the workload has.{has}{has_not}"
            yield Notice(mint.step.on, says, "danger")


def _replaced(history: History, mint: StepHistory) -> tuple[AccessId, ...]:
    """What it was to replace, as far as that was not ended."""
    kind = mint.step.does.rpartition("/")[0]
    ends = (h for h in history.steps.values() if h.step.phase is Phase.END and h.step.on == mint.step.on)
    return tuple(a for h in ends if not h.settled and h.step.does.rpartition("/")[0] == kind for a in h.step.ends)


def _ending(name: str, access: AccessId) -> str:
    """The command that ends this one, and makes no other."""
    return command("revoke", name, "--scope", access, "--rotate", "no")
