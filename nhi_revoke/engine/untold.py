"""A delivery of which nobody can tell whether it arrived: what stays because of it, and how a person ends the rest."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.model.command import command
from nhi_revoke.model.step import Phase


def in_doubt(mint: StepHistory, serves: Sequence[StepHistory]) -> list[StepHistory]:
    """Stores that may serve what this mint made, as far as anybody knows. A doubt older than the mint is another's."""
    made = mint.changed_at if mint.accepted else None
    return [
        t
        for t in serves
        if made and t.in_doubt and not t.accepted and (t.asked or (t.changed_at is not None and t.changed_at >= made))
    ]


def untold(history: History, mint: StepHistory, doubted: Sequence[StepHistory]) -> str:
    """What nobody can tell, what stays because of it, and what ends the one that is not wanted."""
    identity, kind = history.first.plan.identity.name, mint.step.does.removesuffix("/create")
    ends = [h for h in history.steps.values() if h.step.phase is Phase.END and h.step.on == mint.step.on]
    old = [a for h in ends if not h.settled and h.step.does.rpartition("/")[0] == kind for a in h.step.ends]
    new = str(mint.left.get("id", ""))
    told = "; ".join(
        f"{t.step.does.rpartition('/')[0]}:{t.step.to} took it"
        f" ({getattr(t.change, 'why', '') or 'the process died before it answered'})"
        for t in doubted
    )
    end = {access: command("revoke", identity, "--scope", access, "--rotate", "no") for access in (new, *old)}
    both = f"{new} stays valid" + (f", and so does the old one ({', '.join(old)})" if old else "")
    if_so = f" If it has the new one: {' ; '.join(end[a] for a in old)}." if old else ""
    return (
        f"nobody can tell whether {told}. {both}. Look which one the workload has.{if_so} "
        f"If it has not: {end[new]} and rotate again"
    )
