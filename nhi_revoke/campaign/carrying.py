"""One item carried out: begun where no journal knows it, gone on with where one does."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from nhi_revoke.campaign.item import Item, State, run_id
from nhi_revoke.campaign.ledger import Claimed, Ended
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.service import Engine
from nhi_revoke.engine.states import RunState
from nhi_revoke.engine.store import RunStore
from nhi_revoke.engine.verdict import CONTAINING, left_code
from nhi_revoke.model.error import Stopped, Trouble
from nhi_revoke.model.report import Report

AGAIN = 20
"""So often an item is begun: one that ends its workers must not end all of them."""
_STATES: dict[int, State] = {0: "done", 6: "done", 8: "open", 9: "open", 2: "refused", 3: "refused", 7: "refused"}


def carry_out(engine: Engine, store: RunStore, held: Claimed) -> Ended | None:
    """To its end, whatever comes. None: it was interrupted, or the database did not answer, and it is to be gone on
    with. Raises nothing.
    """
    if held.begun > AGAIN:
        why = f"{AGAIN} times its worker died, was stopped or lost the database before it came to its end"
        return Ended("failed", 5, "", why)
    try:
        return _undo(engine, store, held) if held.verb == "undo" else _apply(engine, store, held)
    except Exception as wrong:  # noqa: BLE001 - one identity's end, and never the others'
        return of_error(wrong, held)


def of_error(wrong: Exception, held: Claimed) -> Ended | None:
    """What an item comes to by it; None where it is to be gone on with."""
    if isinstance(wrong, Stopped | Interrupted):
        return None
    # The database is out of reach: what is journaled is gone on with.
    unreached = isinstance(wrong, OSError | SQLAlchemyError) or (isinstance(wrong, Trouble) and wrong.code == "journal")
    if unreached and held.begun <= AGAIN:
        return None
    return _of_trouble(wrong, held) if isinstance(wrong, Trouble) else _of_bug(wrong)


def _apply(engine: Engine, store: RunStore, held: Claimed) -> Ended:
    run = run_id(held.campaign, held.item.number)
    if store.read(run):
        return _of_report(_gone_on(engine, run, held), held.item)
    saved = held.item.plan
    if saved is None:
        return Ended("refused", 7, why=held.item.why)
    approved = held.consent.approval is not None and bool(held.consent.approval.signers)
    plan = engine.refresh(saved, stale="refuse" if approved else "drop")  # approved: whole, or not at all
    engine.guard(plan, None)
    if not plan.steps:
        code = left_code(plan)
        return Ended(_STATES[code], code, "NOTHING TO DO")
    return _of_report(engine.run(plan, "apply", held.consent, run=run), held.item)


def _gone_on(engine: Engine, run: str, held: Claimed) -> Report:
    report = engine.report(run)
    retry = held.failed_before and report.state == RunState.PARTIAL
    return engine.resume(run) if report.state == RunState.INTERRUPTED or retry else report


def _undo(engine: Engine, store: RunStore, held: Claimed) -> Ended:
    run = run_id(held.campaign, held.item.number)
    if not store.read(run):
        return Ended("undone", 0, "NOTHING CHANGED", "it had changed nothing")
    report = engine.report(run)
    if report.state == RunState.INTERRUPTED and report.verb == "undo":
        report = engine.resume(run)
    if report.state != RunState.UNDONE:
        plan = engine.plan_undo(run, (), held.rearm)
        report = engine.act(run, "undo", plan, held.consent)
        kept = " ".join(notice.says for notice in plan.notices)
    else:
        kept = ""
    if report.exit_code:
        return Ended("failed", report.exit_code, report.headline, _failures(report))
    if kept or report.state != RunState.UNDONE:
        return Ended("kept", 0, report.headline, kept or "a part of it cannot be taken back")
    return Ended("undone", 0, report.headline)


def _of_report(report: Report, item: Item) -> Ended:
    state = _STATES.get(report.exit_code, "failed")
    why = _failures(report) if state == "failed" else ""
    return Ended(state, report.exit_code, report.headline, why, _is_outage(report, item))


def _is_outage(report: Report, item: Item) -> bool:
    """Something that others use was stopped, and nothing serves them again."""
    stopped = any(s.phase in CONTAINING and s.result in ("done", "already") for s in report.steps)
    served = bool(report.replacements) and all(r.result == "served" for r in report.replacements)
    return item.blast.breaks > 0 and stopped and not served


def _failures(report: Report) -> str:
    wrong = [s for s in report.steps if s.result in ("failed", "lost", "impossible", "waiting")]
    return "; ".join(f"{s.says}: {s.detail or s.result}" for s in wrong[:3])


def _of_trouble(trouble: Trouble, held: Claimed) -> Ended:
    why = " ".join(part for part in (trouble.message, trouble.hint) if part)
    if held.verb == "undo":
        guarded = trouble.code in ("nothing-to-undo", "wrong-state", "rearm")
        return Ended("kept" if guarded else "failed", trouble.exit_code, "", why)
    state = _STATES.get(trouble.exit_code, "failed")
    return Ended(state, trouble.exit_code, "NOTHING CHANGED" if state == "refused" else "", why)


def _of_bug(bug: Exception) -> Ended:
    """Only its kind: a message of somebody else's may hold anything."""
    return Ended(
        "failed", 1, "", f"an error in this program or a provider ({type(bug).__name__}); its journal is whole"
    )
