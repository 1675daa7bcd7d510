"""`undo`: takes back what a run touched and can be taken back, where it still is as the run left it."""

from __future__ import annotations

from typing import Annotated

import typer

from nhi_revoke.cli.acting import carry_out
from nhi_revoke.cli.group import application
from nhi_revoke.cli.options import ConsentOptions, Run
from nhi_revoke.cli.outcome import REPORT_FORMATS
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

app = application()

Accesses = Annotated[
    list[str] | None, typer.Argument(metavar="[ACCESS]...", help="Only these access ids; none: all of the run.")
]
Rearm = Annotated[
    list[str] | None,
    typer.Option("--rearm", metavar="ACCESS_ID", help="Knowingly bring this one back to life; may be repeated."),
]


@app.command()
@spread
def undo(session: Session, run: Run, allowed: ConsentOptions, accesses: Accesses = None, rearm: Rearm = None) -> Result:
    """Take back what a run touched and can be taken back. What was deleted stays deleted.

    nhi-revoke undo @last
    """
    check_format(session, REPORT_FORMATS)
    with session.engine() as engine:
        known = engine.run_id(run)
        with session.progress(acting=False, run=known):
            plan = engine.plan_undo(known, tuple(accesses or ()), tuple(rearm or ()))
        return carry_out(
            session, engine, plan, allowed, lambda consent: engine.act(known, "undo", plan, consent), known
        )
