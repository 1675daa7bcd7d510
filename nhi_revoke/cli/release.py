"""`release`: takes the brakes of a run off, so that the replacement works; the old stays ended."""

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

Wait = Annotated[bool, typer.Option("--wait", help="Wait until the re-arm guard allows it.")]


@app.command()
@spread
def release(session: Session, run: Run, allowed: ConsentOptions, wait: Wait = False) -> Result:
    """Take the brakes off. Refused while that would bring an old session back to life; says when it will not.

    nhi-revoke release @last --wait
    """
    check_format(session, REPORT_FORMATS)
    with session.engine() as engine:
        known = engine.run_id(run)
        with session.progress(acting=False, run=known):
            plan = engine.plan_release(known, wait=wait)
        return carry_out(
            session, engine, plan, allowed, lambda consent: engine.act(known, "release", plan, consent), known
        )
