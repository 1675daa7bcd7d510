"""`campaign status`, `pause`, `resume` and `undo`: from any machine that reaches the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.campaign_apply import carry_on
from nhi_revoke.cli.campaign_options import Campaign, DatabaseOptions, WorkOptions
from nhi_revoke.cli.campaign_parts import control, of_saved, open_database
from nhi_revoke.cli.campaign_work import FORMATS, progress_result
from nhi_revoke.cli.consent import answer, command_with
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Refused

if TYPE_CHECKING:
    from nhi_revoke.campaign.database import Database


@dataclass(frozen=True)
class UndoOptions:
    """How much of it."""

    wave: Annotated[
        int | None, typer.Option("--wave", metavar="N", min=0, help="Only what this wave did; 0: the canaries.")
    ] = None
    rearm: Annotated[
        list[str] | None,
        typer.Option("--rearm", metavar="ID", help="Bring this access back to life, knowingly; may be repeated."),
    ] = None
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask y/N.")] = False


@spread
def campaign_status(session: Session, campaign: Campaign, where: DatabaseOptions) -> Result:
    """How far it has come, by provider and tenant; its waves; who works on it; why it is paused.

    nhi-revoke campaign status @last
    """
    with _found(session, campaign, where) as (database, known):
        return progress_result(session, database, known, where.typed())


@spread
def pause_campaign(
    session: Session,
    campaign: Campaign,
    where: DatabaseOptions,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Stands in its status.")] = "by hand",
) -> Result:
    """Begin nothing more of it. What is under way ends.

    nhi-revoke campaign pause @last --why "the shop is down"
    """
    with _found(session, campaign, where) as (database, known):
        control().pause(database, known, why)
        return progress_result(session, database, known, where.typed())


@spread
def resume_campaign(
    session: Session,
    campaign: Campaign,
    where: DatabaseOptions,
    working: WorkOptions,
    again: Annotated[bool, typer.Option("--again", help="What failed or was refused, too.")] = False,
) -> Result:
    """Go on with what is left, and work on it here.

    nhi-revoke campaign resume @last
    """
    with _found(session, campaign, where) as (database, known):
        control().go_on(database, known, again=again)
        _work(session, database, known, working)
        return progress_result(session, database, known, where.typed())


@spread
def undo_campaign(
    session: Session, campaign: Campaign, options: UndoOptions, where: DatabaseOptions, working: WorkOptions
) -> Result:
    """Take back what it did and can be taken back: of one wave, or all of it.

    nhi-revoke campaign undo @last --wave 0
    """
    with _found(session, campaign, where) as (database, known):
        _must_agree(session, known, options)
        control().take_back(database, known, options.wave, tuple(options.rearm or ()))
        _work(session, database, known, working)
        return progress_result(session, database, known, where.typed())


@contextmanager
def _found(session: Session, campaign: str, where: DatabaseOptions) -> Iterator[tuple[Database, str]]:
    check_format(session, FORMATS)
    database = open_database(session, where.database)
    try:
        yield database, of_saved(database, session, campaign)
    finally:
        database.close()


def _work(session: Session, database: Database, campaign: str, working: WorkOptions) -> None:
    if not working.no_work:
        from nhi_revoke.campaign.started import tenants_folder

        named = str(working.tenants) if working.tenants else tenants_folder(database, campaign)
        carry_on(session, database, campaign, session.cwd / named if named else None, working.at_once)


def _must_agree(session: Session, campaign: str, options: UndoOptions) -> None:
    """Raises Refused."""
    if options.yes:
        return
    what = "all that" if options.wave is None else f"what wave {options.wave} of"
    did = f"{what} campaign {campaign} did"
    if not session.can_ask:
        raise Refused(
            "no-consent", f"Taking back {did} needs a yes. Nothing was changed.", command_with(session, "--yes")
        )
    if answer(session, f"Take back {did}? [y/N] ").lower() not in ("y", "yes"):
        raise Refused("declined", "It was declined. Nothing was changed.")
