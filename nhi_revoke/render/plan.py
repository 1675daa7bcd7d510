"""The screen that a person consents to."""

from __future__ import annotations

from collections.abc import Mapping

from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import AccessId
from nhi_revoke.model.step import Notice, OpenDoor, Residual, Step
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, section, table
from nhi_revoke.render.inventory import heading, lead_lines, unseen
from nhi_revoke.render.moment import length, minute

_LEVEL: dict[str, Style] = {"info": "", "warning": "warning", "danger": "danger"}


def plan_screen(plan: Plan) -> list[Block]:
    """Headline, what the operator must know, then every step in order."""
    blocks: list[Block] = [line(*headline(plan), f"    {plan.identity.name}")]
    blocks += _settings(plan)
    blocks += [notice_line(notice) for notice in plan.notices]
    breaks = dict.fromkeys((str(step.on), step.breaks) for step in plan.steps if step.breaks)
    blocks += section(Span("BREAKS", "danger"), [line(f"{on}  {what}", indent=2) for on, what in breaks])
    labels = {access.id: access.label for access in plan.accesses}
    blocks += section(Span("STAYS", "warning"), [residual_line(each, labels) for each in plan.residuals])
    by_hand = [line(f"{each.on}  {each.kind}: {each.what}", indent=2) for each in plan.manual]
    blocks += section(Span("BY HAND", "warning"), by_hand)
    blocks += section(Span("OPEN", "danger"), [open_line(door) for door in plan.open])
    blocks += section(Span("REACH and PLANTED (not touched by this plan)", "warning"), lead_lines(plan.leads))
    blocks += unseen(plan.blind, plan.unreachable)
    blocks += _steps(plan)
    return blocks


def headline(plan: Plan) -> list[Span]:
    """`14 changes, 3 IRREVERSIBLE`."""
    if not plan.steps:
        return [Span("0 changes: nothing to do", "strong")]
    many = len(plan.steps)
    spans = [Span(f"{many} change{'s' * (many != 1)}", "strong")]
    if plan.irreversible:
        spans += [Span(", "), Span(f"{len(plan.irreversible)} IRREVERSIBLE", "danger")]
    else:
        spans.append(Span(", all reversible", "good"))
    return spans


def residual_line(each: Residual, labels: Mapping[AccessId, str]) -> Line:
    """`labels`: what each access is, in words: an id may be nothing but numbers."""
    until = f"until {minute(each.until)}" if each.until else "for good, unless you end it"
    source = f" ({each.source})" if each.source else ""
    style: Style = "" if each.counts else "danger"
    what = "  ".join(part for part in (each.access, labels.get(each.access, ""), until) if part)
    return line(Span(f"{what}: {each.why}{source}", style), indent=2)


def open_line(door: OpenDoor) -> Line:
    word = Span("KEPT", "warning") if door.kept else Span("OPEN", "danger")
    way = f"  close it: {door.next}" if door.next and not door.kept and door.next not in door.why else ""
    return line(word, f"  {door.access}  {door.why}{way}", indent=2)


def notice_line(notice: Notice) -> Line:
    word = {"info": "note", "warning": "WARNING", "danger": "DANGER"}[notice.level]
    return line(Span(f"{word}: {notice.says}", _LEVEL[notice.level]), f"  {notice.on}")


def _settings(plan: Plan) -> list[Block]:
    intent = plan.intent
    order = "contain first" if intent.order == "contain" else "rollover: replace first"
    words = [f"order: {order}", f"reason: {intent.reason.value}", f"scope: {intent.scope}"]
    words += [f"rotate: {intent.rotate}", f"brake: {intent.brake}"]
    if intent.order == "contain":
        words.append(f"follow: {intent.follow}")
    if intent.settle is not None:
        words.append(f"settle: {length(intent.settle)}")
    if intent.case:
        words.append(f"case: {intent.case}")
    return [line(Span("   ".join(words), "dim"))]


def _steps(plan: Plan) -> list[Block]:
    """One table per principal, numbered through in the order of the run."""
    numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
    blocks: list[Block] = []
    for on in dict.fromkeys(step.on for step in plan.steps):
        rows = [
            (
                str(numbers[step.id]),
                step.phase.value,
                plan.told(step),
                _taken_back(step),
                " ".join(str(numbers[each]) for each in step.after if each in numbers),
            )
            for step in plan.steps
            if step.on == on
        ]
        blocks += [BLANK, heading(on, plan.principals)]
        blocks.append(table(("#", "PHASE", "WHAT", "UNDO", "AFTER"), rows, keep="# PHASE UNDO", indent=2))
    return blocks


def _taken_back(step: Step) -> Span:
    if not step.reversible:
        return Span("IRREVERSIBLE", "danger")
    if step.rearms == "always":
        return Span("re-arms", "warning")
    if step.rearms != "no":
        return Span(f"after {length(step.rearms)}", "warning")
    return Span("yes")
