"""`find`: principals of exactly this name. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.outcome import unreachable_problems
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import NotFound

if TYPE_CHECKING:
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("principal", "provider", "kind", "id")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The exact name, as the vendor has it.")]


@app.command()
@spread
def find(session: Session, name: Name) -> Result:
    """Principals of exactly this name in the connected accounts.

    nhi-revoke find payments-bot
    """
    check_format(session, ("table", "json", "ndjson", "csv"))
    with session.engine() as engine, session.progress(acting=False):
        found = engine.find(name)
    if not found.refs and not found.unreachable:
        raise NotFound("not-found", f"nothing is called exactly {name!r} in the connected accounts.")

    def screen() -> list[Block]:
        from nhi_revoke.render.records import found_screen

        return found_screen(found.refs, found.unreachable)

    def rows() -> list[dict[str, str]]:
        return [{"principal": str(ref), "provider": ref.provider, "kind": ref.kind, "id": ref.id} for ref in found.refs]

    code = ExitCode.UNSEEN if found.unreachable else ExitCode.DONE
    return Result(found, screen, int(code), unreachable_problems(found.unreachable), Rows(COLUMNS, rows))
