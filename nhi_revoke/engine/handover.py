"""What the next shift must know first of a run that is handed to it. From the journal alone."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from nhi_revoke.engine.history import History
from nhi_revoke.engine.states import VERBS, state_of
from nhi_revoke.model.report import Report


class Handover(Struct, frozen=True):
    """Who had the run, how it stands, what is next."""

    identity: str
    state: str
    headline: str
    worked_on: tuple[str, ...]
    """Who worked on it, with which command and when (UTC), oldest first."""
    may: tuple[str, ...]
    """What may be done with it now."""
    next: tuple[str, ...]
    """Commands to type, the most urgent first."""
    not_here: str = ""
    """The plan that a next command names and that no file of this machine holds."""


def handover(history: History, report: Report) -> Handover:
    """Raises IndexError for an empty journal."""
    plan = report.next_plan or ""
    return Handover(
        report.identity,
        report.state,
        report.headline,
        tuple(
            f"{', '.join(s.opened.operator) or 'an unknown operator'}  {s.opened.verb}  {s.opened.at:%Y-%m-%dT%H:%M}Z"
            for s in history.sections
        ),
        VERBS[state_of(history)],
        report.next,
        plan if plan and not Path(plan).is_file() else "",
    )
