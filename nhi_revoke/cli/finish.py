"""`finish`: after the soak, deletes what a run disabled. Never a principal, never a cut-off that is still needed."""

from __future__ import annotations

from nhi_revoke.cli.acting import carry_out
from nhi_revoke.cli.group import application
from nhi_revoke.cli.options import ConsentOptions, Run
from nhi_revoke.cli.outcome import REPORT_FORMATS
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

app = application()


@app.command()
@spread
def finish(session: Session, run: Run, allowed: ConsentOptions) -> Result:
    """Delete what the run disabled, for good.

    nhi-revoke finish @last
    """
    check_format(session, REPORT_FORMATS)
    with session.engine() as engine:
        known = engine.run_id(run)
        with session.progress(acting=False, run=known):
            plan = engine.plan_finish(known)
        return carry_out(
            session, engine, plan, allowed, lambda consent: engine.act(known, "finish", plan, consent), known
        )
