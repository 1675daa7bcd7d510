"""Rows of a CSV file by the names of its header; a file of one column needs none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from nhi_revoke.model.nearest import did_you_mean

COLUMNS = ("name", "principals", "owner", "tags", "reason", "config")
_DELIMITERS = ("\t", ",", ";")


class CsvRow(NamedTuple):
    """One record, or why it is none."""

    line: int
    """Where it begins, from 1."""
    values: dict[str, str]
    why: str = ""


def csv_rows(text: str) -> Iterator[CsvRow]:
    """Each record that says anything. A first row of column names is the header; without one there is one column, of
    principals. Lines that begin with `#` are left out.
    """
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = next((each for each in _DELIMITERS if each in first), ",")
    heads = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    headed = bool(set(heads) & set(COLUMNS))
    if not headed:
        heads, delimiter = ["principals"], ","
    unknown = [head for head in heads if head not in COLUMNS]
    double = [head for head in dict.fromkeys(heads) if heads.count(head) > 1]
    for number, cells, wrong in _records(text, delimiter):
        if headed:
            headed = False
            if unknown:
                yield CsvRow(number, {}, f"no such column: {', '.join(unknown)}. {did_you_mean(unknown[0], COLUMNS)}")
                return
            if double:
                yield CsvRow(number, {}, f"the column {double[0]} stands there twice")
                return
        elif wrong:
            yield CsvRow(number, {}, wrong)
        elif len(cells) > len(heads):
            known = f"the header names {len(heads)}" if len(heads) > 1 else "no first row names them"
            yield CsvRow(number, {}, f"{len(cells)} columns, and {known}")
        else:
            yield CsvRow(number, dict(zip(heads, cells, strict=False)))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Line on which it begins, cells, and what is wrong with it: reading goes on after a bad one."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as wrong:
            yield begins, [], f"no CSV: {wrong}"
            continue
        if any(cells) and not cells[0].startswith("#"):
            yield begins, cells, ""
