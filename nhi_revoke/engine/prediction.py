"""What a report says of a door, and nothing else: held against what the intruder can open afterwards."""

from __future__ import annotations

from datetime import datetime

from nhi_revoke.model.found import Lead
from nhi_revoke.model.ref import Utc
from nhi_revoke.model.report import Outcome, Report

SHUT = frozenset({"ended", "already", "expired"})


def predicted_open(report: Report, door_access: str) -> bool:
    """Whether the report says that this door is still open. Pure.

    `door_access` is the id of an access (for a session its standing access, `…/*`), or the canonical reference of
    a principal that the report names as a lead. An access is shut only where the report says that it ended and that
    this was at least recorded; a principal outside the plan is open only where the report names it. So a door that
    the report does not know is predicted shut, and found out by whoever tries it; where a principal could not be
    looked at, it is predicted open.
    """
    at = report.times.verified or report.times.sealed or report.times.acted
    if any(door_access in (door.access, str(door.on)) for door in report.open):
        return True
    if any(left.access == door_access and _lasts(left.until, at) for left in report.residuals):
        return True
    if any(
        str(lead.to) == door_access and not lead.shut and _lasts(lead.until, at) and _holds(lead, report)
        for lead in (*report.leads, *report.planted)
    ):
        return True
    known = [o for o in report.outcomes if o.access.id == door_access]
    if not known:
        # Nothing was found of it: shut, unless a principal that was named could not be looked at.
        return bool(report.unreachable)
    return any(not _shut(o) for o in known)


def _holds(lead: Lead, report: Report) -> bool:
    """What a principal may become is no way in by itself: an intruder is there where a session was seen, where nobody
    can look, or where the logs that would show it could not be read. A lead that does not tell whose reach it is (`of`)
    says that somebody is there.
    """
    seen = bool(lead.session) or lead.beyond or lead.how == "planted" or lead.of is None
    return seen or any(b.counts and b.on == lead.of for b in report.blind)


def _shut(outcome: Outcome) -> bool:
    return outcome.fate in SHUT and outcome.proof is not None and outcome.proof.proves


def _lasts(until: Utc | None, at: datetime | None) -> bool:
    """Without a time it lasts; a time that had passed when the report was made does not count."""
    return until is None or at is None or until > at
