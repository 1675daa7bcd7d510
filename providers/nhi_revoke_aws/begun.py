"""The session that an event began, or that what it did shows (AWS docs: cloudtrail-event-reference-user-identity)."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from nhi_revoke.model.found import Access
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke_aws.events import READ, Event, moment
from nhi_revoke_aws.naming import ROOT, Arn, canonical, parse_arn

USER_SESSION, ROLE_SESSION = "aws:user-session", "aws:role-session"
MINTING = frozenset(
    {
        "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken",
        "GetFederationToken",
    }
)  # fmt: skip
LONGEST = timedelta(hours=36)
"""GetSessionToken and GetFederationToken (AWS docs): older events show no session that still lives."""


class Root(Struct, frozen=True):
    """A key or session whose descendants are wanted."""

    key: str
    access: AccessId
    on: PrincipalRef
    born: datetime | None = None
    own: bool = False
    """It acts under the name of its user: a key, a session of GetSessionToken, of the console or of `aws login`."""


def session_of(event: Event, begun_with: Root, now: datetime) -> Access | None:
    """The session that a minting event began; None for other events."""
    if event.name not in MINTING or not event.minted:
        return None
    try:
        expires = moment(event.answer["credentials"].get("expiration"))
    except ValueError:
        expires = event.at + _asked_for(event)
    of_role = event.name.startswith("AssumeRole")
    on = _role(event) if of_role else _root(event) if event.name == "AssumeRoot" else begun_with.on
    if on is None:
        return None
    kind = ROLE_SESSION if of_role else USER_SESSION
    return Access(
        id=f"{kind}/{event.minted}",
        on=on,
        kind=kind,
        family="session",
        state="live" if expires is None or expires > now else "expired",
        label=_label(event, on, of_role),
        created=event.at,
        expires=expires,
        parent=begun_with.access,
        evidence=f"{READ} {event.region}",
        door=event.minted,
        before=_named(event),
    )


def _named(event: Event) -> Json:
    """By what a policy can name this one session; from the event alone, so that every look finds the same."""
    assumed, federated = event.answer.get("assumedRoleUser") or {}, event.answer.get("federatedUser") or {}
    arn = parse_arn(str(assumed.get("arn") or ""))
    names = {
        "session": event.asked.get("roleSessionName") or (arn.session if arn else "") or event.asked.get("name"),
        "userid": assumed.get("assumedRoleId") or federated.get("federatedUserId"),
        "source_identity": event.asked.get("sourceIdentity")
        or event.answer.get("sourceIdentity")
        or event.source_identity,
    }
    return {key: str(value) for key, value in names.items() if value}


def signed_in(event: Event, on: PrincipalRef, name: str, standing: AccessId, now: datetime) -> Access:
    assert event.began, "only what a session did is asked about"
    return Access(
        f"{USER_SESSION}/{event.key}", on, USER_SESSION, "session",
        "live" if event.began + LONGEST > now else "expired",
        label=f"session {event.key} of {name}, seen doing {event.name}",
        created=event.began, parent=standing, evidence=f"{READ} {event.region}", door=event.key,
    )  # fmt: skip


def _label(event: Event, on: PrincipalRef, of_role: bool) -> str:
    if of_role:
        by = f" by {event.service}" if event.service else ""
        return f"session {event.asked.get('roleSessionName') or event.minted} of role {on.id.rpartition('/')[2]}{by}"
    given = f" {event.asked['name']}" if event.asked.get("name") else ""
    return f"{event.name}{given} session {event.minted}"


def _role(event: Event) -> PrincipalRef | None:
    """The role's own ARN: the request has it with its path, the answer without."""
    asked = str(event.asked.get("roleArn") or "")
    if parse_arn(asked):
        return canonical(asked)
    answered = parse_arn(str((event.answer.get("assumedRoleUser") or {}).get("arn") or ""))
    if answered is None:
        return None
    return canonical(str(Arn(answered.partition, answered.account, "role", "/", answered.name)))


def _root(event: Event) -> PrincipalRef | None:
    """The root user of a member account: asked for by ARN or by account id."""
    asked, actor = str(event.asked.get("targetPrincipal") or ""), parse_arn(event.actor)
    if parse_arn(asked):
        return canonical(asked)
    return canonical(str(Arn(actor.partition, asked, ROOT, "/", ROOT))) if asked.isdigit() and actor else None


def _asked_for(event: Event) -> timedelta:
    return timedelta(seconds=int(event.asked.get("durationSeconds") or LONGEST.total_seconds()))


def parent_of(event: Event) -> AccessId | None:
    if event.key.startswith("AKIA"):
        return f"aws:access-key/{event.key}"
    if event.key.startswith("ASIA"):
        return f"{USER_SESSION if event.actor_type == 'IAMUser' else ROLE_SESSION}/{event.key}"
    return None
