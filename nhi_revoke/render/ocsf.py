"""A report as OCSF 1.8.0 events, one a line: Remediation Activity (7001) for each step, and one for the whole run.

Facts standards.md D9: class_uid = category * 1000 + class, type_uid = class_uid * 100 + activity; `command_uid` is
required, times are milliseconds. One class well filled: a logoff event (3002) would claim a time and a session that a
cut-off does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from nhi_revoke import __version__
from nhi_revoke.engine.verdict import open_count
from nhi_revoke.model.report import Report, StepResult
from nhi_revoke.model.step import Phase
from nhi_revoke.render.clean import clean, json_text
from nhi_revoke.render.inventory import unseen_count
from nhi_revoke.render.moment import moment
from nhi_revoke.render.report import GOOD, proof_counts
from nhi_revoke.render.standards import (
    D3FEND_VERSION,
    Countermeasure,
    countermeasure,
    denies,
    families,
    takes_back,
)

VERSION = "1.8.0"
CATEGORY, CLASS = 7, 7001


class Word(NamedTuple):
    """A number of an OCSF enumeration and its caption."""

    id: int
    name: str


ISOLATE, EVICT, RESTORE, HARDEN = Word(1, "Isolate"), Word(2, "Evict"), Word(3, "Restore"), Word(4, "Harden")
SUCCESS, FAILURE, PARTIAL = Word(1, "Success"), Word(2, "Failure"), Word(4, "Partial")
UNSUPPORTED, UNKNOWN, OTHER = Word(5, "Unsupported"), Word(0, "Unknown"), 99
INFORMATIONAL, MEDIUM, HIGH = Word(1, "Informational"), Word(3, "Medium"), Word(4, "High")
RESOURCE_UID = Word(10, "Resource UID")


def ocsf_events(report: Report, now: datetime) -> str:
    """JSON lines. `now`: when they are made (UTC)."""
    whole = (_encoded(event) for event in events(report, now))
    return "".join(f"{line}\n" for line in whole)


def _encoded(event: dict[str, Any]) -> str:
    return json_text(msgspec.json.encode(event).decode())


def events(report: Report, now: datetime) -> Iterator[dict[str, Any]]:
    """Each step in order, the run last."""
    family_of = families(report)
    scopes = {str(p.ref): p.scope for p in report.principals}
    for number, step in enumerate(report.steps):
        yield _step(report, step, number, family_of, scopes, now)
    yield _run(report, now)


def _step(
    report: Report,
    step: StepResult,
    number: int,
    family_of: Mapping[str, str],
    scopes: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    status, severity = status_of(step)
    measure = countermeasure(step, family_of)
    event = _event(report, activity_of(step), status, severity, step.at, now)
    event |= {
        "command_uid": f"{report.run}/{step.id}",
        "message": clean(step.says),
        "status_code": step.result,
        "unmapped": {
            "step": step.id,
            "on": step.on,
            "does": step.does,
            "phase": step.phase.value,
            "result": step.result,
            "proof": step.proof.value if step.proof else "none",
            "reversible": step.reversible,
        },
        "observables": [
            {
                "name": "unmapped.on",
                "type": RESOURCE_UID.name,
                "type_id": RESOURCE_UID.id,
                "value": step.on,
            }
        ],
    }
    if step.detail:
        event["status_detail"] = clean(step.detail)
    if measure is not None:
        event["countermeasures"] = [_measure(measure)]
    event["metadata"] |= {"uid": f"{report.run}/{step.id}", "sequence": number}
    if scopes.get(step.on):
        event["metadata"]["tenant_uid"] = scopes[step.on]
    return event


def _run(report: Report, now: datetime) -> dict[str, Any]:
    """The verdict, and all that is left: what no step says."""
    good = report.headline in GOOD and report.exit_code in (0, 6)
    status = SUCCESS if good else FAILURE if report.headline == "NOTHING CHANGED" else PARTIAL
    activity = RESTORE if report.verb in ("undo", "release") else EVICT
    event = _event(report, activity, status, INFORMATIONAL if good else HIGH, report.times.verified, now)
    proofs = {proof.value: many for proof, many in proof_counts(report).items()}
    left = {
        "open": open_count(report),
        "expires": len(report.residuals),
        "unseen": unseen_count(report.blind, report.unreachable),
        "planted": len(report.planted),
    }
    event |= {
        "command_uid": report.run,
        "message": clean(f"{report.headline}: {report.identity}"),
        "count": 1,
        "status_code": str(report.exit_code),
        "status_detail": ", ".join(f"{word} {many}" for word, many in (*proofs.items(), *left.items())),
        "unmapped": {
            "headline": report.headline,
            "identity": report.identity,
            "owner": report.owner,
            "verb": report.verb,
            "state": report.state,
            "exit_code": report.exit_code,
            "reason": report.intent.reason.value,
            "case": report.intent.case,
            "operator": list(report.operator),
            "proofs": proofs,
            "left": left,
            "residual_until": moment(report.residual_until),
            "accesses": [
                {"id": o.access.id, "fate": o.fate, "proof": o.proof.value if o.proof else "none"}
                for o in report.outcomes
            ],
            "open": [{"access": door.access, "why": clean(door.why), "kept": door.kept} for door in report.open],
            "residuals": [
                {"access": r.access, "until": moment(r.until), "why": clean(r.why)} for r in report.residuals
            ],
            "unseen": [{"on": str(b.on), "kind": b.kind, "why": clean(b.why)} for b in report.blind if b.counts]
            + [{"on": str(u.ref), "kind": u.code, "why": clean(u.why)} for u in report.unreachable],
            "planted": [{"on": str(lead.to), "why": clean(lead.why)} for lead in report.planted],
            "journal_sha256": report.journal_sha256,
            "redacted": report.redacted,
        },
    }
    if report.times.started:
        event["start_time"] = _ms(report.times.started)
    if report.times.verified:
        event["end_time"] = _ms(report.times.verified)
    event["metadata"] |= {"uid": report.run, "sequence": len(report.steps)}
    return event


def _event(
    report: Report, activity: Word, status: Word, severity: Word, at: datetime | None, now: datetime
) -> dict[str, Any]:
    type_uid = CLASS * 100 + activity.id
    return {
        "category_uid": CATEGORY,
        "category_name": "Remediation",
        "class_uid": CLASS,
        "class_name": "Remediation Activity",
        "activity_id": activity.id,
        "activity_name": activity.name,
        "type_uid": type_uid,
        "type_name": f"Remediation Activity: {activity.name}",
        "time": _ms(at or report.times.verified or report.times.started or now),
        "severity_id": severity.id,
        "severity": severity.name,
        "status_id": status.id,
        "status": status.name,
        "metadata": {
            "version": VERSION,
            "product": {"name": "nhi-revoke", "vendor_name": "nhi-revoke", "version": __version__},
            "correlation_uid": report.intent.case or report.run,
            "logged_time": _ms(now),
        },
    }


def activity_of(step: StepResult) -> Word:
    """What kind of remediation a step is."""
    if takes_back(step) or step.phase in (Phase.DELIVER, Phase.PROVE, Phase.SERVE):
        return RESTORE
    if step.phase is Phase.MINT:
        return HARDEN if step.does.endswith("/create") else EVICT
    return ISOLATE if denies(step) else EVICT


def status_of(step: StepResult) -> tuple[Word, Word]:
    """Success is only what was seen to hold; accepted, skipped and waiting are neither that nor failure."""
    if step.result in ("done", "already", "undone"):
        if step.proof is not None and step.proof.proves:
            return SUCCESS, INFORMATIONAL
        return Word(OTHER, "Not proven"), MEDIUM
    match step.result:
        case "failed":
            return FAILURE, HIGH
        case "lost":
            return UNKNOWN, HIGH
        case "impossible":
            return UNSUPPORTED, HIGH
    return Word(OTHER, step.result.capitalize()), MEDIUM


def _measure(measure: Countermeasure) -> dict[str, Any]:
    found: dict[str, Any] = {
        "version": D3FEND_VERSION,
        "d3f_technique": {"uid": measure.id, "name": measure.name},
    }
    if measure.tactic:
        found["d3f_tactic"] = {"name": measure.tactic}
    return found


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
