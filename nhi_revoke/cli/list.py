"""`list`: every access, what it reaches, and what could not be seen. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions
from nhi_revoke.cli.looking import LOOK_FORMATS, LookOptions, listed, look
from nhi_revoke.cli.options import Names
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.command import command

if TYPE_CHECKING:
    from nhi_revoke.render.block import Block

app = application()


@app.command()
@spread
def list_accesses(session: Session, names: Names, options: LookOptions, leaked: LeakedOptions) -> Result:
    """Every live way in, what it reaches, and what could not be seen.

    nhi-revoke list payments-bot
    """
    check_format(session, LOOK_FORMATS)
    with session.engine() as engine:
        inventory = look(session, engine, names, options, leaked)

    def screen() -> list[Block]:
        from nhi_revoke.render.block import BLANK, next_line
        from nhi_revoke.render.inventory import inventory_screen

        return [*inventory_screen(inventory), BLANK, next_line(command("plan", inventory.identity.name))]

    return listed(inventory, screen, 0)
