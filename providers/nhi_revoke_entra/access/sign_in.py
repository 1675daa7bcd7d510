"""Sign-ins of a service principal, as sessions: each that succeeded may have left a token that lives. A user's are
`user_sign_in`'s.

facts entra.md 1b: beta alone tells service principals' sign-ins, and only where they are asked for by their sort: else
interactive users' come back, which reads like none. It needs a licence of Entra ID P1 or P2, shows events late, and
joins identical ones, so that what it shows is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.times import moment, stamp
from nhi_revoke_entra.access.app_role import GRAPH
from nhi_revoke_entra.access.credential import key_of
from nhi_revoke_entra.access.service_principal import is_enabled
from nhi_revoke_entra.access.stopping import ONE_TENANT, SERVICE_PRINCIPAL
from nhi_revoke_entra.connection import BETA, EntraConnection
from nhi_revoke_entra.lifetimes import CAE_HEARS, CAE_LIVES, CAE_TOKEN, TOKEN, is_managed, standing, token_lives
from nhi_revoke_entra.permissions import LICENCE, READ_LOGS

PATH = "/auditLogs/signIns"
PAGE = 1000
EVENTS = {"ManagedIdentity": "managedIdentity"}
"""Sort of sign-in, by type of service principal; else `servicePrincipal`."""
ENDS_WHAT_MINTS = (f"{SERVICE_PRINCIPAL}/disable",)
LATE = "sign-ins are logged late: a token of the last minutes may be missing"
ELSEWHERE = "sign-ins of a multi-tenant app to other tenants are in their logs, not in this one's"


def sign_ins(conn: EntraConnection, who: Principal, accesses: Sequence[Access], since: datetime) -> Iterable[Found]:
    """Tokens that may live still, and what the log does not show."""
    now, principal = conn.now(), str(who.facts.get("service_principal") or "")
    if not principal:
        return
    begin = max(since, now - CAE_LIVES - timedelta(minutes=1))
    event = EVENTS.get(str(who.facts.get("type") or ""), "servicePrincipal")
    try:
        rows = logged(conn, (event,), begin, f"servicePrincipalId eq '{principal}'")
    except Denied as denied:
        yield unread(who, "the service principal", denied)
        return
    stopped = is_enabled(conn, principal) is False
    for row in rows:
        yield _session(row, who, accesses, now, stopped=stopped)
    if str(who.facts.get("audience") or "") not in ONE_TENANT:
        yield BlindSpot(who.ref, TOKEN, ELSEWHERE, counts=False)
    yield late(conn, who, now, ENDS_WHAT_MINTS)


def logged(conn: EntraConnection, events: Iterable[str], begin: datetime, whose: str) -> list[dict[str, Any]]:
    """Sign-ins of these sorts that succeeded, since `begin`. `whose`: a condition. Raises Denied.

    Several sorts are one request (Microsoft docs: Get-MgBetaAuditLogSignIn, examples), of which few are allowed.
    """
    sorts = " or ".join(f"t eq '{event}'" for event in events)
    when = f"createdDateTime ge {stamp(begin)} and signInEventTypes/any(t: {sorts})"
    rows = conn.log_rows(PATH, READ_LOGS, version=BETA, **{"$filter": f"{when} and {whose}", "$top": PAGE})
    return [row for row in rows if int((row.get("status") or {}).get("errorCode") or 0) == 0]


def unread(who: Principal, whose: str, denied: Denied) -> BlindSpot:
    """A log that nobody may read says nothing, and never "none" (facts entra.md 8, 16)."""
    why = f"sign-ins of {whose}: not allowed, or no licence for them ({denied.code or 'denied'})"
    return BlindSpot(who.ref, TOKEN, why, f"{LICENCE}, and {denied.needs or READ_LOGS}")


def late(conn: EntraConnection, who: Principal, now: datetime, covered_by: tuple[str, ...]) -> BlindSpot:
    """`covered_by`: what stops it from getting tokens."""
    lag = now + timedelta(seconds=conn.settings.logs_lag)
    return BlindSpot(who.ref, TOKEN, LATE, until=lag, covered_by=covered_by)


def _session(
    row: Mapping[str, Any], who: Principal, accesses: Sequence[Access], now: datetime, *, stopped: bool
) -> Access:
    """Graph may have given a token with CAE, or one without, which hears of nothing: the longer of the two counts."""
    kind = CAE_TOKEN if str(row.get("resourceId")) == GRAPH else TOKEN
    begun = moment(row.get("createdDateTime")) or now
    deaf = begun + token_lives(managed=is_managed(who))
    expires = deaf
    if kind == CAE_TOKEN:
        expires = max(deaf, min(begun + CAE_LIVES, now + CAE_HEARS) if stopped else begun + CAE_LIVES)
    parent = _parent(row, accesses)
    resource = str(row.get("resourceDisplayName") or row.get("resourceId") or "an unnamed API")
    by = str(row.get("clientCredentialType") or "unknown credential")
    return Access(
        id=f"{standing(kind, who.scope, who.ref.id).removesuffix('*')}{row.get('uniqueTokenIdentifier') or row['id']}",
        on=who.ref,
        kind=kind,
        family="token",
        state="live" if expires > now else "expired",
        label=f"token for {resource} by {by} from {row.get('ipAddress') or 'an unknown address'}",
        created=begun,
        expires=expires,
        parent=parent,
        evidence="GET /beta/auditLogs/signIns",
        door=str(row.get("resourceId") or ""),
        elsewhere=True,
        note="it ends then at the latest; identical sign-ins are logged as one",
    )


def _parent(row: Mapping[str, Any], accesses: Sequence[Access]) -> str | None:
    """The credential that it was asked for with, where the log names one that was listed."""
    named = {str(row.get(name) or "").lower() for name in ("servicePrincipalCredentialKeyId", "federatedCredentialId")}
    return next((a.id for a in accesses if key_of(a.id).lower() in named - {""}), None)
