"""The screen of a report: the verdict first, then what is left, then what was done."""

from __future__ import annotations

from collections import Counter

from nhi_revoke.engine.verdict import open_count, open_leads, outcome_open
from nhi_revoke.model.command import command
from nhi_revoke.model.found import Lead
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Outcome, Report, StepResult
from nhi_revoke.model.step import Phase
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section, table
from nhi_revoke.render.inventory import heading, lead_lines, spaced, unseen, unseen_count
from nhi_revoke.render.moment import length, minute, moment
from nhi_revoke.render.plan import notice_line, open_line, residual_line

ONE_SCREEN = 30
"""Blocks: a longer report says its verdict again at the end."""

FATE_STYLE: dict[str, Style] = {
    "ended": "good",
    "already": "good",
    "expired": "dim",
    "kept": "warning",
    "lasts": "warning",
    "left": "warning",
    "unseen": "warning",
    "open": "danger",
    "failed": "danger",
}
GOOD = ("OUT", "TAKEN BACK", "RELEASED", "FINISHED")
NOT_PROVEN = "not proven"
TROUBLED = ("failed", "lost", "impossible", "stale", "skipped")
"""Results of steps that a reader must see."""


def proof_counts(report: Report) -> dict[Proof, int]:
    """How strongly each end is known, strongest first; accesses without any proof are unproven."""
    ended = [o for o in report.outcomes if o.fate in ("ended", "already")]
    found = Counter(o.proof or Proof.UNPROVEN for o in ended)
    return {proof: found[proof] for proof in Proof}


def fate_word(outcome: Outcome) -> str:
    """What became of it; nothing is called ended on less than a recorded proof."""
    proven = outcome.proof is not None and outcome.proof.proves
    return NOT_PROVEN if outcome.fate in ("ended", "already") and not proven else outcome.fate


def report_screen(report: Report) -> list[Block]:
    """Everything, for a terminal or a pipe."""
    blocks = [*_verdict(report)]
    blocks += _next(report)
    blocks += [notice_line(notice) for notice in report.notices]
    alive = open_leads(report)
    doors = [open_line(door) for door in report.open] + [left_line(o) for o in doorless(report)]
    doors += [alive_line(lead) for lead in alive]
    blocks += section(Span("OPEN", "danger"), doors)
    by_hand = [line(f"{each.on}  {each.kind}: {each.what}", indent=2) for each in report.manual]
    blocks += section(Span("BY HAND", "danger"), by_hand)
    labels = {o.access.id: o.access.label for o in report.outcomes}
    blocks += section(Span("EXPIRES", "warning"), [residual_line(each, labels) for each in report.residuals])
    blocks += section(Span("PLANTED", "danger"), lead_lines(report.planted))
    blocks += section(Span("REACH", "warning"), lead_lines(lead for lead in report.leads if lead not in alive))
    blocks += unseen(report.blind, report.unreachable)
    blocks += _outcomes(report)
    blocks += _replacements(report)
    blocks += section("FLUSHED", [flushed_line(s) for s in report.steps if s.phase is Phase.FLUSH and s.proof])
    blocks += section("Steps that did not end well", [step_line(s) for s in report.steps if s.result in TROUBLED])
    blocks += _records(report)
    if len(blocks) > ONE_SCREEN:  # the last lines are the first that a terminal shows
        blocks += [BLANK, *_verdict(report)[:1], *_next(report)]
    return blocks


def doorless(report: Report) -> list[Outcome]:
    """What the number after OPEN counts and no open door of the report names: accesses left, failed, or not proven."""
    named = {door.access for door in report.open}
    return [o for o in report.outcomes if outcome_open(o) and o.access.id not in named]


def left_line(outcome: Outcome) -> Line:
    """An access that still works, or is not shown to be shut."""
    until = f", until {minute(outcome.until)}" if outcome.until else ""
    return line(Span("OPEN", "danger"), f"  {outcome.access.id}  {said_of(outcome)}{until}", indent=2)


def said_of(outcome: Outcome) -> str:
    """What the access is, in words, and how it is known: an id may be nothing but numbers."""
    return ": ".join(part for part in (outcome.access.label, outcome.how) if part)


def flushed_line(step: StepResult) -> Line:
    """What a cache was made to forget, and how strongly that is known."""
    proof = step.proof or Proof.UNPROVEN
    return line(Span(proof.value.upper(), "" if proof.proves else "warning"), f"  {step.does}  {step.detail}", indent=2)


def alive_line(lead: Lead) -> Line:
    """A session elsewhere that nobody ended."""
    until = f", until {minute(lead.until)}" if lead.until else ""
    return line(Span("OPEN", "danger"), f"  {lead.to}  {lead.why}{until}", indent=2)


