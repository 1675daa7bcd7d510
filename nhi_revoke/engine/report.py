"""From a journal to a report: outcomes, what is open, what ends by itself, what was unseen, the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from nhi_revoke.engine.blindness import blind_spots
from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.engine.journal import Journal
from nhi_revoke.engine.outcome import Judge
from nhi_revoke.engine.planner import beyond, open_trusts
from nhi_revoke.engine.residual import residuals
from nhi_revoke.engine.states import state_of
from nhi_revoke.engine.untold import in_doubt, takers, untold, untold_notices
from nhi_revoke.engine.verdict import exit_code, headline, next_commands
from nhi_revoke.engine.watch import live_leads
from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.found import Lead
from nhi_revoke.model.line import Verb
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Fortune, Outcome, Replacement, Report, ResultWord, StepResult, Times
from nhi_revoke.model.step import Notice, OpenDoor, Phase, Residual
from nhi_revoke.provider.layout import shown

WORDS: dict[type[Change], ResultWord] = {
    Done: "done",
    Already: "already",
    Skipped: "skipped",
    Impossible: "impossible",
    Failed: "failed",
    Lost: "lost",
}


def make_report(
    journal: Journal,
    history: History,
    now: datetime,
    *,
    next_plan: str | None = None,
    closing: bool = True,
    verb: Verb | None = None,
) -> Report:
    """Asks no vendor. `closing`: the section ends with this report. `verb`: by which it is judged; None: the newest
    section's own. Raises IndexError for an empty journal.
    """
    first, section = history.first, history.now
    plan = first.plan
    outcomes = Judge(history, now).all()
    leads = newest_leads(history)
    mine = {p.ref for p in plan.principals}
    reach = tuple(lead for lead in leads if lead.how == "reach" and lead.to not in mine)
    blind = blind_spots(history, now, reach)
    lasting = live_residuals(history, outcomes, now)
    planned = {door.access for door in plan.open}
    beyond_reach = (d for d in beyond(reach, plan.principals) if d.access not in planned)
    # Trusts that are listed late, beside the writes, were no part of the plan.
    late = (o.access for o in outcomes if o.fate == "open" and o.access.id not in planned)
    closed_later = {o.access.id for o in outcomes if o.fate == "ended"}
    open_doors = (*plan.open, *open_trusts(late, (), plan.intent), *beyond_reach, *_lead_trusts(history, reach, now))
    report = Report(
        run=first.opened.run,
        verb=verb or section.opened.verb,
        identity=plan.identity.name,
        intent=plan.intent,
        state=state_of(history, closing=closing).value,
        exit_code=0,
        headline="NOT PROVEN OUT",
        operator=first.opened.operator,
        times=times(history, now if closing else None),
        principals=plan.principals,
        outcomes=outcomes,
        steps=tuple(result_of(h) for h in history.steps.values()),
        replacements=replacements(history),
        open=tuple(o for o in open_doors if o.access not in closed_later),
        residuals=lasting,
        residual_until=max((r.until for r in lasting if r.until and r.counts), default=None),
        blind=blind,
        leads=reach,
        planted=tuple(lead for lead in leads if lead.how == "planted"),
        manual=plan.manual,
        notices=tuple(
            dict.fromkeys(
                (
                    *untold_notices(history),
                    *(n for s in history.sections for n in s.plan.notices),
                    *left_behind(history),
                )
            )
        ),
        unreachable=plan.unreachable,
        next_plan=next_plan,
        journal=f"{first.opened.run}.jsonl",
        journal_sha256=journal.sha256(),
        approval=first.opened.approval,
        owner=plan.identity.owner,
    )
    code = exit_code(report, now, own=section.steps.keys(), changed=may_have_changed(history))
    report = replace(report, exit_code=code)
    report = replace(report, headline=headline(report))
    return replace(report, next=next_commands(report, now))


def may_have_changed(history: History) -> bool:
    """Whether anything was changed, and not put back at once, as far as anybody knows."""
    steps = history.steps
    destroyed = {i for i, h in steps.items() if h.destroyed and h.change is None and not h.in_doubt}
    return any(_may_have_changed(h) for h in steps.values() if h.step.takes not in destroyed)


def _may_have_changed(history: StepHistory) -> bool:
    """A step whose answer never came may have been done; a proof of what is new changes nothing."""
    lost = history.in_doubt or isinstance(history.change, Lost)
    return isinstance(history.change, Done) or (lost and history.step.phase is not Phase.PROVE)


def newest_leads(history: History) -> tuple[Lead, ...]:
    """Each lead as it was seen last: a session that was alive may have been shut elsewhere since, and what was planted
    at one moment may have become more."""
    known: dict[tuple[str, str], Lead] = {}
    for lead in (*history.first.plan.leads, *(f for f, _ in history.found if isinstance(f, Lead))):
        moment = str(lead.at) if lead.how == "planted" and lead.at else ""
        known[str(lead.to), lead.session or moment or lead.why] = lead
    return tuple(known.values())


def result_of(history: StepHistory) -> StepResult:
    """One step in words."""
    step, change = history.step, history.change
    word: ResultWord = WORDS[type(change)] if change is not None else "waiting"
    detail = getattr(change, "why", "") if change is not None else ""
    if isinstance(change, Impossible) and change.manual:
        detail = f"{detail}. By hand: {change.manual}"
    proof: Proof | None = None
    if word in ("done", "already"):
        proof = history.proven.proof if history.proven else Proof.RECORDED
        if history.gone:
            word, detail, proof = "failed", "somebody took it back", None
        elif not history.settled:
            proof, detail = Proof.REQUESTED, "accepted, not yet seen to hold"
        elif history.proven:
            detail = history.proven.how
        if step.undoes and history.settled:
            word = "undone"
    return StepResult(
        step.id,
        step.does,
        str(step.on),
        step.phase,
        step.says,
        word,
        detail,
        step.reversible,
        proof,
        history.changed_at,
    )


def times(history: History, verified: datetime | None) -> Times:
    """UTC, of the run itself; `acted` and `sealed` only when all of them were seen."""
    steps = [h for h in history.steps.values() if not h.step.undoes]

    def last(phases: Sequence[Phase], at: str) -> datetime | None:
        mine = [getattr(h, at) for h in steps if h.step.phase in phases]
        return max(mine) if mine and all(mine) else None

    return Times(
        detected=history.first.plan.intent.since,
        started=history.first.opened.at,
        acted=last((Phase.CUT, Phase.END), "seen_at"),
        sealed=last((Phase.SEAL,), "settled_at") or last((Phase.CUT,), "settled_at"),
        served=last((Phase.SERVE,), "settled_at"),
        verified=verified,
    )


def live_residuals(history: History, outcomes: Iterable[Outcome], now: datetime) -> tuple[Residual, ...]:
    """Those that are not over; sessions of what was not cut by their own expiry."""
    # What hangs on nobody's rights here ends by its own time alone: that time is told beside the open door.
    standing = {o.access.id for o in outcomes if o.fate not in ("ended", "lasts") and not o.access.elsewhere}
    out = [r for r in residuals(history) if r.access not in standing or r.until is None]
    return tuple(r for r in out if r.until is None or r.until > now)


def replacements(history: History) -> tuple[Replacement, ...]:
    """What became of each rotation that the plan named."""
    out: list[Replacement] = []
    taken = takers(history)
    for h in history.steps.values():
        if h.step.phase is not Phase.MINT or not h.step.does.endswith("/create"):
            continue
        mine = taken.get(h.step.id, [])
        serves = [t for t in mine if t.step.phase is Phase.SERVE]
        proof = next((t for t in mine if t.step.phase is Phase.PROVE), None)
        access = str(h.left["id"]) if "id" in h.left else None
        result: Fortune
        if serves and all(t.settled for t in serves):
            unread = next((str(t.left["unread"]) for t in mine if t.left.get("unread")), "")
            back = f"not read back ({unread})" if unread else "read back"
            result, why = "served", f"delivered, {back}, proven, current"
        elif h.destroyed and h.change is None:
            result, why = "destroyed", "minted, not delivered, destroyed again"
        elif doubted := in_doubt(h, serves):
            result, why = "unseen", untold(history, h, doubted)
        elif any(t.settled for t in mine if t.step.phase is Phase.DELIVER and not t.left.get("unwritten")):
            result, why = "delivered", "delivered, but not proven or not current"
        else:
            failed = next(
                (t.change for t in (h, *mine) if isinstance(t.change, (Failed, Lost, Skipped, Impossible))), None
            )
            result, why = "not-replaced", getattr(failed, "why", "not reached")
        strength = Proof(str(proof.left["proof"])) if proof and proof.settled and "proof" in proof.left else None
        to = ", ".join(f"{t.step.does.rpartition('/')[0]}:{shown(t.step.to)}" for t in serves)
        out.append(Replacement(h.step.does.removesuffix("/create"), str(h.step.on), result, access, to, strength, why))
    return tuple(out)


def left_behind(history: History) -> Iterable[Notice]:
    """What a settled step says in `left["leaves"]`: a store that still holds the old secret. A step that finished or
    took back another speaks for it.
    """
    back = history.taken_back
    holds = [h for h in history.steps.values() if h.settled and h.step.id not in back]
    finished = {h.step.id.removeprefix("finish-") for h in holds if h.step.phase is Phase.FINISH}
    for h in holds:
        if h.left.get("leaves") and (h.step.phase is Phase.FINISH or h.step.id not in finished):
            yield Notice(h.step.on, str(h.left["leaves"]), "warning")


def _lead_trusts(history: History, leads: Sequence[Lead], now: datetime) -> tuple[OpenDoor, ...]:
    """A trust that names a principal which the logs show in the intruder's reach lets it come back at once."""
    plan = history.first.plan
    held = {str(lead.to) for lead in live_leads(leads, now)}
    out: list[OpenDoor] = []
    for access in plan.accesses:
        if access.family == "trust" and access.exposure == "local" and access.id not in plan.intent.keep_trust:
            named = [ref for ref in held if ref in access.lets_in]
            out += [
                OpenDoor(
                    access.on,
                    access.id,
                    f"it trusts {ref}, on which a session of this identity lives",
                    f"--cut-trust {access.id}",
                )
                for ref in named
            ]
    return tuple(out)
