"""`campaign`: many identities at once. Its words are commands of their own, each in a module."""

from __future__ import annotations

import typer

from nhi_revoke.cli.campaign_apply import apply_campaign
from nhi_revoke.cli.campaign_plan import plan_campaign
from nhi_revoke.cli.campaign_report import report_campaign
from nhi_revoke.cli.campaign_steer import campaign_status, pause_campaign, resume_campaign, undo_campaign
from nhi_revoke.cli.group import SETTINGS, WordGroup
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.spread import spread

app = typer.Typer(
    cls=WordGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=SETTINGS,
)


@app.callback()
@spread
def campaign() -> Result:
    """Many identities at once: planned from a file, carried out in waves by one or many workers, told as one.

    nhi-revoke campaign plan bots.csv --save campaign.plan

    nhi-revoke campaign apply campaign.plan
    """
    return Result(None, list)


app.command(name="plan")(plan_campaign)
app.command(name="apply")(apply_campaign)
app.command(name="status")(campaign_status)
app.command(name="pause")(pause_campaign)
app.command(name="resume")(resume_campaign)
app.command(name="undo")(undo_campaign)
app.command(name="report")(report_campaign)
