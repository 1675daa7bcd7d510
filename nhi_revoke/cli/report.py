"""`report`: what a run did and proved, from its journal alone. No vendor is asked."""

from __future__ import annotations

from nhi_revoke.cli.group import application
from nhi_revoke.cli.options import Run
from nhi_revoke.cli.outcome import REPORT_FORMATS, report_result
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

app = application()


@app.command()
@spread
def report(session: Session, run: Run) -> Result:
    """The report of a run, with its own exit code. Markdown for a ticket: -o md --out report.md

    nhi-revoke report @last
    """
    check_format(session, REPORT_FORMATS)
    with session.engine() as engine:
        return report_result(session, engine.report(engine.run_id(run)))
