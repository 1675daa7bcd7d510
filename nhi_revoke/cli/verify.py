"""`verify`: looks again, later. Changes nothing."""

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
def verify(session: Session, run: Run, leaked: LeakedOptions) -> Result:
    """Look again at what a run ended: whether it still is, what appeared, what was planted.

    nhi-revoke verify @last
    """
    check_format(session, ALL_REPORT_FORMATS)
    with session.engine() as engine:
        known = engine.run_id(run)
        hold_leaked(session, engine, leaked)
        with session.progress(acting=False, run=known):
            report = engine.verify(known)
        return report_result(session, report)
