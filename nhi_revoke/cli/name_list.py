"""Identities from a file or standard input: one a line, or a column of CSV, or a list or table of TOML."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import did_you_mean

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session

COLUMNS = ("name", "identity", "principal")
"""Heads of CSV and keys of TOML tables under which a name stands."""
TABLES = ("identities", "identity")
MOST = 4 * 1024 * 1024
_COMMENT = re.compile(r"(?:^|\s)#.*")
_TOML = re.compile(r"^\s*(?:\[\[?\s*)?identit(?:y|ies)\s*[.=\]]")


def names_from(session: Session, place: str) -> tuple[str, ...]:
    """Each once, in order; lines that are empty or begin with # are none. `-` is standard input. Raises Usage."""
    text = _read(session, place)
    lines = [line for line in text.splitlines() if _COMMENT.sub("", line).strip()]
    first = lines[0] if lines else ""
    if place.endswith(".toml") or (not place.endswith(".csv") and _TOML.match(first)):
        found = _of_toml(text, place)
    elif place.endswith(".csv") or (_heads(first) & set(COLUMNS) and "," in first):
        found = _of_csv(lines, place)
    else:
        found = (_COMMENT.sub("", line) for line in lines)
    names = tuple(dict.fromkeys(name.strip() for name in found if name.strip()))
    if not names:
        raise Usage("no-identity", f"no identity stands in {_called(place)}. Nothing was looked at.", _forms())
    return names


def _of_csv(lines: list[str], place: str) -> Iterable[str]:
    rows = list(csv.reader(io.StringIO("\n".join(line for line in lines if not line.lstrip().startswith("#")))))
    heads = [head.strip().lower() for head in rows[0]] if rows else []
    column = next((heads.index(each) for each in COLUMNS if each in heads), None)
    if column is None:
        shown = ", ".join(heads)
        raise Usage(
            "no-name-column",
            f"{_called(place)} has no column of names (its columns: {shown}). Nothing was looked at.",
            next((hint for head in heads if (hint := did_you_mean(head, COLUMNS)).startswith("Did")), _forms()),
        )
    return [row[column] for row in rows[1:] if len(row) > column]


def _of_toml(text: str, place: str) -> Iterable[str]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise Usage("bad-list", f"{_called(place)} is not valid TOML: {wrong}. Nothing was looked at.") from None
    found: list[str] = []
    for key in TABLES:
        table = data.get(key, [])
        found += table if isinstance(table, dict) else [_name(row, place) for row in _rows(table)]
    return found


def _rows(table: object) -> list[Any]:
    return table if isinstance(table, list) else [table]


def _name(row: object, place: str) -> str:
    if isinstance(row, str):
        return row
    named = [row[each] for each in COLUMNS if isinstance(row.get(each), str)] if isinstance(row, dict) else []
    if not named:
        raise Usage("bad-list", f"{_called(place)}: an entry has no name. Nothing was looked at.", _forms())
    return str(named[0])


def _heads(line: str) -> set[str]:
    return {head.strip().lower() for head in line.split(",")}


def _read(session: Session, place: str) -> str:
    if place == "-":
        if session.streams.stdin.isatty():
            raise Usage(
                "list-terminal",
                "--from - reads standard input, and that is a terminal. Nothing was looked at.",
                "Pipe the names in, or name a file.",
            )
        text = session.streams.stdin.read(MOST + 1)
    else:
        try:
            with (session.cwd / place).open(encoding="utf-8-sig") as file:
                text = file.read(MOST + 1)
        except (OSError, ValueError) as wrong:
            why = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "it is no UTF-8 text"
            raise Usage("list-file", f"--from {place} cannot be read: {why}. Nothing was looked at.") from None
    if len(text) > MOST:
        raise Usage("list-size", f"{_called(place)} is longer than 4 MiB. Nothing was looked at.")
    return text


def _called(place: str) -> str:
    return "standard input" if place == "-" else place


def _forms() -> str:
    return f"One name a line; or CSV with a column, or TOML tables [[identity]] with a key, of: {', '.join(COLUMNS)}."
