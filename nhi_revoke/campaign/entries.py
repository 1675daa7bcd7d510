"""The operator's file of identities: CSV, TOML (the map's own tables) or JSON lines; or a choice from the map.

Every line that cannot be used is told, and nothing is planned then.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from msgspec import Struct

from nhi_revoke.campaign.columns import csv_rows
from nhi_revoke.campaign.item import Entry
from nhi_revoke.config.identity import identities
from nhi_revoke.config.lines import Lines
from nhi_revoke.model.error import NotFound, Usage
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Reason
from nhi_revoke.model.nearest import did_you_mean

Form = Literal["csv", "toml", "ndjson"]
FORMS: tuple[Form, ...] = get_args(Form)
MOST = 64 * 1024 * 1024
"""Bytes of a file: a million identities, not a whole disk."""
_ENDINGS: dict[str, Form] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".toml": "toml",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
}
_CHOICES = ("tag", "owner", "name")
_OWN = ("reason", "config")
"""What a table may say here beside what the map takes."""


class Bad(NamedTuple):
    """A line that cannot be used; 0: none is known."""

    line: int
    why: str


class BadEntries(Usage):
    """All lines that cannot be used, as its `parts`."""

    def __init__(self, source: str, bad: Sequence[Bad]) -> None:
        many = f"{len(bad)} line{'s' * (len(bad) != 1)}"
        super().__init__("bad-entries", f"{source}: {many} cannot be used. Nothing was planned.")
        told = sorted(bad)
        self.parts = tuple(
            Usage("bad-line", f"{f'line {each.line}: ' if each.line else ''}{each.why}") for each in told
        )


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    """One JSON line."""

    name: str = ""
    principals: tuple[str, ...] | str = ()
    owner: str = ""
    tags: tuple[str, ...] | str = ()
    reason: str = ""
    config: str = ""


def read_entries(text: str, source: str, form: Form | None = None) -> tuple[Entry, ...]:
    """In the file's order. `source`: its name, `-` for standard input; its form is told by `form`, by its name, or by
    how it begins. Raises BadEntries; Usage for what is no file of entries at all.
    """
    form = form or _ENDINGS.get(PurePosixPath(source).suffix.lower()) or sniffed(text)
    text = text.removeprefix("\ufeff")
    bad: list[Bad] = []
    made = _toml(text, bad, source) if form == "toml" else (_csv if form == "csv" else _ndjson)(text, bad)
    bad += [Bad(each.line, why) for each in made if (why := _wrong(each))]
    bad += twice(made)
    if bad:
        raise BadEntries(source, bad)
    if not made:
        raise Usage("no-entries", f"{source} names no identity. Nothing was planned.")
    return made


def sniffed(text: str) -> Form:
    """By its first line that says anything."""
    first = next((line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith("#")), "")
    if first.startswith("{"):
        return "ndjson"
    return "toml" if first.startswith("[") else "csv"


def chosen(words: Sequence[str], known: Mapping[str, Identity]) -> tuple[Entry, ...]:
    """Identities of the map: `tag=X`, `owner=X` or `name=GLOB`; several words add up. Raises Usage, NotFound."""
    wanted = [_choice(word) for word in words]
    for (key, value), word in zip(wanted, words, strict=True):
        if not any(_fits(each, key, value) for each in known.values()):
            near = did_you_mean(value, _values(known.values(), key))
            raise NotFound("none-chosen", f"no identity of the map fits {word!r}. Nothing was planned.", near)
    return tuple(
        Entry(each.name, owner=each.owner, tags=each.tags)
        for each in known.values()
        if any(_fits(each, key, value) for key, value in wanted)
    )


def twice(entries: Iterable[Entry]) -> list[Bad]:
    """Entries that name what an earlier one names, as it is written: one identity ends once."""
    first: dict[tuple[str, str], Entry] = {}
    bad: list[Bad] = []
    for entry in entries:
        for text in dict.fromkeys(entry.principals or (entry.name,)):
            before = first.setdefault((entry.config, text), entry)
            if before is not entry:
                bad.append(Bad(entry.line, f"{text} stands on line {before.line}, too: one identity ends once"))
    return bad


def settings_file(folder: Path | None, name: str) -> Path:
    """The nhi.toml of an entry. Raises Usage where there is none."""
    if folder is None:
        raise Usage("no-tenants", f"config {name} lies in the folder that --tenants names, and none is named.")
    file = folder / name
    if not file.is_file():
        raise Usage("no-settings", f"config {name}: there is no such file in {folder}.")
    return file


def _wrong(entry: Entry) -> str:
    if not entry.name and not entry.principals:
        return "it names nobody: a name of the map or at least one principal"
    if not f"{entry.name}{entry.owner}".isprintable() or entry.name.startswith("-"):
        return "its name or owner holds what a terminal should not show, or begins with -"
    if entry.reason and entry.reason not in list(Reason):
        return f"reason {entry.reason!r} is none. {did_you_mean(entry.reason, [each.value for each in Reason])}"
    path = PurePosixPath(entry.config)
    if path.is_absolute() or ".." in path.parts:
        return "config must be the name of a file in the folder of tenants, and nowhere else"
    return ""


def _csv(text: str, bad: list[Bad]) -> tuple[Entry, ...]:
    made = []
    for number, row, why in csv_rows(text):
        if why:
            bad.append(Bad(number, why))
        else:
            made.append(
                Entry(
                    row.get("name", ""),
                    split(row.get("principals", "")),
                    row.get("owner", ""),
                    split(row.get("tags", "")),
                    row.get("reason", ""),
                    row.get("config", ""),
                    line=number,
                )
            )
    return tuple(_named(each) for each in made)


def _ndjson(text: str, bad: list[Bad]) -> tuple[Entry, ...]:
    made = []
    decoder = msgspec.json.Decoder(_Line)
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            each = decoder.decode(line)
        except msgspec.DecodeError as wrong:
            bad.append(Bad(number, f"no entry: {wrong}"))
            continue
        principals = split(each.principals) if isinstance(each.principals, str) else each.principals
        tags = split(each.tags) if isinstance(each.tags, str) else each.tags
        made.append(Entry(each.name, principals, each.owner, tags, each.reason, each.config, line=number))
    return tuple(_named(each) for each in made)


def _toml(text: str, bad: list[Bad], source: str) -> tuple[Entry, ...]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise Usage("bad-entries", f"{source} is not valid TOML: {wrong}. Nothing was planned.") from None
    lines = Lines(text)
    for key in data:
        if key != "identity":
            why = f"{key} is no [identity.NAME] table: settings belong into nhi.toml. --from-map 'name=*' takes its map"
            bad.append(Bad(lines.of((key,)) or 0, why))
    tables = data.get("identity", {})
    if not isinstance(tables, dict):
        return ()
    made = (_table(name, table, lines.of(("identity", name)) or 0, bad) for name, table in tables.items())
    return tuple(each for each in made if each is not None)


def _table(name: str, table: Any, line: int, bad: list[Bad]) -> Entry | None:
    given = table if isinstance(table, dict) else {}
    own = {key: given[key] for key in _OWN if isinstance(given.get(key), str)}
    rest = {key: value for key, value in given.items() if key not in own} if given else table
    try:
        found = identities({name: rest}, "entry")[name]
    except Usage as wrong:
        bad.append(Bad(line, f"{wrong.message.removeprefix('entry: ')} {wrong.hint}".strip()))
        return None
    principals = tuple(str(ref) if ref.provider else ref.id for ref in found.principals)
    return Entry(name, principals, found.owner, found.tags, **own, deliver=found.deliver, flush=found.flush, line=line)


def _named(entry: Entry) -> Entry:
    """One without a name is called by its first principal."""
    return entry if entry.name else msgspec.structs.replace(entry, name=next(iter(entry.principals), ""))


def split(text: str) -> tuple[str, ...]:
    """At blanks and at `;`."""
    return tuple(text.replace(";", " ").split())


def _choice(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if key not in _CHOICES or not equals or not value:
        raise Usage(
            "bad-choice",
            f"--from-map {word!r} does not have the form tag=TAG, owner=OWNER or name=GLOB. Nothing was planned.",
        )
    return key, value


def _fits(identity: Identity, key: str, value: str) -> bool:
    if key == "name":
        return fnmatchcase(identity.name, value)
    return value in identity.tags if key == "tag" else identity.owner == value


def _values(known: Iterable[Identity], key: str) -> list[str]:
    if key == "tag":
        return [tag for each in known for tag in each.tags]
    return [each.name if key == "name" else each.owner for each in known if each.owner or key == "name"]