def nothing_screen(plan: Plan, code: int) -> list[Block]:
    """What an acting command says when its plan has no steps."""
    again = command("audit", plan.identity.name)
    verdict = "nothing is live, open or unseen" if code == 0 else "but see above for what is open, left or unseen"
    return [BLANK, line(Span("NOTHING TO DO", "strong"), f": {verdict}. Nothing was changed."), next_line(again)]


def _verdict(report: Report) -> list[Block]:
    style: Style = "good" if report.headline in GOOD else "danger"
    counted = [
        Span(f"{proof.value.upper()} {many}", "danger" if many and not proof.proves else "")
        for proof, many in proof_counts(report).items()
    ]
    open_now = open_count(report)
    left = [
        Span(f"OPEN {open_now}", "danger" if open_now else ""),
        Span(f"EXPIRES {len(report.residuals)}", "warning" if report.residuals else ""),
        Span(
            f"UNSEEN {unseen_count(report.blind, report.unreachable)}",
            "warning" if unseen_count(report.blind, report.unreachable) else "",
        ),
        Span(f"PLANTED {len(report.planted)}", "danger" if report.planted else ""),
    ]
    blocks: list[Block] = [
        line(Span(report.headline, style), f"    {report.identity}  {report.verb} {report.run}  state: {report.state}"),
        line(*spaced(counted)),
        line(*spaced(left)),
    ]
    if report.redacted:
        blocks.append(line(Span("Redacted: names are pseudonyms.", "warning")))
    if report.residual_until:
        blocks.append(line(Span(f"The last residual ends at {moment(report.residual_until)}.", "warning")))
    return blocks


def _next(report: Report) -> list[Block]:
    return [next_line(command, first=number == 0) for number, command in enumerate(report.next)]


def _outcomes(report: Report) -> list[Block]:
    blocks: list[Block] = []
    for on in dict.fromkeys(o.access.on for o in report.outcomes):
        rows = [_outcome_row(o) for o in report.outcomes if o.access.on == on]
        blocks += [BLANK, heading(on, report.principals)]
        blocks.append(table(("FATE", "ACCESS", "PROOF", "WHAT"), rows, keep="FATE PROOF", own_line="ACCESS", indent=2))
    return blocks


def _outcome_row(outcome: Outcome) -> tuple[Span | str, ...]:
    word = fate_word(outcome)
    fate = Span(word, "danger" if word == NOT_PROVEN else FATE_STYLE[outcome.fate])
    until = f" until {minute(outcome.until)}" if outcome.until else ""
    appeared = " (appeared during the run)" if outcome.appeared else ""
    proof = outcome.proof.value if outcome.proof else ""
    return fate, f"{outcome.access.id}{appeared}", proof, f"{said_of(outcome)}{until}"


def _replacements(report: Report) -> list[Block]:
    rows = [
        (
            Span(r.result, "good" if r.result == "served" else "warning"),
            r.kind,
            r.to,
            r.proof.value if r.proof else "",
            r.why,
        )
        for r in report.replacements
    ]
    if not rows:
        return []
    heads = ("REPLACEMENT", "KIND", "TO", "PROOF", "WHY")
    return [BLANK, line(Span("Replacements", "strong")), table(heads, rows, keep="REPLACEMENT PROOF", indent=2)]


def step_line(step: StepResult) -> Line:
    detail = f": {step.detail}" if step.detail else ""
    return line(
        Span(step.result, "danger" if step.result == "failed" else "warning"), f"  {step.says}{detail}", indent=2
    )


def _records(report: Report) -> list[Block]:
    times = report.times
    rows = [
        (word, moment(at), f"{length((at - times.started).total_seconds())} after the start" if times.started else "")
        for word, at in (
            ("acted", times.acted),
            ("sealed", times.sealed),
            ("served again", times.served),
            ("verified", times.verified),
        )
        if at
    ]
    lines: list[Line] = [line(f"started {moment(times.started)}", indent=2)] if times.started else []
    lines += [line(f"{word} {at}  {after}", indent=2) for word, at, after in rows]
    if report.intent.case:
        lines.append(line(f"case {report.intent.case}, reason {report.intent.reason.value}", indent=2))
    if report.operator:
        lines.append(line(f"operator {', '.join(report.operator)}", indent=2))
    if report.next_plan:
        lines.append(line(f"next plan {report.next_plan}", indent=2, keep=True))
    if report.journal:
        lines.append(line(f"journal {report.journal}", indent=2))
    if report.journal_sha256:
        lines.append(line(f"sha256 {report.journal_sha256}", indent=2, keep=True))
    return section("Record", lines)
