"""What stays usable and until when: the plan's forecast, with the times that the steps left."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from nhi_revoke.engine.event import Remaining
from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.model.ref import AccessId
from nhi_revoke.model.step import Residual


def residuals(history: History) -> tuple[Residual, ...]:
    """Every residual that a plan of this run drafted, each with its latest known end. UTC."""
    until = _told(history)
    drafted = [r for s in history.sections for r in s.plan.residuals]
    return tuple(dict.fromkeys(replace(r, until=until.get(r.access, r.until)) for r in drafted))


def remaining(history: History, now: datetime) -> tuple[Remaining, ...]:
    """Those that still count and end by themselves, the soonest first, each with what it is in words."""
    says = {access.id: access.label for section in history.sections for access in section.plan.accesses}
    left = {r.access: r.until for r in residuals(history) if r.counts and r.until and r.until > now}
    return tuple(Remaining(a, says.get(a, ""), until) for a, until in sorted(left.items(), key=lambda each: each[1]))


def _told(history: History) -> dict[AccessId, datetime]:
    until: dict[AccessId, datetime] = {}
    for h in history.steps.values():
        if h.settled:
            for access, moment in told_by(h).items():
                until[access] = max(moment, until.get(access, moment))
    return until


def told_by(history: StepHistory) -> dict[AccessId, datetime]:
    """A step tells the end of what it ends (`residual_until`), or of other accesses (`residuals`: id -> time): what a
    key minted lives on for a while after the key ended. UTC.
    """
    left = history.left
    told = {access: left.get("residual_until") for access in history.step.ends} | dict(left.get("residuals") or {})
    return {access: datetime.fromisoformat(str(text)) for access, text in told.items() if text}
