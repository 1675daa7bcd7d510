"""After a lost answer or a crash: look before asking again; a create is never repeated blindly."""

from __future__ import annotations

from collections.abc import Iterable

from nhi_revoke.engine.doing import Doing, accepted, proves
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.model.change import Already, Lost
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Mint, Store
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.secret import Secret


def settle_doubt(doing: Doing, recorder: Recorder, step: Step) -> bool:
    """Journals what the vendor shows. A mint's children that nobody received are destroyed.

    Whether it may be asked again now: not where it was done after all, nor over a child that could not be destroyed.
    Raises Fault when the vendor cannot be read: then nothing is asked again either.
    """
    doer = doing.doer(step)
    if isinstance(doer, Mint):
        return destroy_orphans(doing, recorder, step)
    if not doer.shows:
        # Only `resume` comes here, and where a store gave the secret back the same credential is handed over again.
        if step.takes is not None and recorder.holds(step.takes):
            return True
        if not isinstance(recorder.of(step.id).change, Lost):
            recorder.result(step.id, Lost(UNTOLD))
        return False
    left = doing.look(step)
    if left is not None:
        recorder.result(step.id, Already(left))
    return left is None


def destroy_orphans(doing: Doing, recorder: Recorder, step: Step) -> bool:
    """A credential whose secret nobody holds is worth nothing to us, and something to whoever intercepted it.

    Whether none is left.
    """
    orphans = doing.mint(step).orphans(doing.connections.of_step(step), step)
    gone = [_destroy(doing, recorder, step, access) for access in orphans]
    return all(gone)


def _destroy(doing: Doing, recorder: Recorder, step: Step, access: str) -> bool:
    """What could not be destroyed stays in doubt, so that `resume` looks for it again."""
    change = doing.mint(step).destroy(doing.connections.of_step(step), step, access)
    if accepted(change):
        recorder.destroyed(step.id, access)
        return True
    why = getattr(change, "why", "")
    recorder.result(step.id, Lost(f"{access} was minted, nobody received it, and it could not be destroyed: {why}"))
    return False


def recover_secrets(doing: Doing, recorder: Recorder, steps: Iterable[Step]) -> None:
    """A secret dies with the process. What a store has is taken up again; the rest is destroyed and minted anew.

    But for what a store serves, or may serve and nobody can tell: that stays, beside what it was to replace. No other
    is minted over it, since each may be in use and slots are few: the report names both, and a person decides.
    """
    steps = tuple(steps)
    for mint_step in (s for s in steps if s.phase is Phase.MINT and isinstance(doing.doer(s), Mint)):
        mine = recorder.of(mint_step.id)
        if recorder.holds(mint_step.id) or not (mine.asked or mine.accepted or isinstance(mine.change, Lost)):
            continue
        takers = [s for s in steps if s.takes == mint_step.id]
        if all(recorder.of(s.id).settled for s in takers if s.phase in (Phase.PROVE, Phase.SERVE)) and takers:
            continue
        if mine.accepted and _recalled(doing, recorder, mint_step, takers):
            continue
        if not (mine.accepted and any(may_serve(doing, recorder, s) for s in takers if s.phase is Phase.SERVE)):
            abandon(doing, recorder, mint_step, takers)


def may_serve(doing: Doing, recorder: Recorder, step: Step) -> bool:
    """Whether a workload may hold what this step was to make current: then it is never destroyed."""
    mine = recorder.of(step.id)
    if not (mine.accepted or mine.in_doubt):
        return False
    if mine.in_doubt and not doing.doer(step).shows:
        return True
    try:
        return doing.look(step) is not None
    except (Fault, KeyError):
        return True


DIED = "its secret died with the process"
UNTOLD = "the process died before it answered, and nothing shows what came of it"


def abandon(doing: Doing, recorder: Recorder, mint_step: Step, takers: Iterable[Step], *, because: str = DIED) -> None:
    """Takes staged copies away and destroys the minted credential; its steps may then run anew.

    Where the vendor cannot be read, the mint stays in doubt: what may be left is said, and `resume` looks for it again.
    """
    mine = recorder.of(mint_step.id)
    if not (mine.asked or mine.accepted or isinstance(mine.change, Lost)):
        return
    try:
        _abandon(doing, recorder, mint_step, takers, because)
    except Fault as fault:
        why = f"a minted credential that nobody received may be left: it could not be looked for ({fault.message})"
        recorder.result(mint_step.id, Lost(why))


def _abandon(doing: Doing, recorder: Recorder, mint_step: Step, takers: Iterable[Step], because: str) -> None:
    for taker in takers:
        theirs = recorder.of(taker.id)
        if not proves(taker) and (theirs.accepted or theirs.asked):
            doing.undo(taker, theirs.left)
        if theirs.accepted or theirs.asked:
            recorder.result(taker.id, Lost(because))
    mine = recorder.of(mint_step.id)
    left = dict(mine.left)
    if mine.accepted and "id" in left:
        _destroy(doing, recorder, mint_step, str(left["id"]))
    else:
        destroy_orphans(doing, recorder, mint_step)


def _recalled(doing: Doing, recorder: Recorder, mint_step: Step, takers: Iterable[Step]) -> bool:
    left = recorder.left(mint_step.id)
    field = str(left.get("field", ""))
    public = {k: str(v) for k, v in dict(left.get("public", {})).items()}
    for taker in takers:
        if taker.phase is not Phase.DELIVER:
            continue
        store: Store[object] = doing.connections.registry.store(taker.does.rpartition("/")[0])  # type: ignore[type-var]
        try:
            secret = store.recall(
                doing.connections.of_step(taker), taker, recorder, Secret("", field=field, public=public)
            )
        except Fault:
            continue
        if secret is not None:
            recorder.give(mint_step.id, secret)
            return True
    return False
