"""Flat rows for csv and ndjson: one dict of short values for each thing found, so that a spreadsheet can hold it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nhi_revoke.model.found import Lead
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.report import Report
from nhi_revoke.render.clean import csv_cell
from nhi_revoke.render.inventory import noted
from nhi_revoke.render.moment import moment
from nhi_revoke.render.report import fate_word

Row = dict[str, str]


def inventory_rows(inventory: Inventory) -> Iterator[Row]:
    """Accesses, leads and what was not seen; the column `record` tells which. A denied listing has its row, too."""
    for access in inventory.accesses:
        yield _row(
            "access",
            str(access.on),
            access.kind,
            access.id,
            access.state,
            access.label,
            created=moment(access.created),
            last_used=moment(access.last_used),
            expires=moment(access.expires),
            parent=access.parent or "",
            exposure=access.exposure,
            note=noted(access),
        )
    yield from (_lead(lead) for lead in inventory.leads)
    for spot in inventory.blind:
        yield _row(
            "unseen", str(spot.on), spot.kind, "", "unseen", spot.why, expires=moment(spot.until), needs=spot.needs
        )
    for each in inventory.unreachable:
        yield _row("unseen", str(each.ref), each.code, "", "unseen", each.why, note=each.hint)


def plan_rows(plan: Plan) -> Iterator[Row]:
    """Steps in order."""
    for number, step in enumerate(plan.steps, 1):
        yield {
            "number": str(number),
            "id": step.id,
            "on": str(step.on),
            "phase": step.phase.value,
            "does": step.does,
            "says": plan.told(step),
            "reversible": "yes" if step.reversible else "no",
            "after": " ".join(step.after),
            "breaks": step.breaks,
        }


def report_rows(report: Report) -> Iterator[Row]:
    """What became of each access, then what is left, what was replaced and every step; `record` tells which."""
    for outcome in report.outcomes:
        access = outcome.access
        yield _line(
            "access",
            str(access.on),
            access.kind,
            access.id,
            fate_word(outcome),
            outcome.how,
            proof=outcome.proof.value if outcome.proof else "",
            until=moment(outcome.until),
            appeared="yes" if outcome.appeared else "no",
        )
    yield from _left_rows(report)
    for each in report.replacements:
        proof = each.proof.value if each.proof else ""
        how = f"{each.to}: {each.why}" if each.to else each.why
        yield _line("replacement", each.on, each.kind, each.access or "", each.result, how, proof=proof)
    for step in report.steps:
        how = f"{step.says}: {step.detail}" if step.detail else step.says
        proof = step.proof.value if step.proof else ""
        yield _line("step", step.on, step.does, step.id, step.result, how, proof=proof, at=moment(step.at))


def _left_rows(report: Report) -> Iterator[Row]:
    for door in report.open:
        yield _line("open", str(door.on), "", door.access, "kept" if door.kept else "open", door.why, next=door.next)
    for manual in report.manual:
        yield _line("by-hand", str(manual.on), manual.kind, " ".join(manual.ends), "open", manual.what)
    for residual in report.residuals:
        how = f"{residual.why} ({residual.source})" if residual.source else residual.why
        yield _line("expires", str(residual.on), "", residual.access, "", how, until=moment(residual.until))
    for lead in (*report.planted, *report.leads):
        yield _line(
            lead.how,
            str(lead.to),
            "",
            lead.session or "",
            "shut" if lead.shut else "",
            lead.why,
            at=moment(lead.at),
            until=moment(lead.until),
            next=lead.next,
        )
    for spot in report.blind:
        fate = "unseen" if spot.counts else "not read"
        how = f"{spot.why} (needs {spot.needs})" if spot.needs else spot.why
        yield _line("unseen", str(spot.on), spot.kind, "", fate, how, until=moment(spot.until))
    for each in report.unreachable:
        yield _line("unseen", str(each.ref), each.code, "", "unseen", each.why, next=each.hint)


def _line(record: str, on: str, kind: str, id_: str, fate: str, how: str, **more: str) -> Row:
    base = {"record": record, "on": on, "kind": kind, "id": id_, "fate": fate, "how": how}
    rest = dict.fromkeys(("proof", "until", "appeared", "at", "next"), "")
    return {**base, **rest, **more}


def csv_text(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """A header, then the rows (RFC 4180); no cell acts as a formula."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([csv_cell(row[column]) for column in columns] for row in rows)
    return out.getvalue()


INVENTORY_COLUMNS = [
    "record",
    "on",
    "kind",
    "id",
    "state",
    "what",
    "created",
    "last_used",
    "expires",
    "parent",
    "exposure",
    "needs",
    "note",
]
PLAN_COLUMNS = ["number", "id", "on", "phase", "does", "says", "reversible", "after", "breaks"]
REPORT_COLUMNS = ["record", "on", "kind", "id", "fate", "proof", "how", "until", "appeared", "at", "next"]


def _lead(lead: Lead) -> Row:
    return _row(
        lead.how,
        str(lead.to),
        "",
        lead.session or "",
        "",
        lead.why,
        created=moment(lead.at),
        expires=moment(lead.until),
    )


def _row(record: str, on: str, kind: str, id_: str, state: str, what: str, **more: str) -> Row:
    base = {"record": record, "on": on, "kind": kind, "id": id_, "state": state, "what": what}
    rest = dict.fromkeys(("created", "last_used", "expires", "parent", "exposure", "needs", "note"), "")
    return {**base, **rest, **more}
