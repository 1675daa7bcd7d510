"""The screen of `campaign plan`: what it amounts to, by tenant, the worst, what has no plan, waves, what to type."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.campaign.blast import Counted
from nhi_revoke.campaign.overview import Overview, TenantTotal
from nhi_revoke.campaign.progress_words import course_words
from nhi_revoke.render.block import (
    BLANK,
    Block,
    Column,
    Line,
    Span,
    Style,
    Table,
    line,
    next_line,
    section,
    table,
)
from nhi_revoke.render.inventory import spaced
from nhi_revoke.render.moment import length

MOST_TENANTS = 30
MOST_UNPLANNED = 20
_HEADS = ("ITEMS", "LIVE", "CHANGES", "IRREVERSIBLE", "BREAKS", "OPEN", "UNSEEN")
_STYLES: dict[str, Style] = {"IRREVERSIBLE": "danger", "BREAKS": "danger", "OPEN": "danger", "UNSEEN": "warning"}


def overview_screen(found: Overview) -> list[Block]:
    """Everything, for a terminal or a pipe."""
    without = f", {len(found.unplanned)} cannot be planned" if found.unplanned else ""
    planned = f"{found.total.identities} of {found.items} identities planned{without}"
    blocks: list[Block] = [line(Span(planned, "strong"), f"    {found.source}"), *_totals(found)]
    blocks += section(Span("TENANTS", "strong"), [_tenants(found.tenants)] if found.tenants else [])
    blocks += section(Span("WORST FIRST", "strong"), [_worst(found)] if found.worst else [])
    blocks += section(Span("CANNOT BE PLANNED, and is not touched", "danger"), _unplanned(found))
    if found.waves:
        blocks += section(Span("WAVES", "strong"), [*course_words(found.waves, found.course), *_floor(found)])
    blocks += [BLANK, *(next_line(each, first=number == 0) for number, each in enumerate(found.next))]
    return blocks


def _totals(found: Overview) -> Sequence[Block]:
    """Of those that were planned: of the others nothing is known, and no 0 may stand for that."""
    total = found.total
    if not total.identities:
        return [line(Span("What lives on them was not seen: this is no sign that nothing does.", "danger"))]
    final = (
        Span(f"{total.irreversible} IRREVERSIBLE", "danger") if total.irreversible else Span("all reversible", "good")
    )
    counts = [
        Span(f"LIVE {total.live}"),
        Span(f"BREAKS {total.breaks}", "danger" if total.breaks else ""),
        Span(f"OPEN {total.open}", "danger" if total.open else ""),
        Span(f"UNSEEN {total.unseen}", "warning" if total.unseen else ""),
        *([Span(f"NOT PLANNED {len(found.unplanned)}", "warning")] if found.unplanned else []),
    ]
    return [line(Span(f"{total.changes} changes, ", "strong"), final), line(*spaced(counts))]


def _tenants(tenants: Sequence[TenantTotal]) -> Block:
    """Those with the most changes first; beyond so many, the rest is summed."""
    most = sorted(tenants, key=lambda each: (-each.total.changes, each.provider, each.scope))
    known = any(each.seconds is not None for each in tenants)
    heads = (*_HEADS, *(("AT LEAST",) if known else ()))
    rows = [(f"{each.provider} {each.scope}".strip(), each.total, each.seconds) for each in most[:MOST_TENANTS]]
    if rest := most[MOST_TENANTS:]:
        slowest = max((each.seconds for each in rest if each.seconds is not None), default=None)
        rows.append((f"and {len(rest)} more", sum((each.total for each in rest), Counted()), slowest))
    cells: list[tuple[str | Span, ...]] = [
        (*_cells(total), *((_time(seconds),) if known else ()), name) for name, total, seconds in rows
    ]
    return _numbers((*heads, "TENANT"), cells)


def _numbers(heads: Sequence[str], rows: Sequence[Sequence[str | Span]]) -> Table:
    """Columns of numbers, and what they are of last: where it is long, it alone goes below its row."""
    return Table(
        tuple(Column(head, keep=head != heads[-1]) for head in heads),
        tuple(tuple(Span(cell) if isinstance(cell, str) else cell for cell in row) for row in rows),
        2,
    )


def _cells(total: Counted) -> tuple[Span, ...]:
    many = (
        total.identities,
        total.live,
        total.changes,
        total.irreversible,
        total.breaks,
        total.open,
        total.unseen,
    )
    return tuple(
        Span(str(each).rjust(len(head)), _STYLES.get(head, "") if each else "")
        for head, each in zip(_HEADS, many, strict=True)
    )


def _worst(found: Overview) -> Block:
    heads = ("#", "IRREVERSIBLE", "BREAKS", "REACH", "LIVE", "IDENTITY", "TENANTS")
    rows = [
        (
            str(each.number),
            str(each.blast.irreversible).rjust(12),
            str(each.blast.breaks).rjust(6),
            str(each.blast.reach).rjust(5),
            str(each.blast.live).rjust(4),
            each.name,
            ", ".join(each.tenants),
        )
        for each in found.worst
    ]
    return table(heads, rows, keep="# IRREVERSIBLE BREAKS REACH LIVE", indent=2)


def _unplanned(found: Overview) -> list[Line]:
    lines = [
        line(f"line {each.line}  " if each.line else "", Span(each.name, "strong"), f"  {each.why}", indent=2)
        for each in found.unplanned[:MOST_UNPLANNED]
    ]
    if rest := len(found.unplanned) - MOST_UNPLANNED:
        lines += [line(f"and {rest} more: -o csv lists them all", indent=2)] if rest > 0 else []
    return lines


def _floor(found: Overview) -> list[Line]:
    if found.seconds is None:
        return [line("How long it takes is not known: no rate of these tenants is (--rate).", indent=2)]
    return [
        line(f"At least {length(found.seconds)} by the tenants' rates; waiting for the vendors is not in it.", indent=2)
    ]


def _time(seconds: float | None) -> str:
    return "" if seconds is None else length(seconds)
