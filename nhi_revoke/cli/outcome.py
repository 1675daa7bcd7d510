"""Results that several commands return: of a plan, and of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.model.command import command
from nhi_revoke.model.step import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nhi_revoke.cli.session import Session
    from nhi_revoke.model.inventory import Unreachable
    from nhi_revoke.model.plan import Plan
    from nhi_revoke.model.report import Report
    from nhi_revoke.render.block import Block

PLAN_FORMATS = ("table", "json", "ndjson", "csv")
REPORT_FORMATS = ("table", "json", "ndjson", "csv", "md")
"""Of commands that may end with a plan instead: what has no steps has no report."""
DATED_FORMATS = ("html", "ocsf", "caep")
"""They say when they were made."""
ALL_REPORT_FORMATS = (*REPORT_FORMATS, *DATED_FORMATS)
"""Of commands that always end with a report."""
CONTAINING = (Phase.CUT, Phase.END, Phase.SEAL)
"""Steps that are skipped only because another one was not seen to hold; a skipped rotation has its own lines."""
_FAILED = {
    "failed": "nhi-revoke resume {run}",
    "lost": "nhi-revoke resume {run}",
    "impossible": "Do it by hand as told, then nhi-revoke resume {run}",
    "skipped": "nhi-revoke resume {run}",
    "stale": "It changed since the plan was made; {plan} makes a new one.",
}


def plan_result(plan: Plan, exit_code: int = 0, problems: Sequence[Problem] = ()) -> Result:
    """A plan that was only made."""

    def screen() -> list[Block]:
        from nhi_revoke.render.plan import plan_screen

        return plan_screen(plan)

    return Result(plan, screen, exit_code, (*problems, *unreachable_problems(plan.unreachable)), _plan_rows(plan))


def nothing_result(plan: Plan) -> Result:
    """An acting command whose plan has no steps: judged by what the plan says is left."""
    from nhi_revoke.engine.verdict import left_code

    code = left_code(plan)

    def screen() -> list[Block]:
        from nhi_revoke.render.report import nothing_screen

        return nothing_screen(plan, code)

    return Result(plan, screen, code, unreachable_problems(plan.unreachable), _plan_rows(plan))


def report_result(session: Session, report: Report, *, redact: bool = False) -> Result:
    """A run as it stands. After Ctrl-C the exit code is 130, whatever the report says. `redact`: under pseudonyms."""
    if redact:
        from nhi_revoke.render.redact import redacted

        report = redacted(report)

    def screen() -> list[Block]:
        from nhi_revoke.render.report import report_screen

        return report_screen(report)

    # While the engine, and with it a sandbox's clock, is there.
    now = session.moment() if session.output in DATED_FORMATS else report.times.verified

    def document() -> str:
        return _document(session.output, report, now)

    def rows() -> list[dict[str, str]]:
        from nhi_revoke.render.rows import report_rows

        return list(report_rows(report))

    from nhi_revoke.render.rows import REPORT_COLUMNS

    code = ExitCode.INTERRUPTED if session.interrupted else report.exit_code
    return Result(report, screen, int(code), report_problems(report), Rows(REPORT_COLUMNS, rows), document)


def _document(output: str, report: Report, now: datetime | None) -> str:
    if output == "html" and now is not None:
        from nhi_revoke.render.page.write import html_report

        return html_report(report, now)
    if output == "ocsf" and now is not None:
        from nhi_revoke.render.ocsf import ocsf_events

        return ocsf_events(report, now)
    if output == "caep" and now is not None:
        from nhi_revoke.render.caep import unsigned_claims

        return unsigned_claims(report, now)
    from nhi_revoke.render.document import markdown_report

    return markdown_report(report)


def report_problems(report: Report) -> tuple[Problem, ...]:
    """What the envelope lists as errors: steps that did not end well, and principals that could not be looked at. Not
    steps of before that an undo of the whole run made idle: there is nothing to resume.
    """
    idle = report.exit_code in (ExitCode.DONE, ExitCode.ENDS_BY_ITSELF)
    steps = [
        Problem(
            f"step-{step.result}",
            f"{step.on}: {step.says}: {step.detail}",
            _FAILED[step.result].format(run=report.run, plan=command("plan", report.identity)),
        )
        for step in (() if idle else report.steps)
        if step.result in _FAILED and (step.result != "skipped" or step.phase in CONTAINING)
    ]
    return (*steps, *unreachable_problems(report.unreachable))


def unreachable_problems(unreachable: Sequence[Unreachable]) -> tuple[Problem, ...]:
    """A principal that was named and could not be looked at."""
    return tuple(Problem(each.code, f"{each.ref}: {each.why}", each.hint) for each in unreachable)


def _plan_rows(plan: Plan) -> Rows:
    from nhi_revoke.render.rows import PLAN_COLUMNS, plan_rows

    return Rows(PLAN_COLUMNS, lambda: plan_rows(plan))
