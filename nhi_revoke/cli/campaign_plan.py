"""`campaign plan`: what ending all of these would change. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nhi_revoke.cli.campaign_entries import EntryOptions, File, check_entries, entries_of
from nhi_revoke.cli.campaign_options import CourseOptions, RateOptions
from nhi_revoke.cli.campaign_rates import kept_while_planning
from nhi_revoke.cli.consent import command_with
from nhi_revoke.cli.engines import Engines
from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.intent import Order, intent_of, must_deliver
from nhi_revoke.cli.options import SettingsOptions
from nhi_revoke.cli.outcome import PLAN_FORMATS
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.reasons import proposals
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.command import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nhi_revoke.campaign.item import Entry, Header
    from nhi_revoke.campaign.overview import Overview
    from nhi_revoke.campaign.planning import Planned, Row
    from nhi_revoke.engine.event import Event, Tell
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.model.plan import Plan
    from nhi_revoke.render.block import Block

SAVED = "campaign.plan"


@dataclass(frozen=True)
class CampaignPlanOptions:
    """What only `campaign plan` takes."""

    order: Annotated[
        Literal["contain", "rollover"], typer.Option("--order", help="contain: as revoke does it; rollover: as rotate.")
    ] = "contain"
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep it for nhi-revoke campaign apply (0600).")
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let --save replace a file.")] = False
    at_once: Annotated[
        int, typer.Option("--at-once", metavar="N", min=1, max=64, help="Identities that are looked at at once.")
    ] = 8


@spread
def plan_campaign(
    session: Session,
    options: CampaignPlanOptions,
    entries: EntryOptions,
    course: CourseOptions,
    rates: RateOptions,
    intent: SettingsOptions,
    file: File = None,
) -> Result:
    """What ending all identities of FILE would change: the worst first, by tenant, in waves. Changes nothing.

    FILE has a line for each identity: CSV (name, principals, owner, tags, reason, config; or one column of principals),
    TOML ([identity.NAME], as in nhi.toml) or JSON lines.

    nhi-revoke campaign plan bots.csv --save campaign.plan

    nhi-revoke campaign plan --from-map tag=legacy --reason offboarding
    """
    from nhi_revoke.campaign.planning import planned
    from nhi_revoke.campaign.saved import may_save, save
    from nhi_revoke.cli.campaign_parts import rate_of
    from nhi_revoke.engine.event import ReadEvent

    check_format(session, PLAN_FORMATS)
    path = session.cwd / options.save if options.save else None
    if path is not None:
        may_save(path, overwrite=options.overwrite)
    limits = rate_of(rates.rate or (), rates.share)
    listed, source = entries_of(session, file, entries)
    folder = session.cwd / entries.tenants if entries.tenants else None
    with (
        kept_while_planning(session, rates),
        session.engine() as own,
        Engines(session, folder, _quiet(session), own=own) as engines,
    ):
        check_entries(session, own, listed, entries, source)

        def draft(entry: Entry) -> Plan:
            with engines.using(entry.config) as engine:
                return drafted(engine, entry, intent, options.order)

        def heard(done: int, of: int) -> None:
            session.tell(ReadEvent("plans", done, of))

        try:
            with session.progress(acting=False), planned(listed, draft, at_once=options.at_once, heard=heard) as found:
                header = _header(found.rows, own, intent, options.order, source, rates, entries)
                if path is not None:
                    save(path, header, found.items(), overwrite=options.overwrite)
        except KeyboardInterrupt:
            engines.interrupt()
            raise
    from nhi_revoke.campaign.overview import overview

    made = overview(
        found.rows,
        course.course,
        limits,
        source=source,
        saved=str(options.save or ""),
        digest=header.digest,
        next_commands=_next(session, found, options, course, entries),
    )
    return _result(made, found.rows)


def drafted(engine: Engine, entry: Entry, options: SettingsOptions, order: Order) -> Plan:
    """One entry: resolved, looked at (never at the slow logs), planned, guarded. Raises Trouble."""
    from msgspec.structs import replace as with_changes

    found = engine.resolve(entry.principals or (entry.name,))
    identity = with_changes(
        found,
        name=entry.name,
        owner=entry.owner or found.owner,
        tags=entry.tags or found.tags,
        deliver=entry.deliver or found.deliver,
        flush=entry.flush or found.flush,
    )
    if order == "rollover":
        must_deliver(identity)
    if entry.reason:
        options = replace(options, reason=entry.reason)  # type: ignore[arg-type]  # checked when it was read
    intent = intent_of(options, identity, order, engine.clock.now())
    plan = engine.plan(engine.inventory(identity, intent, logs=False), intent)
    plan = with_changes(plan, notices=(*plan.notices, *proposals(plan)))
    engine.guard(plan, None)
    return plan


def _header(
    rows: Sequence[Row],
    engine: Engine,
    options: SettingsOptions,
    order: Order,
    source: str,
    rates: RateOptions,
    entries: EntryOptions,
) -> Header:
    from nhi_revoke.campaign.blast import campaign_digest
    from nhi_revoke.campaign.item import Header
    from nhi_revoke.model.identity import Identity

    now = engine.clock.now()
    return Header(
        now,
        intent_of(options, Identity("", ()), order, now),
        tuple(sorted({str(ref) for row in rows for ref in row.operator})),
        source,
        len(rows),
        campaign_digest(row.digest for row in rows),
        tuple(rates.rate or ()),
        rates.share,
        str(entries.tenants or ""),
    )


def _next(
    session: Session, found: Planned, options: CampaignPlanOptions, course: CourseOptions, entries: EntryOptions
) -> list[str]:
    if all(row.why for row in found.rows):
        return []
    if options.save is None:
        return [command_with(session, "--save", SAVED)]
    tenants = ("--tenants", entries.tenants) if entries.tenants else ()
    config = ("--config", session.config_path) if session.config_path else ()
    apply = command("campaign", "apply", options.save, *course.typed(), *tenants, *config)
    rules = session.config.approval
    if not any(rules.demands(options.order, irreversible=bool(row.blast.irreversible)) for row in found.rows):
        return [apply]
    from nhi_revoke.engine.approval import others

    return [f"{command('approve', options.save, *config)}   # {others(rules.required)}", apply]


def _result(found: Overview, planned: Sequence[Row]) -> Result:
    from nhi_revoke.campaign.overview import ITEM_COLUMNS, item_rows

    def screen() -> Sequence[Block]:
        from nhi_revoke.campaign.overview_screen import overview_screen

        return overview_screen(found)

    rows = Rows(ITEM_COLUMNS, lambda: item_rows(planned, found.course))
    if len(found.unplanned) < found.items:
        return Result(found, screen, rows=rows)
    code = none_planned_code(row.exit_code for row in planned)
    first = next(row for row in planned if row.exit_code == code)
    why = f"none of {found.items} identities can be planned: {first.why}"
    return Result(found, screen, code, (Problem("none-planned", why),), rows)


def none_planned_code(codes: Iterable[int]) -> int:
    """Where not one has a plan: 4 where a login is missing, which hides whether the others are there, then 3."""
    kept = set(codes)
    return next(int(code) for code in (ExitCode.CANNOT_START, ExitCode.NOT_FOUND, *sorted(kept)) if code in kept)


def _quiet(session: Session) -> Tell:
    """Each look's own progress would drown that of the whole."""
    from nhi_revoke.engine.event import ReadEvent

    def tell(event: Event) -> None:
        if not isinstance(event, ReadEvent):
            session.tell(event)

    return tell
