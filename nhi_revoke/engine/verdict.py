"""The exit code, the headline and what to type next. Pure, from a report."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Literal

from nhi_revoke.engine.watch import is_live, live_leads
from nhi_revoke.model.command import command
from nhi_revoke.model.found import Access, Lead
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import StepId
from nhi_revoke.model.report import Outcome, Report, StepResult
from nhi_revoke.model.step import Phase

OPEN_FATES = ("open", "left", "failed")
UNSEEN = "unseen"
CONTAINING = (Phase.CUT, Phase.END, Phase.SEAL)


def exit_code(
    report: Report, now: datetime, *, own: Collection[StepId] | None = None, changed: bool | None = None
) -> int:
    """5, then 8, 9, 6, when several hold; 1 when steps failed and nothing changed; 0 for done and proven.

    `own`: the steps of the newest command on the run, None: all. `changed`: whether anything was changed, or may have
    been; None: as the words of the steps say.
    """
    if changed is None:
        changed = any(s.result in ("done", "undone") for s in report.steps)
    failed = [s for s in report.steps if s.result in ("failed", "lost", "impossible")]
    skipped = [s for s in report.steps if s.result in ("skipped", "waiting") and s.phase is not Phase.RELEASE]
    if report.verb in ("undo", "release", "finish"):
        return _later_code(report, [s for s in report.steps if own is None or s.id in own])
    # A cut, end or seal is only ever skipped because another step was not seen to hold: `resume` does it.
    if failed or any(s.result == "waiting" or s.phase in CONTAINING for s in skipped):
        return 5 if changed else 1
    if is_open(report, now):
        return 8
    if any(b.counts for b in report.blind) or report.unreachable or any(o.fate == UNSEEN for o in report.outcomes):
        return 9
    if report.residual_until is not None and report.residual_until > now:
        return 6
    return 0


def _later_code(report: Report, steps: Iterable[StepResult]) -> int:
    """Of what came after a run, by its own steps: what taking back opens is said, and intended."""
    steps = tuple(steps)
    if any(s.result in ("failed", "lost", "impossible", "skipped", "waiting") for s in steps):
        return 5
    if any(s.proof is Proof.REQUESTED for s in steps):
        return 8
    if report.verb == "release" and any(o.appeared and outcome_open(o) for o in report.outcomes):
        return 8  # nobody intended that: it was made while the brake was on, or before
    return 5 if report.state == "partial" else 0


def left_code(plan: Plan) -> int:
    """The exit code of a plan that changes nothing: open 8, unseen 9, ends by itself 6, else 0."""
    lasting = [each for each in plan.residuals if each.counts]
    if plan.manual or any(not door.kept for door in plan.open) or any(each.until is None for each in lasting):
        return 8
    if any(_works_on(access, plan) for access in plan.accesses):
        return 8
    if any(b.counts for b in plan.blind) or plan.unreachable:
        return 9
    return 6 if lasting else 0


def _works_on(access: Access, plan: Plan) -> bool:
    """Whether somebody is let in by what a plan without steps leaves as it is: what is beyond its scope, say."""
    if access.family in ("trust", "factor") or not access.opens or access.shut:
        return False
    foretold = any(each.access == access.id and each.until is not None for each in plan.residuals)
    # Of sessions that no list shows, the kind has said in the plan what becomes of them.
    maybe = access.state == "unknown" and not plan.intent.covers(access)
    return (access.state == "live" or maybe) and not foretold


def is_open(report: Report, now: datetime) -> bool:
    """Whether anything needs a person: live, by hand, requested or unproven, appeared, or a next plan."""
    return bool(
        [o for o in report.open if not o.kept]
        or [o for o in report.outcomes if outcome_open(o)]
        or report.manual
        or live(report.leads, now)
        or report.planted
        or [r for r in report.replacements if r.result != "served"]
    )


def open_leads(report: Report) -> tuple[Lead, ...]:
    """Sessions of this identity elsewhere that lived when the report was made. Those beyond reach are doors already."""
    at = report.times.verified
    return tuple(x for x in report.leads if x.session and not (x.shut or x.beyond) and (not at or is_live(x, at)))


def open_count(report: Report) -> int:
    """The number after OPEN in the headline: doors that nobody closed, wherever they are."""
    doors = {door.access for door in report.open if not door.kept}
    return len(doors | {o.access.id for o in report.outcomes if outcome_open(o)}) + len(open_leads(report))


def outcome_open(outcome: Outcome) -> bool:
    """A door that is not shown to be shut."""
    weak = outcome.fate == "ended" and (outcome.proof is None or not outcome.proof.proves)
    return outcome.fate in OPEN_FATES or weak


MOST_IN_REACH = 10
"""Principals within reach that a next plan names without a session that anybody saw: more are a matter of logs."""


def next_leads(report: Report, now: datetime) -> tuple[Lead, ...]:
    """What a next plan is made for: live sessions elsewhere; and, while logs lag or are unread, what may be become."""
    seen = live_leads(report.leads, now)
    unseen = {b.on for b in report.blind if b.counts}
    may = tuple(
        x for x in report.leads if x.how == "reach" and x.of in unseen and not (x.session or x.shut or x.beyond)
    )
    return (*seen, *may) if len({x.to for x in may}) <= MOST_IN_REACH else seen


def live(leads: Iterable[Lead], now: datetime) -> tuple[Lead, ...]:
    """Leads with a session that lives, or may live."""
    return live_leads(leads, now)


def headline(
    report: Report,
) -> Literal["OUT", "NOT PROVEN OUT", "NOTHING CHANGED", "TAKEN BACK", "RELEASED", "FINISHED"]:
    """`OUT` only for what the exit code calls proven: 0, or 6 with a time."""
    words: dict[str, Literal["TAKEN BACK", "RELEASED", "FINISHED"]] = {
        "undo": "TAKEN BACK",
        "release": "RELEASED",
        "finish": "FINISHED",
    }
    if report.verb in words:
        return words[report.verb]
    if report.exit_code == 1:
        return "NOTHING CHANGED"
    return "OUT" if report.exit_code in (0, 6) else "NOT PROVEN OUT"


def next_commands(report: Report, now: datetime) -> tuple[str, ...]:
    """The most urgent first."""
    out: list[str] = []
    if untold := [r for r in report.replacements if r.result == "unseen"]:
        out.append(command("list", report.identity))  # which of the two is in use; a notice says what ends the other
    if (report.exit_code in (1, 5) or report.state == "partial") and not (untold and _told_all(report)):
        out.append(command("resume", report.run))
    if report.next_plan:
        out.append(command("apply", report.next_plan))
    if doors := [o for o in report.open if not o.kept]:
        revoke = command("revoke", report.identity, *report.intent.narrows)
        out += [f"{revoke} {o.next}" for o in doors if o.next.startswith("--")]
    held_back = report.verb == "release" and report.intent.replace and not report.replacements
    if held_back or any(r.result not in ("served", "unseen") for r in report.replacements):
        out.append(command("rotate", report.identity))
    if any(b.counts for b in report.blind) and report.exit_code == 9:
        out.append(f"nhi-revoke verify {report.run}")
    if report.residual_until and report.residual_until > now:
        out.append(f"nhi-revoke hold {report.run}")
    if report.state == "held":
        out.append(f"nhi-revoke release {report.run}")
    if not out and report.state == "contained":
        out.append(f"nhi-revoke verify {report.run}")
    return tuple(dict.fromkeys(out))


def _told_all(report: Report) -> bool:
    """Whether nothing but an answer that did not come went wrong, and no other store could give the secret back: then
    `resume` would find the same again.
    """
    serves = [s for s in report.steps if s.phase is Phase.SERVE]
    wrong = [s for s in report.steps if s.result in ("failed", "lost", "impossible", "waiting")]
    return len(serves) == 1 and wrong == [s for s in serves if s.result == "lost"]


def proof_counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many ended accesses are known how strongly."""
    counts = {p.value: 0 for p in Proof}
    for outcome in outcomes:
        if outcome.fate == "ended":
            counts[(outcome.proof or Proof.UNPROVEN).value] += 1
    return counts
