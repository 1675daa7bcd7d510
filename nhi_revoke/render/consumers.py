"""The screen and the rows of `find --consumers`: who uses it, what could not be seen, and what to paste."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nhi_revoke.engine.consumers import FoundConsumers, Told
from nhi_revoke.model.consumer import Basis
from nhi_revoke.model.identity import FlushTarget
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section
from nhi_revoke.render.inventory import spaced, unseen, unseen_count
from nhi_revoke.render.rows import Row

CONSUMER_COLUMNS = [
    "record", "basis", "what", "scope", "why", "evidence", "of", "deliver", "flush", "in_map", "by_hand", "needs",
]  # fmt: skip
SHOWN = 6
"""So many marks of a principal are told."""
STYLES: dict[Basis, Style] = {"id": "danger", "reference": "danger", "use": "warning", "name": "dim"}
MEANS: dict[Basis, str] = {
    "id": "its configuration holds what tells the credential",
    "reference": "it refers to a place that holds it",
    "use": "the vendor saw it used",
    "name": "it is called like it, which proves nothing",
}


def consumers_screen(found: FoundConsumers) -> list[Block]:
    """Headline; what was looked for; consumers, the strongest evidence first; UNSEEN; the TOML; what to type."""
    blocks: list[Block] = [_headline(found)]
    blocks += [_looked_for(str(who.ref), [m.text for m in found.marks if m.of == who.ref]) for who in found.principals]
    blocks += [BLANK, *_listed(found.consumers), _asked(found)]
    blocks += unseen(found.blind, found.unreachable)
    lines = [line(text, keep=True) for text in found.proposal.splitlines()]
    title = Span("PROPOSED for nhi.toml, from this evidence alone", "strong")
    blocks += section(title, [BLANK, *lines] if lines else [])
    if found.next:
        blocks += [BLANK, *(next_line(each, first=number == 0) for number, each in enumerate(found.next))]
    return blocks


def _headline(found: FoundConsumers) -> Line:
    named = sum(each.basis == "name" for each in found.consumers)
    mapped = sum(each.in_map for each in found.consumers)
    hidden = unseen_count(found.blind, found.unreachable)
    shown = len(found.consumers) - named
    parts = [
        Span(f"CONSUMERS {shown}", "warning" if shown else ""),
        Span(f"BY NAME ALONE {named}", "dim" if named else ""),
        Span(f"IN THE MAP {mapped}", "good" if mapped else ""),
        Span(f"UNSEEN {hidden}", "warning" if hidden else ""),
    ]
    return line(*spaced(parts), f"    of {found.name}")


def _looked_for(who: str, marks: Sequence[str]) -> Line:
    more = f" and {len(marks) - SHOWN} more" if len(marks) > SHOWN else ""
    told = f"  looked for by {', '.join(marks[:SHOWN])}{more}"
    said = told if marks else "  nothing tells its credentials in a configuration"
    return line(Span(who, "strong"), said, indent=2)


def _listed(consumers: Sequence[Told]) -> list[Block]:
    """A row each, and under it, wrapped, what tells it. What each basis means stands once, below."""
    blocks: list[Block] = []
    wide = max((len(each.basis) for each in consumers), default=0)
    for each in consumers:
        basis, scope = Span(each.basis.ljust(wide + 2), STYLES[each.basis]), f"  {each.scope}" if each.scope else ""
        blocks.append(line(basis, Span(each.what, "strong"), scope, indent=2))
        mapped = Span("in the map" if each.in_map else "", "good")
        blocks.append(line(mapped, "; " if each.in_map else "", f"{each.why} ({each.evidence})", indent=wide + 4))
    there = dict.fromkeys(each.basis for each in consumers)
    legend = "; ".join(f"{basis}: {MEANS[basis]}" for basis in there)
    return [*blocks, BLANK, line(f"{legend}.", indent=2)] if blocks else []


def _asked(found: FoundConsumers) -> Line:
    if not found.asked:
        return line("No account answered: who uses it is not known.", indent=2)
    none = "" if found.consumers else "Nothing there was seen to use it. "
    return line(f"{none}Looked at: {', '.join(found.asked)}. What is not connected was not.", indent=2)


def consumer_rows(found: FoundConsumers) -> Iterator[Row]:
    """The column `record` tells which; what was not seen has its row, too."""
    for each in found.consumers:
        yield _row(
            "consumer",
            basis=each.basis,
            what=each.what,
            scope=each.scope,
            why=each.why,
            evidence=each.evidence,
            of=" ".join(map(str, each.of)),
            deliver=" ".join(f"{d.kind}={d.to}" for d in each.deliver),
            flush=" ".join(map(_flush, each.flush)),
            in_map="yes" if each.in_map else "no",
            by_hand=each.by_hand,
        )
    for spot in found.blind:
        yield _row(
            "unseen" if spot.counts else "not read", basis=spot.kind, scope=str(spot.on), why=spot.why, needs=spot.needs
        )
    for one in found.unreachable:
        yield _row("unseen", basis=one.code, scope=str(one.ref), why=one.why, needs=one.hint)


def _flush(target: FlushTarget) -> str:
    settings = ",".join(f"{key}={value}" for key, value in target.settings.items())
    return f"{target.use}({settings})"


def _row(record: str, **more: str) -> Row:
    return {**dict.fromkeys(CONSUMER_COLUMNS, ""), "record": record, **more}
