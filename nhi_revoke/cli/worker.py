"""`worker`: works on campaigns of a database, on as many machines as are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.campaign_options import DatabaseOptions, Tenants
from nhi_revoke.cli.campaign_parts import open_database
from nhi_revoke.cli.campaign_work import work
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

if TYPE_CHECKING:
    from nhi_revoke.campaign.database import Database
    from nhi_revoke.campaign.figures import Progress
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("campaign", "state", "items", "over", "running", "waiting", "failed", "open")

UntilIdle = Annotated[bool, typer.Option("--until-idle", help="End when no campaign has anything left to do.")]
AtOnce = Annotated[
    int, typer.Option("--at-once", metavar="N", min=1, max=256, help="Identities that it works on at once.")
]


@app.command()
@spread
def worker(
    session: Session,
    where: DatabaseOptions,
    at_once: AtOnce = 32,
    until_idle: UntilIdle = False,
    tenants: Tenants = None,
) -> Result:
    """Work on whatever campaigns the database has, until Ctrl-C: what is under way ends then, and is journaled.

    NHI_REVOKE_DATABASE=postgresql://campaigns@db/campaigns nhi-revoke worker --at-once 32
    """
    check_format(session, ("table", "json", "ndjson", "csv"))
    database = open_database(session, where.database)
    try:
        folder = session.cwd / tenants if tenants else None
        work(session, database, folder, at_once, _look(database), _until(database, until_idle))
        return _result(session, database)
    finally:
        database.close()


def _until(database: Database, until_idle: bool) -> Callable[[], bool]:
    from nhi_revoke.campaign.started import idle

    return lambda: until_idle and idle(database)


def _look(database: Database) -> Callable[[], Progress | None]:
    """At the oldest campaign that goes on: one at a time fills a screen."""
    from nhi_revoke.campaign.progress import Meter, progress
    from nhi_revoke.campaign.started import campaigns

    meter = Meter()

    def look() -> Progress | None:
        going = campaigns(database, ("running", "undoing"))
        return progress(database, going[0], meter) if going else None

    return look


def _result(session: Session, database: Database) -> Result:
    from nhi_revoke.campaign.progress import progress
    from nhi_revoke.campaign.started import campaigns

    found = tuple(progress(database, each) for each in campaigns(database))

    def screen() -> Sequence[Block]:
        from nhi_revoke.campaign.progress_screen import headlines
        from nhi_revoke.render.block import line

        return [block for each in found for block in headlines(each)] or [line("This database has no campaign.")]

    code = ExitCode.INTERRUPTED if session.interrupted else ExitCode.DONE
    return Result(found, screen, int(code), rows=Rows(COLUMNS, lambda: [_row(each) for each in found]))


def _row(found: Progress) -> dict[str, str]:
    items = found.items
    many = (items.all, items.over, items.running, items.waiting, items.failed, items.open)
    return dict(zip(COLUMNS, (found.campaign, found.state, *map(str, many)), strict=True))
