"""`permissions`: what each stage needs, as the providers declare it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nhi_revoke.cli.group import application
from nhi_revoke.cli.needs import declared_needs
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

if TYPE_CHECKING:
    from nhi_revoke.cli.data import Need
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("provider", "stage", "permission", "by")

Provider = Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="Only this one.")]
Stage = Annotated[
    Literal["list", "contain", "rotate"] | None, typer.Option("--stage", help="Only this stage.", show_default="all")
]


@app.command()
@spread
def permissions(session: Session, provider: Provider = None, stage: Stage = None) -> Result:
    """Permissions that each stage needs: list, contain, rotate.

    nhi-revoke permissions --stage list -o csv
    """
    check_format(session, ("table", "json", "ndjson", "csv"))
    registry = session.registry
    names = [provider] if provider else [each.name for each in registry.status() if each.state == "ok"]
    needs = [need for name in names for need in declared_needs(registry, name) if stage in (None, need.stage)]

    def screen() -> list[Block]:
        from nhi_revoke.render.records import needs_screen

        return needs_screen([_row(need) for need in needs])

    return Result(needs, screen, rows=Rows(COLUMNS, lambda: [_row(need) for need in needs]))


def _row(need: Need) -> dict[str, str]:
    return {"provider": need.provider, "stage": need.stage, "permission": need.permission, "by": " ".join(need.by)}
