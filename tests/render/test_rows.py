"""The rows of a report for a spreadsheet."""

from __future__ import annotations

import csv
import io

from msgspec.structs import replace

from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.report import Report
from nhi_revoke.render.rows import REPORT_COLUMNS, csv_text, report_rows
from tests.render.conftest import BOT, OTHER

FORMULA = '=cmd|" /C calc"!A0\n+1'


def read(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(report_rows(report), REPORT_COLUMNS))))


def test_whatever_a_report_holds_has_a_row(report: Report) -> None:
    rows = read(report)
    counted = {record: sum(row["record"] == record for row in rows) for record in {row["record"] for row in rows}}
    assert counted == {
        "access": 5,
        "open": 2,
        "by-hand": 1,
        "expires": 1,
        "planted": 1,
        "reach": 1,
        "unseen": 3,
        "replacement": 1,
        "step": 2,
    }
    fates = {row["id"]: row["fate"] for row in rows if row["record"] == "access"}
    assert fates == {"tok_1": "ended", "tok_2": "already", "ses/*": "not proven", "ses/1": "left", "trust/p": "open"}
    assert [row["fate"] for row in rows if row["record"] == "open"] == ["open", "kept"]
    assert next(row for row in rows if row["record"] == "expires")["until"] == "2026-01-31T12:30:00Z"
    assert {row["next"] for row in rows if row["next"]} == {"'--cut-trust trust/p", "pip install 'x'"}


def test_no_cell_of_any_row_is_a_formula(report: Report) -> None:
    outcomes = tuple(replace(o, how=FORMULA, access=replace(o.access, id=FORMULA)) for o in report.outcomes)
    whole = replace(
        report,
        outcomes=outcomes,
        leads=(Lead(OTHER, FORMULA, "", next=FORMULA),),
        blind=(BlindSpot(BOT, FORMULA, FORMULA),),
        steps=tuple(replace(s, says=FORMULA, id=FORMULA) for s in report.steps),
        replacements=tuple(replace(r, to="", why=FORMULA) for r in report.replacements),
        open=tuple(replace(o, why=FORMULA, next=FORMULA) for o in report.open),
    )
    cells = [cell for row in read(whole) for cell in row.values()]
    assert sum("cmd" in cell for cell in cells) > 15
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert not [cell for cell in cells if "\n" in cell]
