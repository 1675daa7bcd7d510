"""A report as claims of CAEP security events, unsigned: for whoever signs and sends them.

Facts standards.md D8 (RFC 8417; OpenID CAEP 1.0 and SSF 1.0, final): `typ` secevent+jwt; the subject in `sub_id`;
never `sub`, never `exp`; exactly one event; `txn` is a string; `event_timestamp` in seconds; `reason_admin` by language
and never empty. Signed events of a run are pushed by the flush of the same name; these are for what that did not reach.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from nhi_revoke.model.found import KEY_FAMILIES, SESSION_FAMILIES
from nhi_revoke.model.report import Outcome, Report
from nhi_revoke.model.step import Phase
from nhi_revoke.render.clean import clean, json_text

TYPES = "https://schemas.openid.net/secevent/caep/event-type/"
HEADER_TYPE = "secevent+jwt"
NOTE = (
    "Claims of security event tokens, not signed: nobody must take them for more than this tool's word. Whoever sends "
    "them adds iss and aud, turns sub_id into iss_sub where the receiver's profile wants that, agrees on "
    "credential_type (it is the kind of access, unless CAEP has a word for it), and signs with typ secevent+jwt."
)
_NAMESPACE = uuid.UUID("5f0b7a0e-1c53-5f2e-9a64-0d2b8f6f7c11")
_TYPE = {"certificate": "x509", "password": "password"}
_OVER = ("ended", "already", "expired")


def unsigned_claims(report: Report, now: datetime) -> str:
    """One JSON object. `now`: when the claims are made (UTC)."""
    whole = {
        "note": NOTE,
        "signed": False,
        "typ": HEADER_TYPE,
        "missing": ["iss", "aud"],
        "claims": list(claims(report, now)),
        "not_claimed": list(not_claimed(report)),
    }
    return json_text(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()) + "\n"


def claims(report: Report, now: datetime) -> Iterator[dict[str, Any]]:
    """Only what was proven: sessions of a principal where all are over, keys that ended, replacements that serve."""
    ended_at = _ended_at(report)
    for on, sessions in _sessions(report).items():
        if not _why_not(sessions):
            yield _token(report, now, on, "session-revoked", on, {}, ended_at.get(on))
    for outcome in report.outcomes:
        access = outcome.access
        if access.family in KEY_FAMILIES and outcome.fate == "ended" and _proven(outcome):
            kind = _TYPE.get(access.family, access.kind)
            event = {"credential_type": kind, "change_type": "revoke", "friendly_name": clean(access.id)}
            on = str(access.on)
            yield _token(report, now, on, "credential-change", access.id, event, ended_at.get(on))
    family_of = {o.access.kind: o.access.family for o in report.outcomes}
    for each in report.replacements:
        if each.result == "served" and each.access:
            kind = _TYPE.get(family_of.get(each.kind, ""), each.kind)
            event = {"credential_type": kind, "change_type": "create", "friendly_name": clean(each.access)}
            yield _token(report, now, each.on, "credential-change", each.access, event, report.times.served)


def not_claimed(report: Report) -> Iterator[dict[str, str]]:
    """Principals of which no session-revoked is claimed, and why: their sessions are not all known to be over."""
    for on, sessions in _sessions(report).items():
        if why := _why_not(sessions):
            yield {"on": on, "event": "session-revoked", "why": why}


def _sessions(report: Report) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {str(p.ref): [] for p in report.principals}
    for outcome in report.outcomes:
        if outcome.access.family in SESSION_FAMILIES:
            found.setdefault(str(outcome.access.on), []).append(outcome)
    return found


def _why_not(sessions: Sequence[Outcome]) -> str:
    if not any(o.fate == "ended" for o in sessions):
        return "no session of it was ended in this run"
    left = [o for o in sessions if o.fate not in _OVER or not _proven(o)]
    return f"{len(left)} of its sessions are not proven to be over" if left else ""


def _proven(outcome: Outcome) -> bool:
    return outcome.proof is not None and outcome.proof.proves


def _ended_at(report: Report) -> dict[str, datetime]:
    """By principal: when the last change was made that ended something of it."""
    found: dict[str, datetime] = {}
    for step in report.steps:
        if step.at and step.phase in (Phase.CUT, Phase.END, Phase.SEAL):
            found[step.on] = max(step.at, found.get(step.on, step.at))
    return found


def _token(
    report: Report, now: datetime, on: str, name: str, about: str, more: dict[str, Any], at: datetime | None
) -> dict[str, Any]:
    event: dict[str, Any] = {} if at is None else {"event_timestamp": int(at.timestamp())}
    event |= {"initiating_entity": "admin", "reason_admin": {"en": _reason(report)}, **more}
    return {
        "iat": int(now.timestamp()),
        "jti": uuid.uuid5(_NAMESPACE, "/".join((report.run, name, on, about))).hex,
        "txn": report.intent.case or report.run,
        "sub_id": {"format": "opaque", "id": on},
        "events": {TYPES + name: event},
    }


def _reason(report: Report) -> str:
    case = f"Incident {report.intent.case}: " if report.intent.case else ""
    return clean(f"{case}{report.identity} contained by nhi-revoke, run {report.run} ({report.intent.reason.value})")
