"""`hold`: keeps ended what a run ended, until the last residual has passed."""

from __future__ import annotations

from typing import Annotated

import typer

from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions, hold_leaked
from nhi_revoke.cli.options import Run
from nhi_revoke.cli.outcome import ALL_REPORT_FORMATS, report_result
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spans import duration, moment_of
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Usage

app = application()

Interval = Annotated[float, typer.Option("--interval", metavar="TIME", parser=duration, help="Between two looks.")]
For = Annotated[float | None, typer.Option("--for", metavar="TIME", parser=duration, help="At most so long: 30m, 12h.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Instead of the last residual: 2026-01-31T14:00Z.")
]


@app.command()
@spread
def hold(
    session: Session,
    run: Run,
    leaked: LeakedOptions,
    interval: Interval = 30.0,
    at_most: For = None,
    until: Until = None,
) -> Result:
    """Re-read, put back brakes that somebody took off, end what appears; the run's plan said so.

    nhi-revoke hold @last --for 12h
    """
    from datetime import timedelta

    check_format(session, ALL_REPORT_FORMATS)
    if at_most is not None and until is not None:
        raise Usage("two-ends", "--for and --until both say when to stop. Nothing was done.", "Give one of them.")
    with session.engine() as engine:
        now = engine.clock.now()
        end = moment_of(until, now, "--until") if until else None
        if end is not None and end <= now:
            raise Usage(
                "until-past",
                f"--until {until} is over already: nothing would be held. Nothing was done.",
                "--for 12h holds for so long from now on.",
            )
        if at_most is not None:
            end = now + timedelta(seconds=at_most)
        known = engine.run_id(run)
        hold_leaked(session, engine, leaked)
        with session.progress(acting=True, run=known):
            report = engine.hold(known, interval=interval, until=end)
        return report_result(session, report)
