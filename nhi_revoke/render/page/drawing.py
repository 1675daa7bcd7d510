"""What stands where in the drawings of the page: timeline, lineage, reach. Geometry only; the templates draw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from nhi_revoke.model.found import Access, Lead
from nhi_revoke.model.report import Outcome, Report
from nhi_revoke.render.inventory import lineage
from nhi_revoke.render.moment import length, moment
from nhi_revoke.render.report import FATE_STYLE, NOT_PROVEN, fate_word

WIDTH = 760
"""Of each drawing, in its own units; a browser scales it."""
MOST_NODES = 60
"""A drawing of more is no help to anybody: the rest is counted under it and stands in the tables."""
MOST_MARKS = 16
_ROW = 34
_GLYPH = 7.3
"""Width of a character of the drawing's monospaced text, in the same units."""


class Mark(NamedTuple):
    """A moment on the timeline."""

    y: int
    at: str
    word: str
    style: str
    gap: str
    """How long after the one above; empty for the first."""


class Timeline(NamedTuple):
    marks: tuple[Mark, ...]
    height: int
    more: int


class Node(NamedTuple):
    """A box with its text, what became of it, and the line to what it hangs on."""

    x: float
    y: int
    text: str
    whole: str
    """Untruncated, as its tooltip and for readers of screens."""
    word: str
    style: str
    path: str
    """The line to its parent (SVG path data); empty where there is none."""


class Drawing(NamedTuple):
    left: tuple[Node, ...]
    """Of a lineage all nodes; of a reach the principals of the plan."""
    right: tuple[Node, ...]
    height: int
    more: int


def timeline(report: Report) -> Timeline:
    """What happened and what still ends by itself, in order. Distances say nothing: each gap is told in words."""
    # To the second, as they are shown: a gap is the difference of what stands there.
    whole = ((at.replace(microsecond=0), word, style) for at, word, style in _moments(report))
    found = sorted(whole, key=lambda each: each[0])
    marks: list[Mark] = []
    before: datetime | None = None
    for number, (at, word, style) in enumerate(found[:MOST_MARKS]):
        gap = (
            ""
            if before is None
            else "in the same second"
            if at == before
            else f"{length((at - before).total_seconds())} later"
        )
        marks.append(Mark(20 + number * 44, moment(at), word, style, gap))
        before = at
    return Timeline(tuple(marks), 44 * len(marks), max(0, len(found) - MOST_MARKS))


def _moments(report: Report) -> Iterator[tuple[datetime, str, str]]:
    times = report.times
    named = (
        (times.detected, "began, or was detected (--since)", "warning"),
        (times.started, "started", ""),
        (times.acted, "acted: every cut and end was seen", "good"),
        (times.sealed, "sealed: nothing born before survives", "good"),
        (times.served, "served again: the replacement is current", "good"),
        (times.verified, "verified", ""),
    )
    yield from ((at, word, style) for at, word, style in named if at)
    ends: dict[datetime, list[str]] = {}
    for residual in report.residuals:
        if residual.until:
            ends.setdefault(residual.until.replace(microsecond=0), []).append(residual.access)
    for at, accesses in ends.items():
        what = middle_out(accesses[0], 44) if len(accesses) == 1 else f"{len(accesses)} accesses"
        yield at, f"residual ends: {what}", "warning"


def lineage_drawing(report: Report) -> Drawing | None:
    """Accesses that were minted with another one, each under its parent. None where nothing has a parent."""
    outcome_of = {o.access.id: o for o in report.outcomes}
    parents = {o.access.parent for o in report.outcomes if o.access.parent}
    family = [o.access for o in report.outcomes if o.access.parent or o.access.id in parents]
    if not parents:
        return None
    nodes: list[Node] = []
    last: dict[int, Node] = {}
    ordered = list(_with_unknown(lineage(family), outcome_of))
    for number, (depth, id_, outcome) in enumerate(ordered[:MOST_NODES]):
        x, y = 8.0 + depth * 26, 8 + number * _ROW
        hung = f"M{last[depth - 1].x + 12} {last[depth - 1].y + 24}V{y + 12}H{x}" if depth else ""
        word = fate_word(outcome) if outcome else "not in this report"
        node = Node(x, y, middle_out(id_, int((580 - x) / _GLYPH)), id_, word, fate_style(outcome), hung)
        nodes.append(node)
        last[depth] = node
    return Drawing(tuple(nodes), (), 8 + _ROW * len(nodes), max(0, len(ordered) - MOST_NODES))


def _with_unknown(
    ordered: Sequence[tuple[int, Access]], outcome_of: dict[str, Outcome]
) -> Iterator[tuple[int, str, Outcome | None]]:
    """A parent that no list shows stands over its children, too."""
    shift = 0
    for depth, access in ordered:
        if depth == 0:
            unknown = access.parent is not None and access.parent not in outcome_of
            shift = int(unknown)
            if unknown:
                yield 0, str(access.parent), None
        yield depth + shift, access.id, outcome_of[access.id]


def reach_drawing(report: Report) -> Drawing | None:
    """From the principals of this run to those that they reach or planted. None where there are no leads."""
    leads = tuple(dict.fromkeys((x.of, x.to, lead_word(x)) for x in (*report.planted, *report.leads)))
    if not leads:
        return None
    shown = leads[:MOST_NODES]
    sources = dict.fromkeys(of for of, _, _ in shown)
    targets: list[Node] = []
    rows: dict[object, list[int]] = {}
    for number, (of, to, (word, style)) in enumerate(sorted(shown, key=lambda each: list(sources).index(each[0]))):
        y = 8 + number * 50
        rows.setdefault(of, []).append(y)
        targets.append(Node(400, y, middle_out(str(to), 46), str(to), word, style, ""))
    lefts, middles = [], {}
    for of in sources:
        middles[of] = y = sum(rows[of]) // len(rows[of])
        text = str(of) if of else "one of its principals"
        lefts.append(Node(8, y, middle_out(text, 38), text, "", "", ""))
    lines = [of for of in sources for _ in rows[of]]
    drawn = tuple(
        node._replace(path=f"M296 {middles[of] + 20}C348 {middles[of] + 20} 348 {node.y + 20} 400 {node.y + 20}")
        for node, of in zip(targets, lines, strict=True)
    )
    return Drawing(tuple(lefts), drawn, 50 * len(drawn) + 4, max(0, len(leads) - MOST_NODES))


def lead_word(lead: Lead) -> tuple[str, str]:
    """What a lead is, in a word or two, and the style that underlines it."""
    if lead.how == "planted":
        return "PLANTED", "danger"
    if lead.shut:
        return "REACH, shut", "good"
    if lead.beyond:
        return "REACH, nobody here can look", "danger"
    return ("REACH, a session was seen", "danger") if lead.session else ("REACH", "warning")


def fate_style(outcome: Outcome | None) -> str:
    """Of the word that `fate_word` gives."""
    if outcome is None:
        return "dim"
    return "danger" if fate_word(outcome) == NOT_PROVEN else FATE_STYLE[outcome.fate]


def middle_out(text: str, most: int) -> str:
    """At most so many characters: what tells names apart stands at both ends."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[head + 1 - most :]}"
