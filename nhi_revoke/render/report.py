"""The screen of a report: the verdict, what is left, what was done; in the order that `list` and `plan` have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nhi_revoke.engine.verdict import open_count, open_leads, outcome_open
from nhi_revoke.model.command import command
from nhi_revoke.model.found import Lead
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Outcome, Report, StepResult
from nhi_revoke.model.step import Phase
from nhi_revoke.render.approval import approved_line, glass_line
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section, table
from nhi_revoke.render.inventory import by_ref, heading, leads_sections, spaced, unseen, unseen_count
from nhi_revoke.render.moment import length, minute, moment
from nhi_revoke.render.plan import notices, open_line, residual_line, soonest

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
_FATE_RANK = ("open", "failed", NOT_PROVEN, "left", "lasts", "unseen", "ended", "already", "expired", "kept")
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
    alive = open_leads(report)
    doors = [open_line(door) for door in report.open] + [left_line(o) for o in doorless(report)]
    doors += [alive_line(lead) for lead in alive]
    blocks += section(Span("OPEN", "danger"), doors)
    labels = {o.access.id: o.access.label for o in report.outcomes}
    blocks += section(Span("EXPIRES", "warning"), [residual_line(each, labels) for each in soonest(report.residuals)])
    by_hand = [line(f"{each.on}  {each.kind}: {each.what}", indent=2) for each in report.manual]
    blocks += section(Span("BY HAND", "warning"), by_hand)
    blocks += leads_sections([*report.planted, *(lead for lead in report.leads if lead not in alive)])
    blocks += unseen(report.blind, report.unreachable)
    blocks += notices(report.notices)
    blocks += _outcomes(report)
    blocks += _replacements(report)
    flushed = [flushed_line(s) for s in report.steps if s.phase is Phase.FLUSH and s.proof]
    blocks += section(Span("FLUSHED", "strong"), flushed)
    troubled = step_lines([s for s in report.steps if s.result in TROUBLED])
    blocks += section(Span("STEPS that did not end well", "warning"), troubled)
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
    if report.approval and report.approval.break_glass:
        blocks.append(glass_line(report.approval))
    if report.redacted:
        blocks.append(line(Span("Redacted: names are pseudonyms.", "warning")))
    if report.residual_until:
        blocks.append(line(Span(f"The last residual ends at {moment(report.residual_until)}.", "warning")))
    return blocks


def _next(report: Report) -> list[Block]:
    return [next_line(command, first=number == 0) for number, command in enumerate(report.next)]


def _outcomes(report: Report) -> list[Block]:
    """What is open first, then what is left, then what was ended, then what was kept."""
    names = by_ref(report.principals)
    of: dict[PrincipalRef, list[Outcome]] = {}
    for outcome in report.outcomes:
        of.setdefault(outcome.access.on, []).append(outcome)
    heads = ("FATE", "PROOF", "ACCESS", "WHAT")
    least = {
        "FATE": max((len(fate_word(o)) for o in report.outcomes), default=0),
        "PROOF": max((len(o.proof) for o in report.outcomes if o.proof), default=0),
    }
    blocks: list[Block] = []
    for on, outcomes in of.items():
        rows = [_outcome_row(o) for o in sorted(outcomes, key=_rank)]
        blocks += [BLANK, heading(on, names)]
        blocks.append(table(heads, rows, keep="FATE PROOF", own_line="ACCESS", least=least, indent=2))
    return blocks


def _rank(outcome: Outcome) -> tuple[int, str, str]:
    return _FATE_RANK.index(fate_word(outcome)), outcome.access.kind, outcome.access.id


def _outcome_row(outcome: Outcome) -> tuple[Span | str, ...]:
    word = fate_word(outcome)
    fate = Span(word, "danger" if word == NOT_PROVEN else FATE_STYLE[outcome.fate])
    until = f", until {minute(outcome.until)}" if outcome.until else ""
    appeared = " (appeared during the run)" if outcome.appeared else ""
    proof = outcome.proof.value if outcome.proof else ""
    return fate, proof, f"{outcome.access.id}{appeared}", f"{said_of(outcome)}{until}"


def _replacements(report: Report) -> list[Block]:
    rows = [
        (
            Span(r.result, "good" if r.result == "served" else "warning"),
            r.proof.value if r.proof else "",
            r.kind,
            r.to,
            r.why,
        )
        for r in report.replacements
    ]
    if not rows:
        return []
    heads = ("RESULT", "PROOF", "KIND", "TO", "WHY")
    made = table(heads, rows, keep="RESULT PROOF KIND", own_line="TO", indent=2)
    return section(Span("REPLACEMENTS", "strong"), [made])


def step_lines(steps: Sequence[StepResult]) -> list[Line]:
    """A line each; what has one reason stands below it: a rotation that waits skips a dozen steps for the same."""
    why: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        why.setdefault((step.result, step.detail), []).append(step.says)
    lines: list[Line] = []
    for (result, detail), says in why.items():
        word = Span(result, "danger" if result == "failed" else "warning")
        if len(says) == 1 or not detail:
            lines += [line(word, f"  {each}", f": {detail}" if detail else "", indent=2) for each in says]
        else:
            told = (f"{each} ({many} times)" if many > 1 else each for each, many in Counter(says).items())
            lines += [line(word, f"  {detail}", indent=2), *(line(each, indent=4) for each in told)]
    return lines


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
    if report.approval and report.approval.signers:
        lines.append(approved_line(report.approval))
    if report.next_plan:
        lines.append(line(f"next plan {report.next_plan}", indent=2, keep=True))
    if report.journal:
        lines.append(line(f"journal {report.journal}", indent=2))
    if report.journal_sha256:
        lines.append(line(f"sha256 {report.journal_sha256}", indent=2, keep=True))
    return section(Span("RECORD", "strong"), lines)
