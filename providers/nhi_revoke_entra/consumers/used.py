"""From where an app signed in lately: addresses in the sign-in log (facts entra.md 1b)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from nhi_revoke.model.consumer import Consumer, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Principal
from nhi_revoke.provider.fault import Denied, Fault, Unauthenticated
from nhi_revoke.provider.times import stamp
from nhi_revoke_entra.access.sign_in import EVENTS, LATE, PAGE, PATH
from nhi_revoke_entra.connection import BETA, EntraConnection
from nhi_revoke_entra.permissions import LICENCE, READ_LOGS

KIND = "entra:sign-in"
LOOKS_BACK = timedelta(days=7)
"""What a tenant without a licence keeps; identical sign-ins are logged as one."""
MOST = 5000
"""Rows, newest first: five pages, of which Graph gives out one in two seconds."""


def used(conn: EntraConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    """Raises Unauthenticated."""
    for who in sought.principals:
        principal = str(who.facts.get("service_principal") or "")
        if who.ref.provider == "entra" and principal:
            yield from _of(conn, who, principal)


def _of(conn: EntraConnection, who: Principal, principal: str) -> Iterable[Consumer | BlindSpot]:
    event = EVENTS.get(str(who.facts.get("type") or ""), "servicePrincipal")
    when = f"createdDateTime ge {stamp(conn.now() - LOOKS_BACK)} and signInEventTypes/any(t: t eq '{event}')"
    query = {"$filter": f"{when} and servicePrincipalId eq '{principal}'", "$top": PAGE}
    try:
        rows = list(itertools.islice(conn.log_rows(PATH, READ_LOGS, version=BETA, **query), MOST + 1))
    except Unauthenticated:
        raise
    except Fault as fault:
        needs = f"{LICENCE}, and {fault.needs or READ_LOGS}" if isinstance(fault, Denied) else ""
        yield BlindSpot(who.ref, KIND, f"sign-ins, from where it is used: {fault.message}", needs)
        return
    by_address: dict[str, list[dict[str, Any]]] = {}
    if len(rows) > MOST:
        yield BlindSpot(who.ref, KIND, f"sign-ins before the last {MOST} of the week: not read, to go easy on the log")
    for row in rows[:MOST]:
        if int((row.get("status") or {}).get("errorCode") or 0) != 0:
            continue
        by_address.setdefault(str(row.get("ipAddress") or "an unknown address"), []).append(row)
    for address, there in by_address.items():
        last = max(str(row.get("createdDateTime") or "") for row in there)
        ways = sorted({str(row.get("clientCredentialType") or "an unknown credential") for row in there})
        apis = sorted({str(row.get("resourceDisplayName") or row.get("resourceId") or "an API") for row in there})
        yield Consumer(
            what=f"whatever signs in from {address}", scope=conn.scope, basis="use",
            why=f"it signed in to {', '.join(apis)} by {', '.join(ways)}, last at {last}",
            evidence="GET /beta/auditLogs/signIns", of=(who.ref,),
            by_hand="Find out whose address that is; whoever is not known there is the intruder",
        )  # fmt: skip
    yield BlindSpot(who.ref, KIND, LATE, counts=False)
