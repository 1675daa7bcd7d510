"""From where an app got tokens lately: addresses in the System Log. Okta itself keeps no configuration of who uses it.

OpenAPI: listLogEvents (`client.ipAddress`, `client.userAgent.rawUserAgent`); facts okta-github.md 1.1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from nhi_revoke.model.consumer import Consumer, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Principal
from nhi_revoke.provider.fault import Denied, Fault, Unauthenticated
from nhi_revoke_okta.access.access_token import A_MINUTE, EVENTS, LOG_PAGE
from nhi_revoke_okta.access.times import stamp
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.naming import APP, PROVIDER
from nhi_revoke_okta.scopes import LOGS

KIND = "okta:log"
READS = (LOGS,)
LOOKS_BACK = timedelta(days=7)
MOST = 5000
"""Events, newest first: five pages."""
LATE = "the System Log shows events late: a token minted in the last minutes may be missing"


def used(conn: OktaConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    """Of apps. Raises Unauthenticated."""
    for who in sought.principals:
        if who.ref.provider == PROVIDER and who.kind == APP:
            yield from _of(conn, who)


def _of(conn: OktaConnection, who: Principal) -> Iterable[Consumer | BlindSpot]:
    now, ids = conn.now(), dict.fromkeys((who.unique_id, str(who.facts.get("client_id") or who.unique_id)))
    query = {
        "since": stamp(now - LOOKS_BACK),
        "until": stamp(now + A_MINUTE),
        "filter": f"({_any('eventType', EVENTS)}) and ({_any('actor.id', ids)})",
        "sortOrder": "DESCENDING",
        "limit": LOG_PAGE,
    }
    try:
        rows = list(itertools.islice(conn.rows("/api/v1/logs", LOGS, **query), MOST + 1))
    except Unauthenticated:
        raise
    except Fault as fault:
        needs = fault.needs if isinstance(fault, Denied) else ""
        yield BlindSpot(who.ref, KIND, f"from where it is used, by the System Log: {fault.message}", needs or LOGS)
        return
    if len(rows) > MOST:
        yield BlindSpot(who.ref, KIND, f"events before the last {MOST} of the week: not read, to go easy on the log")
    by_address: dict[str, list[dict[str, Any]]] = {}
    for row in rows[:MOST]:
        if (row.get("outcome") or {}).get("result") in (None, "SUCCESS", "ALLOW"):
            address = str((row.get("client") or {}).get("ipAddress") or "an unknown address")
            by_address.setdefault(address, []).append(row)
    for address, there in by_address.items():
        last = max(str(row.get("published") or "") for row in there)
        yield Consumer(
            what=f"whatever gets tokens from {address}", scope=conn.scope, basis="use",
            why=f"{len(there)} tokens of the last week, the last at {last}", evidence="GET /api/v1/logs",
            of=(who.ref,), by_hand="Find out whose address that is; whoever is not known there is the intruder",
        )  # fmt: skip
    yield BlindSpot(who.ref, KIND, LATE, counts=False)


def _any(field: str, values: Iterable[str]) -> str:
    """Ids and event types hold no quotes."""
    return " or ".join(f'{field} eq "{value}"' for value in values)
