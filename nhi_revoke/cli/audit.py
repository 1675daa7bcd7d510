"""`audit`: the list, judged by the exit code. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.fail_on import FailOn, fail_on
from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions
from nhi_revoke.cli.looking import LookOptions, look, look_at_each
from nhi_revoke.cli.outcome import unreachable_problems
from nhi_revoke.cli.output import check_format, write_private
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.audit import Audited, AuditedMany, AuditedOne, Examined
from nhi_revoke.model.error import Usage

if TYPE_CHECKING:
    from nhi_revoke.cli.accepting import Entries
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.render.block import Block
    from nhi_revoke.render.statement import Kept

app = application()
FORMATS = ("table", "json", "ndjson", "csv", "md", "junit", "sarif")
COLUMNS = ("verdict", "id", "what", "reason", "identity", "on", "fails", "note")

Named = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[IDENTITY...]", help="An identity of nhi.toml, or one or more principals (PROVIDER:KIND/NAME)."
    ),
]


@dataclass(frozen=True)
class AuditOptions:
    """Whom to judge, by what, and what is known already."""

    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="live|unseen|stale:90d",
            help="What keeps it from passing; may be repeated, or a list with commas.",
            show_default="live,unseen",
        ),
    ] = None
    listed_in: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE|-", help="Many identities: one a line, or CSV or TOML with names."),
    ] = None
    every: Annotated[bool, typer.Option("--all", help="Every identity of nhi.toml.")] = False
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept", metavar="ID=REASON", help="Known and wanted: an access, a lead, or KIND of what is unseen."
        ),
    ] = None
    accept_from: Annotated[
        list[Path] | None,
        typer.Option(
            "--accept-from", metavar="FILE", help="The same, from TOML: [[accept]] with id, reason and until."
        ),
    ] = None
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Keep what was judged, as JSON (0600): -o md has its sha256."),
    ] = None


@app.command()
@spread
def audit(
    session: Session, options: AuditOptions, look_options: LookOptions, leaked: LeakedOptions, names: Named = None
) -> Result:
    """Exit 0 only where nothing is live and nothing is unseen; 8 live, open or planted; 9 unseen.

    nhi-revoke audit payments-bot --accept ID='used by the release job'

    nhi-revoke audit --all --fail-on live,stale:90d -o junit --out audit.xml
    """
    from nhi_revoke.cli.accepting import entries
    from nhi_revoke.cli.judging import examined, not_looked_at

    check_format(session, FORMATS)
    if options.data is not None and not (session.cwd / options.data).parent.is_dir():
        raise Usage("no-such-folder", f"--data {options.data}: its folder does not exist. Nothing was looked at.")
    chosen = fail_on(options.fail_on or ())
    accepted = entries(session.cwd, options.accept or (), options.accept_from or ())
    many = _many(session, options, names or (), leaked)
    last_use = chosen.stale is not None
    with session.engine() as engine:
        if many is None:
            inventory = look(session, engine, names or (), look_options, leaked, last_use=last_use)
            each: tuple[Examined, ...] = (examined(inventory, chosen, accepted),)
        else:
            looked = look_at_each(session, engine, many, look_options, last_use=last_use)
            each = tuple(
                not_looked_at(name, found) if isinstance(found, Exception) else examined(found, chosen, accepted)
                for name, found in zip(many, looked, strict=True)
            )
        at = _at(each, engine)
    _tell_idle(session, each, accepted)
    return _result(session, options, each, chosen, at, alone=many is None)


def _many(
    session: Session, options: AuditOptions, names: Sequence[str], leaked: LeakedOptions
) -> tuple[str, ...] | None:
    """The identities of `--from` or `--all`; None for what was named. Raises Usage."""
    ways = [bool(names), options.listed_in is not None, options.every]
    if sum(ways) > 1:
        raise Usage(
            "two-lists",
            "names, --from and --all are three ways to say whom. Nothing was looked at.",
            "Use one of them.",
        )
    if not any(ways):
        raise Usage(
            "no-identity",
            "no identity was named. Nothing was looked at.",
            "nhi-revoke identities  shows those of the map; --all takes every one, --from FILE those of a list.",
        )
    if names:
        return None
    if leaked.leaked_from is not None:
        raise Usage(
            "leaked-many",
            "--leaked-from goes with one identity: whose it is must be known. Nothing was looked at.",
            "Name that identity alone.",
        )
    if options.listed_in is not None:
        from nhi_revoke.cli.name_list import names_from

        return names_from(session, options.listed_in)
    known = tuple(session.config.identities)
    if not known:
        raise Usage(
            "no-identity",
            "nhi.toml has no identities: nothing would be looked at, and that must not pass.",
            "nhi-revoke help identities",
        )
    return known


def _at(each: Sequence[Examined], engine: Engine) -> datetime:
    """When the first look began, UTC."""
    return min((e.inventory.at for e in each if e.inventory), default=engine.clock.now())


def _tell_idle(session: Session, each: Sequence[Examined], accepted: Entries) -> None:
    from nhi_revoke.render.block import Span, line

    met = {judged.id for one in each for judged in one.judged}
    idle = accepted.idle(met)
    if session.verbosity >= 0:
        words = [line(Span("WARNING", "warning"), f": accepted, and not there: {what}") for what in idle]
        session.streams.show(words, session.streams.err)


def _result(
    session: Session, options: AuditOptions, each: tuple[Examined, ...], chosen: FailOn, at: datetime, *, alone: bool
) -> Result:
    from nhi_revoke.cli.judging import worst_of

    code = each[0].exit_code if alone else worst_of(each)
    data = _one(each[0], chosen) if alone else _all(each, chosen, passed=code == 0)

    def screen() -> list[Block]:
        from nhi_revoke.render.audit import audit_screen, many_screen

        return audit_screen(each[0], chosen.words) if alone else many_screen(each, chosen.words)

    def rows() -> list[dict[str, str]]:
        from nhi_revoke.render.audit import audit_rows

        return list(audit_rows(each))

    kept = _keep(session, options.data, data) if options.data or session.output == "md" else None
    problems = tuple(p for one in each for p in _problems(one))
    forms = _forms(session, each, chosen, at, code, kept)
    return Result(data, screen, code, problems, Rows(COLUMNS, rows), forms=forms)


def _forms(
    session: Session, each: tuple[Examined, ...], chosen: FailOn, at: datetime, code: int, kept: Kept | None
) -> Mapping[str, Callable[[], str]]:
    def junit() -> str:
        from nhi_revoke.render.junit import junit_xml

        return junit_xml(each, at)

    def sarif() -> str:
        from nhi_revoke.cli.places import places
        from nhi_revoke.render.sarif import sarif_json

        return sarif_json(each, at, code, places(session.config, session.cwd))

    def statement() -> str:
        from nhi_revoke.render.statement import markdown_statement

        return markdown_statement(each, at, chosen.words, kept)

    return {"junit": junit, "sarif": sarif, "md": statement}


def _keep(session: Session, file: Path | None, data: Audited | AuditedMany) -> Kept:
    """The sha256 is of the bytes that `--data` writes, whether it was asked for or not. Raises OSError."""
    import hashlib

    import msgspec

    from nhi_revoke.render.clean import json_text
    from nhi_revoke.render.statement import Kept

    text = json_text(msgspec.json.format(msgspec.json.encode(data, order="deterministic"), indent=1).decode())
    content = f"{text}\n".encode()
    if file is not None:
        write_private(session.cwd / file, content)
    return Kept(hashlib.sha256(content).hexdigest(), file.name if file else "")


def _one(one: Examined, chosen: FailOn) -> Audited:
    from nhi_revoke.render.inventory import counts

    if one.inventory is None:
        raise TypeError("an identity that was named alone was looked at, or its trouble was raised")
    return Audited(counts(one.inventory)._asdict(), one.inventory, one.findings, one.passed, chosen.words)


def _all(each: Sequence[Examined], chosen: FailOn, *, passed: bool) -> AuditedMany:
    from nhi_revoke.render.audit import total
    from nhi_revoke.render.inventory import counts

    def one(e: Examined) -> AuditedOne:
        found = counts(e.inventory)._asdict() if e.inventory else None
        return AuditedOne(e.name, e.passed, e.exit_code, found, e.inventory, e.findings, e.code, e.why, e.hint)

    return AuditedMany(total(each)._asdict(), passed, chosen.words, tuple(map(one, each)))


def _problems(one: Examined) -> tuple[Problem, ...]:
    if one.inventory is None:
        return (Problem(one.code, f"{one.name}: {one.why}", one.hint),)
    return unreachable_problems(one.inventory.unreachable)
