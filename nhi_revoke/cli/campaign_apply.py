"""`campaign apply`: a saved campaign, carried out in waves; this process works on it until it is over or paused."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.approving import BreakGlass
from nhi_revoke.cli.campaign_allowed import by_others, looked, without_others
from nhi_revoke.cli.campaign_options import CourseOptions, DatabaseOptions, WorkOptions
from nhi_revoke.cli.campaign_parts import control, need_extra, open_database
from nhi_revoke.cli.campaign_work import FORMATS, progress_result, work
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Refused

if TYPE_CHECKING:
    from nhi_revoke.campaign.database import Database
    from nhi_revoke.campaign.item import Header
    from nhi_revoke.engine.consent import Consent

Saved = Annotated[Path, typer.Argument(metavar="SAVED", help="A file of campaign plan --save.")]


@dataclass(frozen=True)
class AllowedOptions:
    """The saved campaign is the consent; these are its limits, for each identity of it."""

    allow_irreversible: Annotated[
        bool, typer.Option("--allow-irreversible", help="Let what cannot be taken back be done.")
    ] = False
    force: Annotated[bool, typer.Option("--force", "-f", help="Stop principals that much depends on.")] = False
    max_accesses: Annotated[
        int,
        typer.Option("--max-accesses", metavar="N", min=1, help="Refuse to end more than N accesses of one identity."),
    ] = 50


@spread
def apply_campaign(
    session: Session,
    file: Saved,
    allowed: AllowedOptions,
    course: CourseOptions,
    where: DatabaseOptions,
    working: WorkOptions,
    glass: BreakGlass,
) -> Result:
    """Carry out a saved campaign: the canaries first, then wave by wave, with a live view.

    Ctrl-C ends what is under way and leaves the rest: nhi-revoke campaign resume @last

    nhi-revoke campaign apply campaign.plan --canary 10 --stop-on-failures 1
    """
    from msgspec.structs import replace as with_changes

    from nhi_revoke.campaign.saved import copied, read_header, read_items
    from nhi_revoke.engine.consent import Consent

    check_format(session, FORMATS)
    need_extra()
    path = session.cwd / file
    header = read_header(path)
    consent = Consent(
        "apply",
        allow_irreversible=allowed.allow_irreversible,
        force=allowed.force,
        max_accesses=allowed.max_accesses,
    )
    named = working.tenants or (Path(header.tenants) if header.tenants else None)
    folder = session.cwd / named if named is not None else None
    with ExitStack() as stack:
        found = looked(session, folder, read_items(path), consent)
        approval = without_others(session, found, glass)
        if found.demanded and approval is None:
            copy, sha256 = stack.enter_context(copied(path))
            header = read_header(copy)
            found = looked(session, folder, read_items(copy), consent)
            approval = by_others(session, found, path, header.digest, sha256)
            path = copy
        if found.refused:
            raise _refusal(found.refused, found.many)
        consent = with_changes(consent, approval=approval)
        return _begun(session, path, header, consent, course, where, working, folder)


def _begun(
    session: Session,
    path: Path,
    header: Header,
    consent: Consent,
    course: CourseOptions,
    where: DatabaseOptions,
    working: WorkOptions,
    folder: Path | None,
) -> Result:
    from nhi_revoke.campaign.saved import read_items

    database = open_database(session, where.database)
    try:
        _not_twice(database, header, where)
        campaign = control().start(database, header, read_items(path), course.course, consent)
        if not working.no_work:
            carry_on(session, database, campaign, folder, working.at_once)
        return progress_result(session, database, campaign, where.typed())
    finally:
        database.close()


def carry_on(session: Session, database: Database, campaign: str, folder: Path | None, at_once: int) -> None:
    """Works on this campaign, until it is over or paused, or Ctrl-C."""
    from nhi_revoke.campaign.progress import Meter, progress
    from nhi_revoke.campaign.started import resting

    meter = Meter()
    session.run = campaign
    work(
        session,
        database,
        folder,
        at_once,
        lambda: progress(database, campaign, meter),
        lambda: resting(database, campaign),
    )


def _not_twice(database: Database, header: Header, where: DatabaseOptions) -> None:
    """One saved campaign is carried out once. Raises Refused."""
    from nhi_revoke.campaign.started import newest_of_digest

    known = newest_of_digest(database, header.digest)
    if known:
        raise Refused(
            "already-applied",
            f"this was applied already, as campaign {known}. Nothing was changed.",
            command("campaign", "resume", known, *where.typed()),
        )


def _refusal(refused: dict[str, list[Refused]], many: int) -> Refused:
    """How many plans, for which reason, and the words that lift it."""
    code = next(iter(refused))
    said = [
        f"{len(each)} of {many} plans are refused ({each_code}); the first: {each[0].message}"
        for each_code, each in refused.items()
    ]
    told = " ".join(each.removesuffix(" Nothing was changed.") for each in said)
    hints = dict.fromkeys(each[0].hint for each in refused.values() if each[0].hint)
    return Refused(code, f"{told} Nothing was changed.", " ".join(hints))
