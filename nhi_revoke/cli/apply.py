"""`apply`: a saved plan, held against the world as it is, carried out without a prompt. All other guards hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nhi_revoke.cli.acting import show_plan
from nhi_revoke.cli.approving import BreakGlass, of_file
from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions, hold_leaked
from nhi_revoke.cli.outcome import REPORT_FORMATS, nothing_result, report_result
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.engine.planfile import read_plan
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Usage

if TYPE_CHECKING:
    from nhi_revoke.model.approval import Approval
    from nhi_revoke.model.plan import Plan

app = application()
VERSION = 1

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="A file of plan --save, or a next plan of a run.")]


@dataclass(frozen=True)
class ApplyOptions:
    """A saved plan is the consent; these are its limits."""

    stale: Annotated[
        Literal["drop", "refuse"] | None,
        typer.Option(
            "--stale",
            help="Steps whose target changed since: drop them and show it, or refuse.",
            show_default="drop; refuse where it was approved",
        ),
    ] = None
    allow_irreversible: Annotated[
        bool, typer.Option("--allow-irreversible", help="Let what cannot be taken back be done.")
    ] = False
    force: Annotated[bool, typer.Option("--force", "-f", help="Stop a principal that much depends on.")] = False
    max_accesses: Annotated[
        int, typer.Option("--max-accesses", metavar="N", min=1, help="Refuse to end more than N accesses.")
    ] = 50


@app.command(name="apply")
@spread
def apply_plan(
    session: Session, file: PlanFile, options: ApplyOptions, leaked: LeakedOptions, glass: BreakGlass
) -> Result:
    """Carry out a saved plan, without a prompt.

    nhi-revoke apply plan.json
    """
    from nhi_revoke.engine.service import Consent

    check_format(session, REPORT_FORMATS)
    path = session.cwd / file
    read, content = read_plan(path)
    saved = _known_version(read)
    approval = of_file(session, glass, path, content, saved)
    stale = _stale(options, approval)
    consent = Consent(
        "apply",
        allow_irreversible=options.allow_irreversible,
        force=options.force,
        max_accesses=options.max_accesses,
        approval=approval,
    )
    with session.engine() as engine:
        hold_leaked(session, engine, leaked)
        with session.progress(acting=False):
            plan = engine.refresh(saved, stale=stale)
        _show_dropped(session, saved, plan)
        engine.guard(plan, None)
        show_plan(session, plan)
        if not plan.steps:
            return nothing_result(plan)
        engine.guard(plan, consent)
        with session.progress(acting=True):
            report = engine.run(plan, "apply", consent)
        return report_result(session, report)


def _stale(options: ApplyOptions, approval: Approval | None) -> Literal["drop", "refuse"]:
    """What was approved is carried out whole or not at all. Raises Usage."""
    if approval is None or not approval.signers:
        return options.stale or "drop"
    if options.stale == "drop":
        raise Usage(
            "stale-approved",
            "the plan was approved as it is: it is carried out whole or not at all, and --stale drop would not. "
            "Nothing was changed.",
            "Leave --stale out.",
        )
    return "refuse"


def _known_version(plan: Plan) -> Plan:
    """Raises Usage for a plan that another version of this tool wrote in another shape."""
    if plan.schema_version != VERSION:
        raise Usage(
            "plan-version",
            f"the plan has version {plan.schema_version}; this tool reads version {VERSION}. Nothing was changed.",
            f"{command('plan', plan.identity.name)} --save FILE  makes a new one.",
        )
    return plan


def _show_dropped(session: Session, saved: Plan, plan: Plan) -> None:
    """Says what changed since, step by step: "stale" alone helps nobody."""
    from nhi_revoke.render.block import Span, line

    kept = {(step.does, step.on, step.ends, step.to) for step in plan.steps}
    dropped = [step for step in saved.steps if (step.does, step.on, step.ends, step.to) not in kept]
    lines = [
        line(Span("STALE", "warning"), f"  {step.on}  {step.says}: its target changed since the plan was made")
        for step in dropped
    ]
    session.streams.show(lines, session.streams.err)
