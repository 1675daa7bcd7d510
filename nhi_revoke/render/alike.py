"""The screen and the rows of `find NAME`: what looks like one identity, what speaks for it, and what to paste."""

from __future__ import annotations

from collections.abc import Iterator

from nhi_revoke.engine.entry import told
from nhi_revoke.engine.likeness import Alike, Basis, Speaks, Standing
from nhi_revoke.engine.search import FoundPrincipals
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section
from nhi_revoke.render.inventory import spaced, unseen, unseen_count
from nhi_revoke.render.moment import minute, moment
from nhi_revoke.render.rows import Row

ALIKE_COLUMNS = [
    "principal", "provider", "kind", "id", "record", "name", "scope", "identity", "because", "evidence", "doubt",
    "unique_id", "created", "last_used", "needs",
]  # fmt: skip
STYLES: dict[Basis, Style] = {
    "map": "good", "points": "warning", "holds": "warning", "tag": "", "name": "", "owner": "", "similar": "dim",
}  # fmt: skip
WORDS: dict[Basis, str] = {
    "map": "in the map", "points": "points at", "holds": "holds the id", "tag": "tag", "name": "same name",
    "owner": "same owner", "similar": "similar name",
}  # fmt: skip
BY: dict[Basis, str] = {"points": "named by", "holds": "id held by"}
TITLES: dict[Standing, str] = {
    "sure": "SURE: one identity",
    "ambiguous": "AMBIGUOUS: several bear the name, and nothing tells which is meant",
    "maybe": "MAYBE: too little ties it",
}
TITLE_STYLES: dict[Standing, Style] = {"sure": "good", "ambiguous": "warning", "maybe": "warning"}
WIDE = max(map(len, WORDS.values())) + 2


def alike_screen(found: FoundPrincipals) -> list[Block]:
    """Headline; the candidates, the surest first, each with what speaks for it; UNSEEN; the TOML; what to type."""
    blocks: list[Block] = [_headline(found)]
    for standing, title in TITLES.items():
        lines = [each for one in found.candidates if one.standing == standing for each in _candidate(one, found)]
        blocks += section(Span(title, TITLE_STYLES[standing]), lines)
    blocks += [BLANK, _asked(found)]
    blocks += unseen(found.blind, found.unreachable)
    lines = [line(text, keep=True) for text in found.proposal.splitlines()]
    blocks += section(Span("PROPOSED for nhi.toml", "strong"), [BLANK, *lines] if lines else [])
    if found.next:
        blocks += [BLANK, *(next_line(each, first=number == 0) for number, each in enumerate(found.next))]
    return blocks


def _headline(found: FoundPrincipals) -> Line:
    counts = {s: sum(each.standing == s for each in found.candidates) for s in TITLES}
    hidden = unseen_count(found.blind, found.unreachable)
    parts = [
        Span(f"CANDIDATES {len(found.candidates)}"),
        Span(f"SURE {counts['sure']}", "good" if counts["sure"] else ""),
        *([Span(f"AMBIGUOUS {counts['ambiguous']}", "warning")] if counts["ambiguous"] else []),
        Span(f"MAYBE {counts['maybe']}", "warning" if counts["maybe"] else ""),
        Span(f"UNSEEN {hidden}", "warning" if hidden else ""),
    ]
    return line(*spaced(parts), f"    like {found.name}")


def _candidate(one: Alike, found: FoundPrincipals) -> Iterator[Line]:
    who = one.principal
    mapped = "" if not one.identity else "in nhi.toml" if one.identity == found.identity else f"of {one.identity}"
    yield line(Span(str(who.ref), "strong"), indent=2, keep=True)
    apart = _apart(one) if one.standing != "sure" else ""
    whole = str(who.ref)
    known = "  ".join(filter(None, (*(text for text in (who.name, who.scope) if text not in whole), who.note, apart)))
    if mapped or known:
        yield line(Span(mapped, "good"), "  " if mapped and known else "", known, indent=4)
    for said in one.because:
        if said.basis != "map" and not (one.standing == "sure" and said.by is not None):
            yield _because(said)
    if one.standing == "sure":
        yield from _named_by(one)
    if one.doubt:
        yield _labelled("not sure", "warning", one.doubt)


def _named_by(one: Alike) -> Iterator[Line]:
    """By what each of them does, stands there."""
    for basis, word in BY.items():
        by = dict.fromkeys(str(s.by) for s in one.because if s.by is not None and s.basis == basis)
        if by:
            yield _labelled(word, STYLES[basis], ", ".join(by))


def _because(said: Speaks) -> Line:
    return _labelled(_word(said), STYLES[said.basis], told(said) + (f" ({said.evidence})" if said.evidence else ""))


def _labelled(word: str, style: Style, says: str) -> Line:
    return line(Span(word.ljust(WIDE), style), says, indent=4)._replace(hang=WIDE)


def _apart(one: Alike) -> str:
    """What tells it from others of its name."""
    who = one.principal
    used = minute(who.last_used) if who.last_used else ""
    parts = (
        f"id {who.unique_id}" if who.unique_id and who.unique_id not in str(who.ref) else "",
        f"created {minute(who.created)}" if who.created else "",
        f"last used {used}" if used else "",
    )
    return "  ".join(part for part in parts if part)


def _asked(found: FoundPrincipals) -> Line:
    if not found.asked:
        return line("No account answered: what looks like it is not known.", indent=2)
    return line(
        f"Looked at: {', '.join(found.asked)}; by names, tags and descriptions, and along the trusts of what is sure. "
        "What is called otherwise and was not reached so, or is not connected, was not found.",
        indent=2,
    )


def alike_rows(found: FoundPrincipals) -> Iterator[Row]:
    """The column `record` tells which; what was not seen has its row, too."""
    for one in found.candidates:
        who = one.principal
        yield {
            "principal": str(who.ref),
            "provider": who.ref.provider,
            "kind": who.ref.kind,
            "id": who.ref.id,
            "record": one.standing,
            "name": who.name,
            "scope": who.scope,
            "identity": one.identity,
            "because": "; ".join(f"{_word(s)}: {told(s)}" for s in one.because),
            "evidence": ", ".join(dict.fromkeys(s.evidence for s in one.because if s.evidence)),
            "doubt": one.doubt,
            "unique_id": who.unique_id,
            "created": moment(who.created),
            "last_used": moment(who.last_used),
            "needs": "",
        }
    for spot in found.blind:
        record = "unseen" if spot.counts else "not read"
        yield _unseen(record, str(spot.on), spot.on.provider, spot.kind, spot.why, spot.needs)
    for each in found.unreachable:
        yield _unseen("unseen", str(each.ref), each.ref.provider, each.code, each.why, each.hint)


def _word(said: Speaks) -> str:
    return WORDS[said.basis] if said.by is None else BY[said.basis]


def _unseen(record: str, on: str, provider: str, kind: str, why: str, needs: str) -> Row:
    told_of = {"principal": on, "provider": provider, "kind": kind, "record": record, "because": why, "needs": needs}
    return {**dict.fromkeys(ALIKE_COLUMNS, ""), **told_of}
