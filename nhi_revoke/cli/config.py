"""`config`: every setting, and where its value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

if TYPE_CHECKING:
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("key", "value", "source")

What = Annotated[
    Literal["show", "path"], typer.Argument(metavar="[show|path]", help="All settings, or only the file that was read.")
]


@app.command()
@spread
def config(session: Session, what: What = "show") -> Result:
    """Every setting with its source; secrets are masked.

    nhi-revoke config show
    """
    check_format(session, ("table", "json", "ndjson", "csv"))
    origins = session.config.origins()
    path = session.config.path
    if what == "path":
        return Result(path, list, text=f"{path or ''}\n")

    def rows() -> list[dict[str, str]]:
        return [{"key": each.key, "value": each.value, "source": each.source} for each in origins]

    def screen() -> list[Block]:
        from nhi_revoke.render.records import config_screen

        return config_screen(rows(), path)

    return Result(origins, screen, rows=Rows(COLUMNS, rows))
