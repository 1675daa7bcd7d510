"""Whom a run concerns, from its journal. Pure."""

from __future__ import annotations

from nhi_revoke.engine.deliveries import CREATES
from nhi_revoke.engine.history import History
from nhi_revoke.model.concern import Concern
from nhi_revoke.model.found import KEY_FAMILIES, SESSION_FAMILIES
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase


def concern(history: History) -> Concern:
    """What it ends is told by its steps: a scope may leave sessions, or keys, as they are."""
    first = history.first
    plan = first.plan
    family = {access.id: access.family for section in history.sections for access in section.plan.accesses}
    steps = [h.step for h in history.steps.values() if not h.step.undoes]
    ended = [(s.on, family.get(e)) for s in steps if s.phase in (Phase.CUT, Phase.END, Phase.SEAL) for e in s.ends]
    made = {s.on for s in steps if s.phase is Phase.MINT and s.does.endswith(CREATES)}
    refs = tuple(p.ref for p in plan.principals)

    def of(families: frozenset[str]) -> tuple[PrincipalRef, ...]:
        theirs = {on for on, each in ended if each in families}
        return tuple(ref for ref in refs if ref in theirs)

    return Concern(
        plan.identity.name,
        refs,
        first.opened.at,
        plan.intent.case,
        plan.intent.reason.value,
        sessions=of(frozenset(SESSION_FAMILIES)),
        keys=of(frozenset(KEY_FAMILIES)),
        minted=tuple(ref for ref in refs if ref in made),
    )
