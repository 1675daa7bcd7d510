"""`plan`: what `revoke` would do. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from nhi_revoke.cli.acting import draft, shown_only
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions, hold_leaked
from nhi_revoke.cli.options import IntentOptions, Names, typed
from nhi_revoke.cli.outcome import PLAN_FORMATS
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.engine.approval import others
from nhi_revoke.engine.planfile import save_plan
from nhi_revoke.model.command import command

app = application()


@dataclass(frozen=True)
class PlanOptions:
    """What only `plan` takes."""

    order: Annotated[
        Literal["contain", "rollover"], typer.Option("--order", help="contain: as revoke does it; rollover: as rotate.")
    ] = "contain"
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep the plan for nhi-revoke apply (0600).")
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let --save replace a file.")] = False
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 10 where the plan has steps.")
    ] = False


@app.command()
@spread
def plan(session: Session, names: Names, intent: IntentOptions, options: PlanOptions, leaked: LeakedOptions) -> Result:
    """What `revoke` would do, in order, with what breaks and what stays.

    nhi-revoke plan payments-bot --save plan.json
    """
    check_format(session, PLAN_FORMATS)
    with session.engine() as engine:
        hold_leaked(session, engine, leaked)
        made = draft(session, engine, names, intent, options.order)
        if options.save is not None:
            save_plan(session.cwd / options.save, made, overwrite=options.overwrite)
        code = ExitCode.HAS_CHANGES if options.detailed_exitcode and made.steps else ExitCode.DONE
        result = shown_only(engine, made, int(code))
    verb = "revoke" if options.order == "contain" else "rotate"
    config = ("--config", session.config_path) if session.config_path else ()
    again = ("apply", options.save) if options.save else (verb, *names, *typed(intent))
    nexts = [command(*again, *config)]
    if session.config.approval.demands(options.order, irreversible=bool(made.irreversible)):
        file = options.save or "plan.json"
        order = ("--order", options.order) if options.order == "rollover" else ()
        saved = () if options.save else (command("plan", *names, *order, *typed(intent), "--save", file, *config),)
        approve = f"{command('approve', file, *config)}   # {others(session.config.approval.required)}"
        nexts = [*saved, approve, command("apply", file, *config)]
    return _with_next(result, nexts)


def _with_next(result: Result, then: Sequence[str]) -> Result:
    from dataclasses import replace as with_changes

    from nhi_revoke.render.block import BLANK, Block, next_line

    def screen() -> list[Block]:
        lines = [next_line(each, first=number == 0) for number, each in enumerate(then)]
        return [*result.screen(), BLANK, *lines] if result.data.steps else list(result.screen())

    return with_changes(result, screen=screen)
