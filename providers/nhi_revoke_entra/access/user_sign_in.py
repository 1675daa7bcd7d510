"""Sign-ins of a user, as sessions: each that succeeded may have left an access token that lives.

facts entra.md 1b and 8 (15): interactive ones and those that a client did by itself, with a refresh token, are two
sorts, asked for together, and v1.0 tells the former alone. What refreshes is `user_session`'s: no list shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.model.found import Access, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.app_role import GRAPH
from nhi_revoke_entra.access.sign_in import late, logged, unread
from nhi_revoke_entra.access.user_held import USER_KIND
from nhi_revoke_entra.access.user_session import KIND as SESSION
from nhi_revoke_entra.access.user_state import user_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import CAE_HEARS, CAE_TOKEN, LIVES, TOKEN, USER_CAE_LIVES, standing

EVENTS = {"interactiveUser": "signed in", "nonInteractiveUser": "renewed by its client"}
"""Sorts of sign-ins of users, with words for what was done."""
EVALUATES = frozenset(
    {
        GRAPH,
        "00000002-0000-0ff1-ce00-000000000000",  # Office 365 Exchange Online
        "00000003-0000-0ff1-ce00-000000000000",  # Office 365 SharePoint Online
        "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe",  # Microsoft Teams Services
    }
)
"""appIds of resources with CAE for users (Microsoft docs: concept-continuous-access-evaluation, "Scenarios";
verify-first-party-apps-sign-in). Their tokens count as having it, the longer of the two lives.
"""
BY_REFRESHING = frozenset({"refreshToken", "primaryRefreshToken"})
"""Of `incomingTokenType`."""


def user_sign_ins(
    conn: EntraConnection, who: Principal, accesses: Sequence[Access], since: datetime
) -> Iterable[Found]:
    """Tokens that may live still, and what the log does not show."""
    now = conn.now()
    begin = max(since, now - USER_CAE_LIVES - timedelta(minutes=1))
    try:
        rows = logged(conn, EVENTS, begin, f"userId eq '{who.unique_id}'")
    except Denied as denied:
        yield unread(who, "the user", denied)
        return
    heard = _heard(conn, who, now)
    session = next((a.id for a in accesses if a.kind == SESSION), None)
    for row in rows:
        yield _token(row, who, session, now, heard)
    yield late(conn, who, now, (f"{USER_KIND}/disable",))


def _heard(conn: EntraConnection, who: Principal, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Since when sessions count, and until when resources with CAE have heard that the user is disabled, if it is."""
    row = user_of(conn, who.unique_id) or {}
    stopped = row.get("accountEnabled") is False
    return moment(row.get("signInSessionsValidFromDateTime")), now + CAE_HEARS if stopped else None


def _token(
    row: Mapping[str, Any],
    who: Principal,
    session: str | None,
    now: datetime,
    heard: tuple[datetime | None, datetime | None],
) -> Access:
    kind = CAE_TOKEN if str(row.get("resourceId")) in EVALUATES else TOKEN
    begun = moment(row.get("createdDateTime")) or now
    expires = begun + (USER_CAE_LIVES if kind == CAE_TOKEN else LIVES)
    revoked, stopped = heard
    if kind == CAE_TOKEN and revoked is not None and begun < revoked:
        expires = min(expires, revoked + CAE_HEARS)
    if kind == CAE_TOKEN and stopped is not None:
        expires = min(expires, stopped)
    # Of a client that did not opt in to CAE it is a token like any other, and hears of neither.
    expires = max(expires, begun + LIVES)
    resource = str(row.get("resourceDisplayName") or row.get("resourceId") or "an unnamed API")
    app = str(row.get("appDisplayName") or row.get("appId") or "an unnamed app")
    what = next((EVENTS[each] for each in row.get("signInEventTypes") or () if each in EVENTS), "signed in")
    refreshed = str(row.get("incomingTokenType")) in BY_REFRESHING
    return Access(
        id=f"{standing(kind, who.scope, who.ref.id).removesuffix('*')}{row.get('uniqueTokenIdentifier') or row['id']}",
        on=who.ref,
        kind=kind,
        family="token",
        state="live" if expires > now else "expired",
        label=f"token for {resource} through {app}, {what} from {row.get('ipAddress') or 'an unknown address'}",
        created=begun,
        expires=expires,
        parent=session if refreshed else None,
        evidence="GET /beta/auditLogs/signIns",
        door=str(row.get("resourceId") or ""),
        elsewhere=True,
        note="it ends then at the latest; identical sign-ins are logged as one",
    )
