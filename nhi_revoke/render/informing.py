"""Who must be told of a run. From the report alone: what it does not know is said to be not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Phase

NOT_KNOWN = "not known"


class Informed(NamedTuple):
    """One to tell."""

    who: str
    why: str
    known_by: str
    """What in the report says so."""


def must_be_told(report: Report) -> tuple[Informed, ...]:
    """Each once, in the order in which they are usually asked for."""
    return tuple(dict.fromkeys(_all(report)))


def _all(report: Report) -> Iterator[Informed]:
    who = report.owner or f"owner of {report.identity}: {NOT_KNOWN}"
    by = "owner in the identity map" if report.owner else "no owner stands in the identity map"
    yield Informed(who, "what the identity could do has changed; its consumers may fail", by)
    yield from _users(report)
    for lead in report.planted:
        yield Informed(f"owner of {lead.to}: {NOT_KNOWN}", f"planted: {lead.why}", "PLANTED")
    for lead in report.leads:
        if lead.beyond or lead.session:
            yield Informed(f"responders of {lead.to}", lead.why, "REACH")
    for outcome in report.outcomes:
        access = outcome.access
        if access.family == "trust" and access.exposure == "foreign":
            partner = ", ".join(access.lets_in) or NOT_KNOWN
            yield Informed(f"partner behind {access.id}: {partner}", f"this trust: {outcome.fate}", "a foreign trust")
    for each_unreachable in report.unreachable:
        yield Informed(f"whoever administers {each_unreachable.ref}", "nobody here could look there", "UNSEEN")
    yield Informed(
        f"vendors, customers, authorities: {NOT_KNOWN}",
        "contracts and law decide; nothing in a journal tells",
        "nothing in the report",
    )


def _users(report: Report) -> Iterator[Informed]:
    """Who works with what was changed."""
    for manual in report.manual:
        yield Informed(f"whoever administers {manual.on}", f"by hand: {manual.what}", "BY HAND")
    for each in report.replacements:
        if each.result in ("served", "delivered"):
            yield Informed(f"whoever reads {each.to or each.on}", "it holds a new credential", "replacements")
        elif each.result != "waiting":
            yield Informed(f"whoever uses {each.kind} of {each.on}", f"not replaced: {each.why}", "replacements")
    for step in report.steps:
        if step.phase is Phase.FLUSH and step.result in ("done", "already"):
            yield Informed(f"operators of {step.does}", f"flushed: {step.says}", "flushes")
