"""The screen of `campaign report`: counts, how strongly each end is known, what is left, and of whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nhi_revoke.campaign.merged import WORST_STATES, ItemRow, Left, Merged
from nhi_revoke.model.proof import Proof
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section
from nhi_revoke.render.inventory import spaced
from nhi_revoke.render.moment import moment

MOST = 20
"""Identities of one kind that are named."""


class Group(NamedTuple):
    state: str
    title: str
    style: Style


GROUPS = {
    "failed": Group("failed", "FAILED", "danger"),
    "open": Group("open", "OPEN: something of these is left for a person", "danger"),
    "kept": Group("kept", "KEPT: not taken back, or a part of it", "danger"),
    "refused": Group("refused", "REFUSED: nothing of these was changed", "warning"),
    "running": Group("running", "RUNNING", "warning"),
    "waiting": Group("waiting", "WAITING: not begun, or to be gone on with", "warning"),
    "done": Group("done", "DONE", "good"),
    "undone": Group("undone", "UNDONE: taken back", ""),
}
NAMED = ("failed", "open", "kept", "refused")
"""States whose identities the terminal names."""


def proof_spans(left: Left) -> list[Span]:
    """`ENFORCED 3  …  UNPROVEN 0`."""
    counts = ((proof, left.proofs.get(proof.value, 0)) for proof in Proof)
    return [
        Span(f"{proof.value.upper()} {many}", "danger" if many and not proof.proves else "") for proof, many in counts
    ]


def left_spans(left: Left) -> list[Span]:
    """`OPEN 2  EXPIRES 1  UNSEEN 0  PLANTED 0`."""
    words: tuple[tuple[str, int, Style], ...] = (
        ("OPEN", left.open, "danger"),
        ("EXPIRES", left.expires, "warning"),
        ("UNSEEN", left.unseen, "warning"),
        ("PLANTED", left.planted, "danger"),
    )
    return [Span(f"{word} {many}", style if many else "") for word, many, style in words]


def merged_screen(found: Merged, rows: Iterable[ItemRow]) -> list[Block]:
    """`rows`: one for each item, in any order; only those that a person must look at are kept."""
    items = found.items
    counted = [
        Span(f"{state.upper()} {many}", GROUPS[state].style if many else "")
        for state in WORST_STATES
        if (many := getattr(items, state)) or state in ("failed", "open", "done")
    ]
    blocks: list[Block] = [
        line(Span(found.state.upper(), "strong"), f"    {found.campaign}  {items.over} of {items.all} identities over"),
        line(*spaced(counted)),
        line(*spaced(proof_spans(found.left))),
        line(*spaced(left_spans(found.left))),
    ]
    if found.break_glass:
        blocks.append(line(Span(f"BREAK GLASS  {found.break_glass}", "danger")))
    if found.approved_by:
        blocks.append(line(f"approved by {', '.join(found.approved_by)}"))
    if found.tampered:
        blocks.append(line(Span(f"TAMPERED {found.tampered}: what these journals say proves nothing", "danger")))
    if found.residual_until:
        blocks.append(line(Span(f"The last residual ends at {moment(found.residual_until)}.", "warning")))
    blocks += _named(rows)
    if found.next:
        blocks += [BLANK, *(next_line(each, first=number == 0) for number, each in enumerate(found.next))]
    return blocks


def _named(rows: Iterable[ItemRow]) -> list[Block]:
    lines: dict[str, list[Line]] = {state: [] for state in NAMED}
    more = dict.fromkeys(NAMED, 0)
    for row in rows:
        if row.state in lines and len(lines[row.state]) < MOST:
            lines[row.state].append(_line(row))
        elif row.state in lines:
            more[row.state] += 1
    blocks: list[Block] = []
    for state, named in lines.items():
        rest = [line(f"and {more[state]} more: -o csv lists them all", indent=2)] if more[state] else []
        blocks += section(Span(GROUPS[state].title, GROUPS[state].style), [*named, *rest])
    return blocks


def _line(row: ItemRow) -> Line:
    left = [span.text for span in left_spans(row.left) if not span.text.endswith(" 0")]
    said = "  ".join(part for part in (", ".join(row.tenants), row.headline, *left, row.why) if part)
    return line(f"{row.number}  ", Span(row.name, "strong"), f"  {said}", indent=2)
