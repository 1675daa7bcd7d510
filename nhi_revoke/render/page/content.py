"""What stands on the page: words of the terminal's report, in the order in which a tired person reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from nhi_revoke.engine.verdict import open_count, open_leads
from nhi_revoke.model.report import Outcome, Report, StepResult
from nhi_revoke.model.step import Phase
from nhi_revoke.render.approval import glass_line
from nhi_revoke.render.block import Line, Span
from nhi_revoke.render.informing import Informed, must_be_told
from nhi_revoke.render.inventory import STATE_WORD, lead_lines, unseen, unseen_count
from nhi_revoke.render.moment import length, minute, moment
from nhi_revoke.render.page.drawing import (
    Drawing,
    Timeline,
    fate_style,
    lineage_drawing,
    reach_drawing,
    timeline,
)
from nhi_revoke.render.plan import notice_line, open_line
from nhi_revoke.render.report import (
    GOOD,
    TROUBLED,
    alive_line,
    doorless,
    fate_word,
    flushed_line,
    left_line,
    proof_counts,
    said_of,
    step_lines,
)
from nhi_revoke.render.standards import CONFIRMED, Entry, mapping

FOLDED = 200
"""Rows from which a table is folded at first."""
MOST_INFORMED = 200


class Count(NamedTuple):
    word: str
    many: int
    style: str


class Section(NamedTuple):
    """A list of lines under a heading."""

    id: str
    title: str
    style: str
    lines: tuple[Line, ...]


class Clock(NamedTuple):
    """A residual, and how long it lasted when the page was made."""

    access: str
    label: str
    until: str
    left: str
    style: str
    why: str


class Access(NamedTuple):
    """One row of before and after."""

    id: str
    before: str
    came_to: str
    style: str
    proof: str
    what: str


class Step(NamedTuple):
    phase: str
    says: str
    came_to: str
    style: str
    proof: str
    undo: str
    at: str
    detail: str


class Group(NamedTuple):
    """The accesses, or the steps, of one principal."""

    on: str
    name: str
    rows: tuple[Access | Step, ...]
    words: str
    """How many of them came to what."""
    folded: bool


class Page(NamedTuple):
    """Everything that the template shows."""

    report: Report
    good: bool
    made: str
    proofs: tuple[Count, ...]
    left: tuple[Count, ...]
    residual_until: str
    residual_left: str
    sections: tuple[Section, ...]
    clocks: tuple[Clock, ...]
    timeline: Timeline
    accesses: tuple[Group, ...]
    fates: str
    """How many accesses came to what."""
    lineage: Drawing | None
    reach: Drawing | None
    reach_lines: tuple[Line, ...]
    below: tuple[Section, ...]
    steps: tuple[Group, ...]
    results: str
    """How many steps ended how."""
    informed: tuple[Informed, ...]
    more_informed: int
    standards: tuple[Entry, ...]
    confirmed: str
    record: tuple[tuple[str, str], ...]


def page_of(report: Report, now: datetime) -> Page:
    """`now`: when the page is made (UTC); the residual clock counts from it."""
    informed = must_be_told(report)
    alive = set(open_leads(report))
    reach = lead_lines(lead for lead in report.leads if lead not in alive)
    return Page(
        report=report,
        good=report.headline in GOOD,
        made=moment(now),
        proofs=tuple(
            Count(p.value.upper(), many, "danger" if many and not p.proves else "good" if many else "")
            for p, many in proof_counts(report).items()
        ),
        left=_left(report),
        residual_until=moment(report.residual_until),
        residual_left=_remaining(report.residual_until, now),
        sections=tuple(s for s in _sections(report) if s.lines),
        clocks=_clocks(report, now),
        timeline=timeline(report),
        accesses=_accesses(report),
        fates=_counted(fate_word(o) for o in report.outcomes),
        lineage=lineage_drawing(report),
        reach=reach_drawing(report),
        reach_lines=tuple(reach),
        below=tuple(s for s in _below(report) if s.lines),
        steps=_steps(report),
        results=_counted(s.result for s in report.steps),
        informed=informed[:MOST_INFORMED],
        more_informed=max(0, len(informed) - MOST_INFORMED),
        standards=tuple(mapping(report)),
        confirmed=CONFIRMED,
        record=tuple((word, text) for word, text in _record(report, now) if text),
    )


def _left(report: Report) -> tuple[Count, ...]:
    hidden = unseen_count(report.blind, report.unreachable)
    counts = (
        ("OPEN", open_count(report), "danger"),
        ("EXPIRES", len(report.residuals), "warning"),
        ("UNSEEN", hidden, "warning"),
        ("PLANTED", len(report.planted), "danger"),
    )
    return tuple(Count(word, many, style if many else "") for word, many, style in counts)


def _sections(report: Report) -> Iterable[Section]:
    """What is left, the worst first."""
    doors = [open_line(door) for door in report.open] + [left_line(o) for o in doorless(report)]
    doors += [alive_line(lead) for lead in open_leads(report)]
    by_hand = (Line(_spans(f"{each.on}  {each.kind}: {each.what}")) for each in report.manual)
    # The first two blocks are a blank line and the title, which the page has already.
    hidden = [b for b in unseen(report.blind, report.unreachable)[2:] if isinstance(b, Line)]
    if report.approval is not None and report.approval.break_glass:
        yield Section("break-glass", "BREAK GLASS", "danger", (glass_line(report.approval),))
    yield Section("notices", "Notices", "", tuple(notice_line(each) for each in report.notices))
    yield Section("open", "OPEN", "danger", tuple(doors))
    yield Section("by-hand", "BY HAND", "danger", tuple(by_hand))
    yield Section("planted", "PLANTED", "danger", tuple(lead_lines(report.planted)))
    yield Section("unseen", "UNSEEN", "danger", tuple(hidden))


def _below(report: Report) -> Iterable[Section]:
    flushed = tuple(flushed_line(s) for s in report.steps if s.phase is Phase.FLUSH and s.proof)
    yield Section("flushed", "FLUSHED", "", flushed)
    troubled = tuple(step_lines([s for s in report.steps if s.result in TROUBLED]))
    yield Section("trouble", "Steps that did not end well", "danger", troubled)


def _spans(text: str) -> tuple[Span, ...]:
    return (Span(text),)


def _clocks(report: Report, now: datetime) -> tuple[Clock, ...]:
    labels = {o.access.id: o.access.label for o in report.outcomes}
    return tuple(
        Clock(
            each.access,
            labels.get(each.access, ""),
            moment(each.until) or "for good, unless you end it",
            _remaining(each.until, now),
            "" if each.until and each.until <= now else "warning" if each.counts else "danger",
            f"{each.why} ({each.source})" if each.source else each.why,
        )
        for each in sorted(report.residuals, key=lambda r: (r.until is None, r.until or now))
    )


def _remaining(until: datetime | None, now: datetime) -> str:
    """How long it lasts from `now` on; what is past is said to be past."""
    if until is None:
        return ""
    seconds = (until - now).total_seconds()
    return f"{length(seconds)} left" if seconds > 0 else f"over since {length(-seconds)}"


def _accesses(report: Report) -> tuple[Group, ...]:
    by: dict[str, list[Access]] = {}
    for outcome in report.outcomes:
        by.setdefault(str(outcome.access.on), []).append(_access(outcome))
    return _groups(report, by, len(report.outcomes))


def _access(outcome: Outcome) -> Access:
    access = outcome.access
    until = f" until {minute(outcome.until)}" if outcome.until else ""
    return Access(
        access.id,
        "appeared during the run" if outcome.appeared else STATE_WORD[access.state],
        fate_word(outcome),
        fate_style(outcome),
        outcome.proof.value if outcome.proof else "none",
        f"{said_of(outcome)}{until}",
    )


def _groups(report: Report, by: Mapping[str, Sequence[Access | Step]], many: int) -> tuple[Group, ...]:
    names = {str(p.ref): f"{p.kind} {p.name}" for p in report.principals}
    return tuple(
        Group(on, names.get(on, ""), tuple(rows), _counted(each.came_to for each in rows), many > FOLDED)
        for on, rows in by.items()
    )


def _steps(report: Report) -> tuple[Group, ...]:
    by: dict[str, list[Step]] = {}
    for step in report.steps:
        by.setdefault(step.on, []).append(_step(step))
    return _groups(report, by, len(report.steps))


def _step(step: StepResult) -> Step:
    weak = step.proof is not None and not step.proof.proves
    style = "danger" if step.result == "failed" else "warning" if step.result in TROUBLED or weak else ""
    proof = step.proof.value if step.proof else ""
    undo = "yes" if step.reversible else "IRREVERSIBLE"
    return Step(step.phase.value, step.says, step.result, style, proof, undo, moment(step.at), step.detail)


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {many}" for word, many in Counter(words).items())


def _record(report: Report, now: datetime) -> Iterable[tuple[str, str]]:
    intent = report.intent
    yield "run", report.run
    yield "command", report.verb
    yield "state", report.state
    yield "exit code", str(report.exit_code)
    yield "reason", intent.reason.value
    yield "case", intent.case
    yield "scope", intent.scope
    yield "operator", ", ".join(report.operator)
    yield "owner", report.owner
    if report.approval is not None:
        yield "approved by", ", ".join(f"{each.name} ({each.key})" for each in report.approval.signers) or "nobody"
    for name in report.times.__struct_fields__:
        yield name, moment(getattr(report.times, name))
    yield "page made", moment(now)
    yield "next plan", report.next_plan or ""
    yield "journal", report.journal
    yield "journal sha256", report.journal_sha256
