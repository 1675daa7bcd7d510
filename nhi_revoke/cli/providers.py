"""`providers`: what is installed, and what each can end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

if TYPE_CHECKING:
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("name", "title", "state", "kinds", "targets", "why", "hint")


@app.command()
@spread
def providers(session: Session) -> Result:
    """Installed providers, the access kinds that each can end, its stores and flushes."""
    check_format(session, ("table", "json", "ndjson", "csv"))
    found = session.registry.status()

    def rows() -> list[dict[str, str]]:
        return [
            {
                "name": each.name,
                "title": each.title,
                "state": each.state,
                "kinds": " ".join(each.kinds),
                "targets": " ".join(each.targets),
                "why": each.why,
                "hint": each.hint,
            }
            for each in found
        ]

    def screen() -> list[Block]:
        from nhi_revoke.render.records import providers_screen

        return providers_screen(rows())

    return Result(found, screen, rows=Rows(COLUMNS, rows))
