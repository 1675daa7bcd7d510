"""`rotate`: the whole pipeline, in the order `rollover`."""

from __future__ import annotations

from typing import Annotated

import typer

from nhi_revoke.cli.acting import contain
from nhi_revoke.cli.approving import BreakGlass
from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions
from nhi_revoke.cli.options import ConsentOptions, IntentOptions, Names
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

app = application()

DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only show the plan; nothing is changed.")]


@app.command()
@spread
def rotate(
    session: Session,
    names: Names,
    intent: IntentOptions,
    allowed: ConsentOptions,
    leaked: LeakedOptions,
    glass: BreakGlass,
    dry_run: DryRun = False,
) -> Result:
    """Replace first, prove the new one, then end the old one and its sessions.

    nhi-revoke rotate payments-bot --grace 10m
    """
    return contain(session, names, intent, allowed, leaked, glass, verb="rotate", order="rollover", dry_run=dry_run)
