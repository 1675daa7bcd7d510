"""The screen of `campaign status`, and the live view: the same blocks, the latter cut to what fits."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.campaign.figures import Counts, Progress, TenantProgress
from nhi_revoke.campaign.item import CampaignState
from nhi_revoke.render.block import BLANK, Block, Column, Line, Span, Style, Table, line, next_line, section
from nhi_revoke.render.inventory import spaced
from nhi_revoke.render.moment import length

MOST_TENANTS = 30
"""More than that: the slowest first, and the rest in one row."""
MOST_WAVES = 6
MOST_WORKERS = 4
_STATE: dict[CampaignState, tuple[str, Style]] = {
    "running": ("RUNNING", "strong"),
    "paused": ("PAUSED", "warning"),
    "undoing": ("UNDOING", "strong"),
    "over": ("OVER", "strong"),
}
_STYLE: dict[str, Style] = {
    "done": "good",
    "open": "danger",
    "failed": "danger",
    "refused": "warning",
    "kept": "warning",
}
_ALWAYS = ("done", "open", "failed")
_SOMETIMES = ("refused", "undone", "kept")


def progress_screen(found: Progress, most: int = MOST_TENANTS) -> list[Block]:
    """`most`: tenants that have a row of their own."""
    blocks: list[Block] = [*headlines(found), BLANK, _tenants(found, most)]
    blocks += section(Span("WAVES", "strong"), _waves(found))
    if found.workers or found.state in ("running", "undoing"):
        blocks += [BLANK, _workers(found)]
    if found.next:
        blocks += [BLANK, *(next_line(each, first=number == 0) for number, each in enumerate(found.next))]
    return blocks


def headlines(found: Progress) -> list[Block]:
    """State and counts: the two or three lines that a tired person reads."""
    word, style = _STATE[found.state]
    items = found.items
    spans = [
        Span(word, style),
        Span(f"    {found.campaign}  {items.over} of {items.all} over"),
    ]
    if found.eta is not None and items.left:
        spans.append(Span(f", about {length(found.eta)} left"))
    blocks: list[Block] = [line(*spans), line(*spaced(_counted(items)), *_outage(found))]
    if found.state == "paused" and found.why:
        blocks.append(line(Span("why: ", "strong"), Span(found.why, "warning")))
    return blocks


def said(found: Progress) -> str:
    """In one line, for a pipe."""
    counts = "  ".join(span.text for span in _counted(found.items))
    eta = f"  about {length(found.eta)} left" if found.eta is not None and found.items.left else ""
    return f"{_STATE[found.state][0].lower()}  {counts}{eta}"


def _counted(items: Counts) -> list[Span]:
    states = (*_ALWAYS, *(state for state in _SOMETIMES if getattr(items, state)))
    spans = [
        Span(f"{state.upper()} {getattr(items, state)}", _STYLE.get(state, "") if getattr(items, state) else "")
        for state in states
    ]
    running = [Span(f"RUNNING {items.running}")] if items.running else []
    return [*spans, *running, Span(f"LEFT {items.waiting}")]


def _outage(found: Progress) -> list[Span]:
    return [Span(f"  OUT OF SERVICE {found.outage}", "danger")] if found.outage else []


def _tenants(found: Progress, most: int) -> Block:
    sometimes = tuple(state for state in _SOMETIMES if getattr(found.items, state))
    states = (*_ALWAYS, *sometimes, "running", "waiting")
    heads = (
        "DONE",
        "OPEN",
        "FAILED",
        *(state.upper() for state in sometimes),
        "RUNNING",
        "LEFT",
        "REQ/S",
        "WAITED",
        "ETA",
    )
    shown, rest = slowest_first(found.tenants, most)
    rows: list[tuple[str | Span, ...]] = [
        (*_cells(each.items, states, heads), *_times(each.rate, each.throttled, each.eta), each.name) for each in shown
    ]
    if rest:
        items = summed(rest)
        etas = [each.eta for each in rest if each.eta is not None]
        rates = [each.rate for each in rest if each.rate is not None]
        times = _times(sum(rates) if rates else None, sum(each.throttled for each in rest), max(etas, default=None))
        rows.append((*_cells(items, states, heads), *times, f"and {len(rest)} more"))
    columns = (*(Column(head, keep=True) for head in heads), Column("TENANT"))
    return Table(columns, tuple(tuple(Span(cell) if isinstance(cell, str) else cell for cell in row) for row in rows))


def slowest_first(tenants: Sequence[TenantProgress], most: int) -> tuple[list[TenantProgress], list[TenantProgress]]:
    """All in their order where they fit; else those that end last, and the rest."""
    if len(tenants) <= most:
        return list(tenants), []
    ordered = sorted(
        tenants, key=lambda each: (each.items.left == 0, each.eta is not None, -(each.eta or 0.0), -each.items.left)
    )
    return ordered[:most], ordered[most:]


def summed(tenants: Sequence[TenantProgress]) -> Counts:
    """Several as one row."""
    names = Counts.__struct_fields__
    return Counts(*(sum(getattr(each.items, name) for each in tenants) for name in names))


def _cells(items: Counts, states: Sequence[str], heads: Sequence[str]) -> tuple[Span, ...]:
    pairs = ((state, getattr(items, state), len(head)) for state, head in zip(states, heads, strict=False))
    return tuple(Span(str(many).rjust(wide), _STYLE.get(state, "") if many else "") for state, many, wide in pairs)


def _times(rate: float | None, throttled: float, eta: float | None) -> tuple[str, str, str]:
    return (
        "" if rate is None else f"{rate:.1f}".rjust(5),
        f"{throttled:.0f} s".rjust(6) if throttled else "",
        "" if eta is None else length(eta) if eta else "",
    )


def _waves(found: Progress) -> list[Line]:
    """The canaries and those that are under way; how many are over."""
    over = [wave for wave in found.waves if not wave.items.left]
    going = [wave for wave in found.waves if wave.items.left]
    told = [line(f"{len(over)} of {len(found.waves)} over", indent=2)] if found.waves else []
    for wave in going[:MOST_WAVES]:
        items = wave.items
        running = f", {items.running} running" if items.running else ""
        bad = f", {items.failed + items.refused} failed or refused" if items.failed + items.refused else ""
        told.append(line(f"wave {wave.number}: {items.over} of {items.all} over{running}{bad}", indent=2))
    if more := going[MOST_WAVES:]:
        told.append(line(f"and {len(more)} more that wait", indent=2))
    return told


def _workers(found: Progress) -> Line:
    if not found.workers:
        return line(Span("no worker is alive", "danger" if found.items.left else ""))
    named = [f"{each.host} {each.pid} ({each.seen:.0f} s ago)" for each in found.workers[:MOST_WORKERS]]
    more = f" and {len(found.workers) - MOST_WORKERS} more" if len(found.workers) > MOST_WORKERS else ""
    many = f"{len(found.workers)} worker{'s' * (len(found.workers) != 1)}"
    return line(f"{many}: {', '.join(named)}{more}")
