"""`identities`: the map of nhi.toml, and whether it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nhi_revoke.model.checkup import Finding
    from nhi_revoke.model.identity import Delivery, Identity
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("identity", "owner", "principals", "deliver", "flush")
CHECKED = ("identity", "part", "state", "what", "why", "hint")

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[check [IDENTITY...]]", help="Look whether it holds; without words, show it."),
]


@app.command()
@spread
def identities(session: Session, words: Words = None) -> Result:
    """Every identity of the map: its principals, where replacements go, what is flushed.

    nhi-revoke identities; nhi-revoke identities check payments-bot
    """
    check_format(session, ("table", "json", "ndjson", "csv"))
    match words or []:
        case []:
            return _show(session)
        case ["check", *names]:
            return _check(session, names)
    raise Usage(
        "usage",
        f"identities does not understand {' '.join(words or [])!r}. Nothing was done.",
        "nhi-revoke identities  |  nhi-revoke identities check [IDENTITY...]",
    )


def _check(session: Session, names: list[str]) -> Result:
    """Exit 0: all of it holds. 8: something is wrong or shared. 9: something could not be looked at."""
    with session.engine() as engine:
        found = engine.check_identities(names)

    def screen() -> list[Block]:
        from nhi_revoke.render.records import checkup_screen

        return checkup_screen(found)

    rows = Rows(CHECKED, lambda: [{name: str(getattr(each, name)) for name in CHECKED} for each in found])
    return Result(found, screen, int(checkup_code(found)), rows=rows)


def checkup_code(found: Sequence[Finding]) -> ExitCode:
    states = {each.state for each in found}
    if states & {"wrong", "shared"}:
        return ExitCode.OPEN
    return ExitCode.UNSEEN if "unseen" in states else ExitCode.DONE


def _show(session: Session) -> Result:
    config = session.config
    found = tuple(config.identities.values())
    shared = [f"{ref} belongs to {', '.join(names)}: ending one ends all" for ref, names in config.shared()]

    def screen() -> list[Block]:
        from nhi_revoke.render.records import identities_screen

        return identities_screen([_row(each) for each in found], config.path, shared)

    problems = tuple(Problem("shared-principal", text) for text in shared)
    return Result(found, screen, 0, problems, Rows(COLUMNS, lambda: [_row(each) for each in found]))


def _delivery(each: Delivery) -> str:
    return f"{each.kind}={each.to}" + (f" ({each.format})" if each.format else "")


def _row(identity: Identity) -> dict[str, str]:
    return {
        "identity": identity.name,
        "owner": identity.owner,
        "principals": " ".join(str(ref) if ref.provider else ref.id for ref in identity.principals),
        "deliver": " ".join(_delivery(each) for each in identity.deliver),
        "flush": " ".join(each.use for each in identity.flush),
    }
