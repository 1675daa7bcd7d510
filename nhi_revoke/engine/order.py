"""The order that makes containment right: phases within a principal, `mints` edges between principals. Pure.

contain:   cut, end -> seal -> flush, mint -> deliver -> prove -> serve -> flush
rollover:  mint -> deliver -> prove -> serve -> flush -> end -> seal -> flush
A brake:   … deliver -> release -> prove -> serve, since a braked principal gets no token to prove anything with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nhi_revoke.engine.edges import Mints, on_cycle_with, upstream
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef, StepId
from nhi_revoke.model.step import Phase, Step

if TYPE_CHECKING:
    from nhi_revoke.engine.planner import Catalog

RANK = {phase: number for number, phase in enumerate(Phase)}
CONTAINS = (Phase.CUT, Phase.END, Phase.SEAL)


def ordered(steps: Sequence[Step], mints: Mints, intent: Intent, catalog: Catalog) -> list[Step]:
    """Gives every step its id, what it waits for, and what it swaps out."""
    linked = [replace(s, replaces=s.replaces or _swapped(s, steps)) for s in steps]
    after = {s.id: _after(s, linked, mints, intent, catalog) for s in linked}
    rank = {s.id: n for n, s in enumerate(_by_phase(linked, intent))}
    ids = {old: f"s{n + 1:02}" for old, n in rank.items()}
    out = [
        replace(
            s,
            id=ids[s.id],
            after=tuple(sorted(ids[a] for a in after[s.id])),
            takes=ids[s.takes] if s.takes else None,
            replaces=ids[s.replaces] if s.replaces else None,
        )
        for s in linked
    ]
    return sorted(out, key=lambda s: s.id)


def _by_phase(steps: Sequence[Step], intent: Intent) -> list[Step]:
    first = (Phase.MINT, Phase.DELIVER, Phase.PROVE, Phase.SERVE) if intent.order == "rollover" else ()
    return sorted(steps, key=lambda s: (s.phase not in first, _flush_last(s), RANK[s.phase]))


def _flush_last(step: Step) -> bool:
    return step.phase is Phase.FLUSH and step.to == "after the delivery"


def _swapped(step: Step, steps: Sequence[Step]) -> StepId | None:
    """A seal swaps out the cut of the same kind on the same principal."""
    if step.phase is not Phase.SEAL:
        return None
    kind = step.does.rpartition("/")[0]
    return next(
        (s.id for s in steps if s.phase is Phase.CUT and s.on == step.on and s.does.rpartition("/")[0] == kind), None
    )


def _after(step: Step, steps: Sequence[Step], mints: Mints, intent: Intent, catalog: Catalog) -> set[StepId]:
    rollover = intent.order == "rollover"
    needs = () if step.phase is Phase.PROVE else catalog.doer(step.does).needs
    # One doer may end and seal: an end that needs it would wait for the seal, and the seal for the end. And a brake may
    # be released by its own undo: what needs the brake goes before its release.
    early = step.phase in (Phase.CUT, Phase.END)
    mine = (s for s in steps if s.on == step.on and s.does in needs)
    waits: set[StepId] = {s.id for s in mine if not (early and s.phase in (Phase.SEAL, Phase.RELEASE))}
    if step.phase is Phase.SEAL:
        waits |= before_seal(step.on, steps, mints)
    if step.phase is Phase.END and rollover:
        waits |= _ids(steps, Phase.SERVE) | _flushes(steps, "after the delivery")
    if step.phase is Phase.SEAL and rollover:
        waits |= _ids(steps, Phase.SERVE)
    if step.phase is Phase.MINT and not rollover:
        # Conservative: whoever is contained here might mint for it or read its store. What only takes rights away
        # contains nobody: where it fails, what is new is made all the same.
        waits |= {s.id for s in steps if s.phase in CONTAINS and not catalog.doer(s.does).partial}
    waits |= _replacing(step, steps)
    if step.phase is Phase.FLUSH:
        contained = step.to == "after the seal"
        waits |= _ids(steps, *CONTAINS) if contained else _ids(steps, Phase.SERVE)
    return waits - {step.id}


def _replacing(step: Step, steps: Sequence[Step]) -> set[StepId]:
    """What a step of a rotation waits for on the way from the mint to the store's current version."""
    mine = [s for s in steps if s.takes and s.takes == step.takes]
    if step.phase is Phase.DELIVER and step.takes:
        return {step.takes}
    if step.phase is Phase.RELEASE:
        return _ids([s for s in steps if s.on == step.on], Phase.DELIVER)
    if step.phase is Phase.PROVE:
        released = _ids([s for s in steps if s.on == step.on], Phase.RELEASE)
        return {s.id for s in mine if s.phase is Phase.DELIVER} | released | ({step.takes} if step.takes else set())
    if step.phase is Phase.SERVE:
        return {s.id for s in mine if s.phase in (Phase.DELIVER, Phase.PROVE)}
    return set()


def before_seal(ref: PrincipalRef, steps: Sequence[Step], mints: Mints) -> set[StepId]:
    """A seal waits for the settled cuts and ends of its principal, and for the settled ends and seals of all that can
    mint for it. Within a cycle nobody's seal can wait for another's: there the cuts and ends must do.
    """
    cycle = on_cycle_with(ref, mints)
    waits = {s.id for s in steps if s.on == ref and s.phase in (Phase.CUT, Phase.END)}
    for source in upstream(ref, mints) - {ref}:
        theirs = [s for s in steps if s.on == source]
        sealed = [] if source in cycle else [s for s in theirs if s.phase is Phase.SEAL]
        waits |= {s.id for s in theirs if s.phase in (Phase.CUT, Phase.END)} | {s.id for s in sealed}
    return waits


def _ids(steps: Iterable[Step], *phases: Phase) -> set[StepId]:
    return {s.id for s in steps if s.phase in phases}


def _flushes(steps: Iterable[Step], moment: str) -> set[StepId]:
    return {s.id for s in steps if s.phase is Phase.FLUSH and s.to == moment}
