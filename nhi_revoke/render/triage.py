"""The screen and the rows of `triage`: what is alive first, then what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nhi_revoke.model.triage import NOT_LOOKED, OwnerLook, Place, Strange, Suspect, Triaged
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section
from nhi_revoke.render.inventory import spaced
from nhi_revoke.render.moment import minute, moment
from nhi_revoke.render.rows import Row

TRIAGE_COLUMNS = [
    "record", "state", "kind", "id", "what", "held", "owner", "owner_by", "identity", "listed", "scope", "how",
    "reaches", "expires", "live", "maybe", "open", "reach", "planted", "unseen", "unlooked", "file", "line", "commit",
    "detector", "scanner_said", "next", "by_hand",
]  # fmt: skip
STYLES: dict[str, Style] = {"alive": "danger", "unknown": "warning", "dead": "good"}
SHOWN = 10
"""So many places, or lines, are told on a screen; csv and JSON have all."""
LABEL = 9
"""Columns of what stands before a fact."""
SCANNERS = {"trufflehog": "TruffleHog", "gitleaks": "gitleaks", "ggshield": "ggshield"}
UNCENSORED = {"gitleaks": "run gitleaks without --redact", "ggshield": "run ggshield with --show-secrets"}


def triage_screen(found: Triaged, *, then: bool = True) -> list[Block]:
    """Headline; one block for each credential, the living first; what was not recognised; who could not be asked.

    `then`: with the commands to type; not where a plan follows by itself.
    """
    blocks: list[Block] = [_headline(found)]
    if not found.suspects:
        blocks.append(line("Nothing in it has the shape of a credential that a provider here knows.", indent=2))
    for each in found.suspects:
        blocks += [BLANK, *_suspect(each, then=then)]
    blocks += section(Span("NOT RECOGNISED: nobody looked whether it opens anything", "warning"), _strange(found))
    unasked = [line(Span("UNSEEN", "danger"), f"  {name} could not be asked", indent=2) for name in found.unasked]
    blocks += section(Span("UNSEEN: providers that may know more of it", "danger"), unasked)
    return blocks


def _headline(found: Triaged) -> Line:
    alive, dead, unknown = (found.count(state) for state in ("alive", "dead", "unknown"))
    parts = [
        Span(f"ALIVE {alive}", "danger" if alive else ""),
        Span(f"DEAD {dead}", "good" if dead else ""),
        Span(f"UNKNOWN {unknown}", "warning" if unknown else ""),
        Span(f"NOT RECOGNISED {len(found.strange)}", "warning" if found.strange else ""),
    ]
    if found.unasked:
        parts.append(Span(f"UNSEEN {len(found.unasked)}", "danger"))
    of = f"    of a report of {SCANNERS[found.format]}" if found.format in SCANNERS else ""
    return line(*spaced(parts), of, "    offline: nobody was asked" if found.offline else "")


def _suspect(each: Suspect, *, then: bool) -> Iterator[Block]:
    state, leak = each.liveness.state, each.leak
    what = leak.note or " ".join(filter(None, (leak.kind, leak.public_id)))
    told = "" if not leak.public_id or leak.public_id in what else f" {leak.public_id}"
    yield line(Span(state.upper(), STYLES[state]), "  ", Span(what, "strong"), told)
    yield _fact("kind", leak.kind, "" if each.held else "; only its public part stands there")
    yield _fact("answer", each.liveness.how)
    if each.owner is None:
        yield _fact("whose", "not known")
    else:
        of = f", {each.identity} of the map" if each.identity else ""
        yield _fact("whose", f"{each.owner}{of} ({each.owner_by})")
    yield from _facts(each)
    yield _fact("found", _places(each.places))
    if each.by_hand:
        yield _fact("by hand", each.by_hand)
    if each.next and then:
        yield Line(next_line(each.next).spans, 2, keep=True)


def _facts(each: Suspect) -> Iterator[Line]:
    """Those that there are."""
    life = each.liveness
    if life.scope:
        yield _fact("where", life.scope)
    if life.reaches:
        yield _fact("reaches", ", ".join(life.reaches))
    if life.expires:
        yield _fact("ends", f"by itself at {minute(life.expires)}")
    if each.listed:
        yield _fact("listed", f"{each.listed}, as the list of its owner shows it")
    if each.look is not None:
        yield _look(each.look)
    elif each.unlooked:
        chosen = each.unlooked.startswith(NOT_LOOKED)
        yield _fact("owner", each.unlooked if chosen else Span(f"UNSEEN: {each.unlooked}", "warning"))


def _look(look: OwnerLook) -> Line:
    parts = [
        Span(f"LIVE {look.live}", "danger" if look.live else "good"),
        Span(f"MAY BE LIVE {look.maybe}", "warning" if look.maybe else ""),
        Span(f"OPEN {look.open}", "danger" if look.open else ""),
        Span(f"REACH {look.reach}", "warning" if look.reach else ""),
        Span(f"UNSEEN {look.unseen}", "warning" if look.unseen else ""),
    ]
    if look.planted:
        parts.append(Span(f"PLANTED {look.planted}", "danger"))
    return _fact("owner", *spaced(parts), "" if look.logs else "  logs were not read")


def _fact(label: str, *said: str | Span) -> Line:
    spans = tuple(Span(part) if isinstance(part, str) else part for part in (label.ljust(LABEL), *said) if part)
    return Line(spans, 2, hang=LABEL)


# -- places --------------------------------------------------------------------------------------------------------


def _places(places: Sequence[Place]) -> str:
    more = f", and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(_place(each) for each in places[:SHOWN]) + more


def _place(place: Place) -> str:
    where = f"{place.file}:{place.line}" if place.file and place.line else place.file
    where = where or (f"line {place.line}" if place.line else "the text")
    commit = f" in commit {place.commit[:12]}" if place.commit else ""
    scanner = "; ".join(filter(None, (place.detector, f"it said {place.said}" if place.said else "")))
    return f"{where}{commit}{f' ({scanner})' if scanner else ''}"


def _strange(found: Triaged) -> list[Line]:
    """Lines of a text stand together, by their numbers; findings of a report have a line each."""
    lines = [each.place.line for each in found.strange if _is_line(each)]
    told: list[Line] = []
    if lines:
        more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        numbers = ", ".join(map(str, lines[:SHOWN])) + more
        word = "line" if len(lines) == 1 else "lines"
        told.append(line(f"{word} {numbers}: looks like a credential, and {_why(found)}", indent=2))
    for each in found.strange:
        if not _is_line(each):
            word = "CENSORED" if each.censored else "UNKNOWN KIND"
            hint = f": {UNCENSORED[found.format]}" if each.censored and found.format in UNCENSORED else ""
            told.append(line(Span(word, "warning"), f"  {_place(each.place)}  {each.why}{hint}", indent=2))
    return told


def _why(found: Triaged) -> str:
    return next(each.why for each in found.strange if _is_line(each))


def _is_line(each: Strange) -> bool:
    return not (each.place.file or each.place.detector or each.censored)


# -- rows ----------------------------------------------------------------------------------------------------------


def triage_rows(found: Triaged) -> Iterator[Row]:
    """One for each place of each credential; the column `record` tells which. What was not recognised has its row."""
    for each in found.suspects:
        for place in each.places:
            yield _row("credential", place, **_columns(each))
    for one in found.strange:
        yield _row("censored" if one.censored else "not recognised", one.place, what=one.why)
    for name in found.unasked:
        yield _row("unseen", Place(), what=f"{name} could not be asked")


def _columns(each: Suspect) -> Row:
    life, look = each.liveness, each.look
    seen = {} if look is None else {name: str(getattr(look, name)) for name in OwnerLook.__struct_fields__[:-1]}
    return {
        "state": life.state,
        "kind": each.leak.kind,
        "id": each.leak.public_id,
        "what": each.leak.note,
        "held": "yes" if each.held else "no",
        "owner": str(each.owner or ""),
        "owner_by": each.owner_by,
        "identity": each.identity,
        "listed": each.listed,
        "scope": life.scope,
        "how": life.how,
        "reaches": " ".join(life.reaches),
        "expires": moment(life.expires),
        "unlooked": each.unlooked,
        "next": each.next,
        "by_hand": each.by_hand,
        **seen,
    }


def _row(record: str, place: Place, **more: str) -> Row:
    where = {
        "file": place.file,
        "line": str(place.line or ""),
        "commit": place.commit,
        "detector": place.detector,
        "scanner_said": place.said,
    }
    return {**dict.fromkeys(TRIAGE_COLUMNS, ""), "record": record, **where, **more}
