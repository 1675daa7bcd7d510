"""`campaign apply`: a saved campaign, carried out in waves; this process works on it until it is over or paused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.approving import BreakGlass, tell_broken
from nhi_revoke.cli.campaign_options import CourseOptions, DatabaseOptions, WorkOptions
from nhi_revoke.cli.campaign_parts import control, need_extra, open_database
from nhi_revoke.cli.campaign_work import FORMATS, progress_result, work
from nhi_revoke.cli.engines import Engines
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Refused

if TYPE_CHECKING:
    from nhi_revoke.campaign.database import Database
    from nhi_revoke.campaign.item import Header, Item
    from nhi_revoke.engine.consent import Consent
    from nhi_revoke.model.approval import Approval

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
    from nhi_revoke.campaign.saved import read_header, read_items
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
    approval = _held(session, folder, read_items(path), consent, glass)
    if approval is not None:
        from msgspec.structs import replace

        consent = replace(consent, approval=approval)
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


def _held(
    session: Session, folder: Path | None, items: Iterator[Item], consent: Consent, glass: BreakGlass
) -> Approval | None:
    """Every plan against what was allowed, before the first is carried out: the reason that was given for going on
    without an approval, where one is demanded. Raises Refused, Usage.
    """
    from nhi_revoke.config.approval import Approving
    from nhi_revoke.engine.approval import EMERGENCY, broken_glass
    from nhi_revoke.engine.guard import check

    rules: dict[str, Approving] = {}
    refused: dict[str, list[Refused]] = {}
    demanded: list[Approving] = []
    many = 0
    with Engines(session, folder, session.tell) as engines:
        for item in items:
            if item.plan is None:
                continue
            many += 1
            name = item.entry.config
            if name not in rules:
                rules[name] = engines.config(name).approval
            if rules[name].demands(item.plan.intent.order, irreversible=bool(item.plan.irreversible)):
                demanded.append(rules[name])
            try:
                check(item.plan, (), consent)
            except Refused as wrong:
                refused.setdefault(wrong.code, []).append(wrong)
    if demanded and glass.break_glass is None:
        raise Refused(
            "not-approved",
            f"nhi.toml demands that other people approve {len(demanded)} of these {many} plans, and the plans of a "
            f"campaign are not approved one by one. Nothing was changed. {EMERGENCY}",
            "nhi-revoke plan NAME --save plan.json, approve and apply  for each of them.",
        )
    if refused:
        raise _refusal(refused, many)
    if not demanded or glass.break_glass is None:
        return None
    taken = broken_glass(max(demanded, key=lambda each: each.required), glass.break_glass)
    tell_broken(session, taken)
    return taken


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
