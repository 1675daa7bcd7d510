"""The screen and the rows of `find --repo`: what could be held first, then what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nhi_revoke.engine.held import DeliveredThere, HeldByJobs
from nhi_revoke.model.found import Access, Lead
from nhi_revoke.render.block import BLANK, Block, Line, Span, Table, line, next_line, section, table
from nhi_revoke.render.inventory import spaced, unseen, unseen_count
from nhi_revoke.render.moment import minute, moment
from nhi_revoke.render.rows import Row

HELD_COLUMNS = ["record", "on", "kind", "id", "what", "created", "evidence", "needs", "next"]


def held_screen(held: HeldByJobs) -> list[Block]:
    """Headline; principals elsewhere, the map's identities, secrets, runners; UNSEEN; what to type."""
    blocks: list[Block] = [_headline(held)]
    who = held.repository
    if who is not None:
        blocks.append(line(Span(str(who.ref), "strong")))
        blocks.append(line(f"nhi-revoke list {who.ref}", indent=4, keep=True))
    trusts = [each for lead in held.trusts for each in _lead(lead)]
    blocks += section(Span("TRUSTS that let its jobs in", "danger" if trusts else ""), [*trusts, _asked(held)])
    machines = [each for lead in held.machines for each in _lead(lead)]
    blocks += section(Span("ROLES of its runners' machines, by name", "danger"), machines)
    identities = [each for one in held.identities for each in _identity(one)]
    blocks += section(Span("IDENTITIES of nhi.toml whose secret lies there", "danger"), identities)
    blocks += section(
        "SECRETS that its jobs read: no list shows a value; it is ended where it was issued", _table(held)
    )
    blocks += section("RUNNERS that take its jobs", [each for a in held.runners for each in _access_lines(a)])
    blocks += section("SUBJECT of its jobs", [each for a in held.subjects for each in _access_lines(a)])
    blocks += unseen(held.blind, held.unreachable)
    if held.next:
        blocks += [BLANK, *(next_line(each, first=number == 0) for number, each in enumerate(held.next))]
    return blocks


def _headline(held: HeldByJobs) -> Line:
    elsewhere = len({lead.to for lead in (*held.trusts, *held.machines)})
    hidden = unseen_count(held.blind, held.unreachable)
    parts = [
        Span(f"PRINCIPALS {elsewhere}", "danger" if elsewhere else ""),
        Span(f"IDENTITIES {len({one.identity for one in held.identities})}", "danger" if held.identities else ""),
        Span(f"SECRETS {len(held.secrets)}", "warning" if held.secrets else ""),
        Span(f"RUNNERS {len(held.runners)}", "warning" if held.runners else ""),
        Span(f"UNSEEN {hidden}", "warning" if hidden else ""),
    ]
    return line(*spaced(parts), f"    jobs of {held.repository.name if held.repository else held.name} could hold")


def _asked(held: HeldByJobs) -> Line:
    if not held.asked:
        return line("No account elsewhere answered: whose trust lets its jobs in is not known.", indent=2)
    none = "" if held.trusts else "None lets them in. "
    return line(f"{none}Looked at: {', '.join(held.asked)}. What is not connected was not.", indent=2)


def _table(held: HeldByJobs) -> list[Table]:
    """Names and ages."""
    rows = [(a.label, _beginning(a.note), minute(a.created)) for a in held.secrets]
    return [table(("SECRET", "NOTE", "CREATED"), rows, keep="SECRET", named=("CREATED",), indent=2)] if rows else []


def _access_lines(access: Access) -> Sequence[Line]:
    return (line(f"{access.label}  {_beginning(access.note)}", indent=2), line(access.id, indent=6, keep=True))


def _beginning(note: str) -> str:
    """`list` shows a note whole."""
    return note.partition("; ")[0].partition(". ")[0]


def _lead(lead: Lead) -> Sequence[Line]:
    return (line(Span(str(lead.to), "strong"), f"  {lead.why}", indent=2), line(lead.next, indent=6, keep=True))


def _identity(one: DeliveredThere) -> Sequence[Line]:
    sure = "" if one.sure else "; it MAY be read there: that could not be seen"
    owner = f" ({one.owner})" if one.owner else ""
    words = f"{owner}  {one.kind} is delivered to {one.to}{sure}"
    return (line(Span(one.identity, "strong"), words, indent=2), line(one.next, indent=6, keep=True))


def held_rows(held: HeldByJobs) -> Iterator[Row]:
    """The column `record` tells which; what was not seen has its row, too."""
    if held.repository is not None:
        who = held.repository
        yield _row("repository", str(who.ref), who.kind, who.unique_id, who.name)
    for record, leads in (("trust", held.trusts), ("machine", held.machines)):
        for lead in leads:
            yield _row(record, str(lead.to), "", "", lead.why, evidence=lead.evidence, next=lead.next)
    for one in held.identities:
        record = "identity" if one.sure else "identity?"
        yield _row(record, one.identity, one.kind, one.to, one.owner, evidence=one.evidence, next=one.next)
    for record, accesses in (("secret", held.secrets), ("runner", held.runners), ("subject", held.subjects)):
        yield from (_access(record, access) for access in accesses)
    for spot in held.blind:
        yield _row("unseen", str(spot.on), spot.kind, "", spot.why, needs=spot.needs)
    for each in held.unreachable:
        yield _row("unseen", str(each.ref), each.code, "", each.why, needs=each.hint)


def _access(record: str, access: Access) -> Row:
    what = f"{access.label} ({access.note})" if access.note else access.label
    return _row(
        record, str(access.on), access.kind, access.id, what, created=moment(access.created), evidence=access.evidence
    )


def _row(record: str, on: str, kind: str, id_: str, what: str, **more: str) -> Row:
    base = {"record": record, "on": on, "kind": kind, "id": id_, "what": what}
    return {**base, **dict.fromkeys(("created", "evidence", "needs", "next"), ""), **more}
