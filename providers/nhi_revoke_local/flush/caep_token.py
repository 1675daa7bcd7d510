"""Security Event Tokens of a run: one principal and one event each.

Facts standards.md D7, D8 (RFC 8417; OpenID CAEP 1.0 and SSF 1.0, final): `typ` secevent+jwt; the subject in `sub_id`;
never `sub`, never `exp`; exactly one event; `txn` is a string; `event_timestamp` in seconds, where drafts had
milliseconds; `reason_admin` by language, not empty for a revoked session.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke.model.concern import Concern
from nhi_revoke.model.ref import PrincipalRef

TYPES = "https://schemas.openid.net/secevent/caep/event-type/"
SESSION: Literal["session-revoked"] = "session-revoked"
CREDENTIAL: Literal["credential-change"] = "credential-change"
SEALED = "after the seal"
"""The moment after which nothing of the old credential lives. After a delivery alone, only a new one is there."""
NAMESPACE = uuid.UUID("c0a3b4de-52f1-5c11-8f0e-6f6f0a2b7d31")
HEADER_TYPE = "secevent+jwt"


class Subject(Struct, frozen=True, forbid_unknown_fields=True):
    """`iss_sub` of RFC 9493, one of the two formats of the interoperability profile."""

    iss: str
    sub: str


class Issue(Struct, frozen=True):
    """What all tokens of one flush have in common."""

    iss: str
    aud: str
    credential_type: str
    events: Sequence[str]
    subjects: Mapping[str, Subject]
    """By principal, for those that the receiver knows by another name."""


def token_claims(issue: Issue, about: Concern, run: str, step: str, moment: str, now: datetime) -> list[dict[str, Any]]:
    """Claims of each token, in order. `jti` is the same however often the step of this run is tried."""
    stamp = int(now.timestamp())
    out: list[dict[str, Any]] = []
    for ref, name in _due(issue.events, about, moment):
        event: dict[str, Any] = {"event_timestamp": stamp, "initiating_entity": "admin"}
        event["reason_admin"] = {"en": _reason(about, run)}
        if name == CREDENTIAL:
            event["credential_type"] = issue.credential_type
            event["change_type"] = "revoke" if moment == SEALED else "create"
        out.append(
            {
                "iss": issue.iss,
                "aud": issue.aud,
                "iat": stamp,
                "jti": uuid.uuid5(NAMESPACE, "/".join((run, step, name, str(ref)))).hex,
                "txn": about.case or run,
                "sub_id": _subject(issue, ref),
                "events": {TYPES + name: event},
            }
        )
    return out


def _due(events: Sequence[str], about: Concern, moment: str) -> list[tuple[PrincipalRef, str]]:
    """Only what is true then. A rotation delivers before it ends the old ones, and a scope may leave sessions alone."""
    sealed = moment == SEALED
    true = {SESSION: about.sessions if sealed else (), CREDENTIAL: about.keys if sealed else about.minted}
    return [(ref, name) for ref in about.principals for name in events if ref in true[name]]


def _subject(issue: Issue, ref: PrincipalRef) -> dict[str, str]:
    known = issue.subjects.get(str(ref)) or Subject(issue.iss, str(ref))
    return {"format": "iss_sub", "iss": known.iss, "sub": known.sub}


def _reason(about: Concern, run: str) -> str:
    case = f"Incident {about.case}: " if about.case else ""
    why = f" ({about.reason})" if about.reason else ""
    return f"{case}{about.identity} contained by nhi-revoke, run {run}{why}"
