"""`resume`: goes on with a run, from its journal."""

from __future__ import annotations

from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions, hold_leaked
from nhi_revoke.cli.options import Run
from nhi_revoke.cli.outcome import ALL_REPORT_FORMATS, report_result
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

app = application()


@app.command()
@spread
def resume(session: Session, run: Run, leaked: LeakedOptions) -> Result:
    """Go on with a run that was interrupted or crashed. What was consented to then still is.

    nhi-revoke resume @last
    """
    check_format(session, ALL_REPORT_FORMATS)
    with session.engine() as engine:
        known = engine.run_id(run)
        hold_leaked(session, engine, leaked)
        with session.progress(acting=True, run=known):
            report = engine.resume(known)
        return report_result(session, report)
