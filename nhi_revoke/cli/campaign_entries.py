"""Where `campaign plan` takes its entries from: a file, standard input, the map; checked before any vendor is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.campaign_options import Tenants
from nhi_revoke.model.error import Trouble, Usage
from nhi_revoke.model.nearest import did_you_mean

if TYPE_CHECKING:
    from nhi_revoke.campaign.entries import Form
    from nhi_revoke.campaign.item import Entry
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.service import Engine

File = Annotated[
    str | None,
    typer.Argument(metavar="[FILE]", help="Identities as CSV, TOML or JSON lines; - for standard input."),
]


@dataclass(frozen=True)
class EntryOptions:
    """Which identities."""

    from_map: Annotated[
        list[str] | None,
        typer.Option("--from-map", metavar="tag=TAG|owner=OWNER|name=GLOB", help="Those of nhi.toml; may be repeated."),
    ] = None
    format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="csv|toml|ndjson", help="Of FILE.", show_default="by its name, or how it begins"
        ),
    ] = None
    tenants: Tenants = None


def entries_of(session: Session, file: str | None, options: EntryOptions) -> tuple[tuple[Entry, ...], str]:
    """The entries, and what they came from, in words. Raises Usage with every bad line, NotFound."""
    from nhi_revoke.campaign.entries import chosen, read_entries

    if (file is None) == (not options.from_map):
        raise Usage(
            "usage",
            "campaign plan takes its identities from FILE or with --from-map. Nothing was planned.",
            "nhi-revoke campaign plan bots.csv; nhi-revoke campaign plan --from-map tag=legacy",
        )
    if file is None:
        words = options.from_map or []
        return chosen(words, session.config.identities), f"the map: {', '.join(words)}"
    return read_entries(_text(session, file), file, _form(options.format)), file


def _form(word: str | None) -> Form | None:
    from nhi_revoke.campaign.entries import FORMS

    known = next((each for each in FORMS if each == word), None)
    if word is not None and known is None:
        raise Usage(
            "usage", f"--format {word!r} is none of {', '.join(FORMS)}. Nothing was planned.", did_you_mean(word, FORMS)
        )
    return known


def check_entries(
    session: Session, engine: Engine, entries: Sequence[Entry], options: EntryOptions, source: str
) -> None:
    """What needs no vendor: settings files, credentials in place of names, one principal in two entries.

    Raises BadEntries with all of it.
    """
    from nhi_revoke.campaign.entries import Bad, BadEntries

    folder = session.cwd / options.tenants if options.tenants else None
    files: dict[str, str] = {}
    first: dict[tuple[str, str], Entry] = {}
    bad: list[Bad] = []
    for entry in entries:
        if entry.config and entry.config not in files:
            files[entry.config] = _wrong_file(folder, entry.config)
        if files.get(entry.config):
            bad.append(Bad(entry.line, files[entry.config]))
        try:
            identity = engine.resolve(entry.principals or (entry.name,))
        except Usage as wrong:
            bad.append(Bad(entry.line, wrong.message.removesuffix(" Nothing was looked at.")))
            continue
        except Trouble:
            continue  # not known here: it becomes an item that says so
        for ref in dict.fromkeys(map(str, identity.principals)):
            before = first.setdefault((entry.config, ref), entry)
            if before is not entry:
                where = f"on line {before.line}" if before.line else f"in {before.name}"
                bad.append(Bad(entry.line, f"{entry.name}: {ref} stands {where}, too: one identity ends once"))
    if bad:
        raise BadEntries(source, bad)


def _wrong_file(folder: Path | None, name: str) -> str:
    from nhi_revoke.campaign.entries import settings_file

    try:
        settings_file(folder, name)
    except Usage as wrong:
        return wrong.message
    return ""


def _text(session: Session, file: str) -> str:
    from nhi_revoke.campaign.entries import MOST

    try:
        if file == "-":
            if session.streams.stdin.isatty():
                raise Usage("no-entries", "- reads standard input, and that is a terminal. Nothing was planned.")
            text = session.streams.stdin.read(MOST + 1)
        else:
            with (session.cwd / file).open(encoding="utf-8", newline="") as opened:
                text = opened.read(MOST + 1)
    except UnicodeDecodeError as wrong:
        raise Usage("bad-entries", f"{file} is not UTF-8 text (byte {wrong.start}). Nothing was planned.") from None
    except OSError as wrong:
        raise Usage("no-entries", f"{file} cannot be read: {wrong.strerror}. Nothing was planned.") from None
    if len(text) > MOST:
        raise Usage("entries-size", f"{file} is longer than 64 MiB. Nothing was planned.")
    return text
