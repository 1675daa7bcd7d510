"""The screen that a person consents to: its parts in the order that `list` and `report` have, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import AccessId, PrincipalRef
from nhi_revoke.model.step import Notice, OpenDoor, Residual, Step
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, section, table
from nhi_revoke.render.inventory import by_ref, heading, leads_sections, text_of, unseen
from nhi_revoke.render.moment import length, minute

_LEVEL: dict[str, Style] = {"info": "", "warning": "warning", "danger": "danger"}
_WORD = {"danger": "DANGER", "warning": "WARNING", "info": "note"}


def plan_screen(plan: Plan) -> list[Block]:
    """Headline, what is open, breaks, stays, is to be done by hand, was seen beside and was not, then every step."""
    blocks: list[Block] = [line(*headline(plan), f"    {plan.identity.name}")]
    blocks += _settings(plan)
    blocks += section(Span("OPEN", "danger"), [open_line(door) for door in plan.open])
    breaks = dict.fromkeys((str(step.on), step.breaks) for step in plan.steps if step.breaks)
    first = {on: number for number, (on, _) in reversed(list(enumerate(breaks)))}
    ordered = sorted(breaks, key=lambda each: first[each[0]])  # what breaks of one principal stands together
    blocks += section(Span("BREAKS", "danger"), [line(f"{on}  {what}", indent=2) for on, what in ordered])
    labels = {access.id: access.label for access in plan.accesses}
    blocks += section(Span("STAYS", "warning"), [residual_line(each, labels) for each in soonest(plan.residuals)])
    by_hand = [line(f"{each.on}  {each.kind}: {each.what}", indent=2) for each in plan.manual]
    blocks += section(Span("BY HAND", "warning"), by_hand)
    blocks += leads_sections(plan.leads, " (not touched by this plan)")
    blocks += unseen(plan.blind, plan.unreachable)
    blocks += notices(plan.notices)
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


def soonest(residuals: Iterable[Residual]) -> list[Residual]:
    """In the order in which they end; what does not end by itself stands last."""
    return sorted(residuals, key=lambda each: (each.until is None, minute(each.until)))


def residual_line(each: Residual, labels: Mapping[AccessId, str]) -> Line:
    """`labels`: what each access is, in words: an id may be nothing but numbers."""
    until = f"until {minute(each.until)}" if each.until else "for good, unless you end it"
    source = f" ({each.source})" if each.source else ""
    style: Style = "" if each.counts else "danger"
    what = "  ".join(part for part in (each.access, labels.get(each.access, "")) if part)
    return line(Span(f"{until}  {what}: {each.why}{source}", style), indent=2)


def open_line(door: OpenDoor) -> Line:
    word = Span("KEPT", "warning") if door.kept else Span("OPEN", "danger")
    way = f"  close it: {door.next}" if door.next and not door.kept and door.next not in door.why else ""
    return line(word, f"  {door.access}  {door.why}{way}", indent=2)


def notices(said: Iterable[Notice]) -> list[Block]:
    """NOTES, the gravest first; what is said of several principals stands once."""
    order = list(_WORD)
    merged: dict[tuple[str, str], list[Notice]] = {}
    for each in sorted(said, key=lambda notice: order.index(notice.level)):
        merged.setdefault((each.level, each.says), []).append(each)
    return section(Span("NOTES", "warning"), [notice_line(*same) for same in merged.values()])


def notice_line(first: Notice, *same: Notice) -> Line:
    """What is said, and of which principals: `same` differ in that alone."""
    on = dict.fromkeys(str(each.on) for each in (first, *same))
    return line(Span(f"{_WORD[first.level]}: {first.says}", _LEVEL[first.level]), f"  {', '.join(on)}", indent=2)


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
    names = by_ref(plan.principals)
    of: dict[PrincipalRef, list[tuple[str | Span, ...]]] = {}
    for step in plan.steps:
        after = spans_of(numbers[each] for each in step.after if each in numbers)
        row = (str(numbers[step.id]), step.phase.value, _taken_back(step), after, plan.told(step))
        of.setdefault(step.on, []).append(row)
    heads = ("#", "PHASE", "UNDO", "AFTER", "WHAT")
    every = [row for rows in of.values() for row in rows]
    least = {heads[i]: max((len(text_of(row[i])) for row in every), default=0) for i in range(3)}
    blocks: list[Block] = []
    for on, rows in of.items():
        blocks += [BLANK, heading(on, names)]
        blocks.append(table(heads, rows, keep="# PHASE UNDO AFTER", least=least, indent=2))
    return blocks


def spans_of(numbers: Iterable[int]) -> str:
    """`1 3-7`: a seal may wait for everything before it."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _taken_back(step: Step) -> Span:
    if not step.reversible:
        return Span("IRREVERSIBLE", "danger")
    if step.rearms == "always":
        return Span("re-arms", "warning")
    if step.rearms != "no":
        return Span(f"after {length(step.rearms)}", "warning")
    return Span("yes")
