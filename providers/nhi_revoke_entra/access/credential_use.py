"""When each credential of an app was last used, from a report of beta.

facts entra.md 1b (`reports/appCredentialSignInActivities`): it tells days, and days late, so that what it does not show
may have been used yesterday. It needs a licence of Entra ID P1 or P2. Of a row the credential's id and the time are
read alone: its other members are named differently in the document and in its sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Rejected
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.credential import key_of
from nhi_revoke_entra.connection import BETA, EntraConnection
from nhi_revoke_entra.permissions import LICENCE, READ_LOGS

PATH = "/reports/appCredentialSignInActivities"
MOST = 20_000
"""Rows that are read: where the report cannot be asked for one app, it is that of every app."""
USED = "last use by the report, to the day; it tells days late"
NOT_THERE = "no use in the report, which tells days late"


class Uses(Struct, frozen=True):
    """What the report says of one app."""

    last: Mapping[str, datetime] = {}
    """By the credential's id, in small letters."""
    unread: str = ""
    """Why it could not be read, in words."""
    needs: str = ""


def uses_of(conn: EntraConnection, app: PrincipalRef) -> Uses:
    """`app`: canonical. Never raises a fault of Graph's: a last use is worth no failure."""
    found: Uses = conn.uses.once(app, lambda: _read(conn, app.id))
    conn.uses_read[app] = found
    return found


def _read(conn: EntraConnection, app_id: str) -> Uses:
    try:
        rows = _rows(conn, app_id)
    except Denied as denied:
        why = f"not allowed, or no licence for it ({denied.code or 'denied'})"
        return Uses(unread=why, needs=f"{READ_LOGS}, and {LICENCE}")
    except Fault as fault:
        return Uses(unread=f"could not be read ({fault.message})")
    last: dict[str, datetime] = {}
    for row in rows:
        key, at = str(row.get("keyId") or "").lower(), _time(row)
        if key and at is not None and str(row.get("appId") or app_id).lower() == app_id:
            last[key] = max(at, last.get(key, at))
    return Uses(last, unread=f"more than {MOST} rows: not all of it was read" if len(rows) > MOST else "")


def _rows(conn: EntraConnection, app_id: str) -> Sequence[Mapping[str, Any]]:
    """Whether it can be asked for one app is documented nowhere: where it cannot, all of it is read. One row more than
    is read says that there are more.
    """
    try:
        asked = conn.log_rows(PATH, READ_LOGS, version=BETA, **{"$filter": f"appId eq '{app_id}'"})
        return list(itertools.islice(asked, MOST + 1))
    except Rejected:
        return list(itertools.islice(conn.log_rows(PATH, READ_LOGS, version=BETA), MOST + 1))


def _time(row: Mapping[str, Any]) -> datetime | None:
    told = row.get("signInActivity")
    return moment(told.get("lastSignInDateTime")) if isinstance(told, dict) else None


def with_last_use(conn: EntraConnection, found: Sequence[Access]) -> Iterable[Access]:
    """For `AccessKind.enrich`: each with its last use; what lets somebody in and has none with what is known instead.
    Never "never used".
    """
    for access in found:
        uses = uses_of(conn, access.on)
        at = uses.last.get(key_of(access.id).lower())
        nothing = f"last use unseen: {uses.unread}" if uses.unread else NOT_THERE
        said = USED if at else nothing if access.opens and access.state == "live" else ""
        yield replace(access, last_used=at, note="; ".join(filter(None, (access.note, said))))


def unread(conn: EntraConnection, who: Principal, kind: str) -> Iterable[BlindSpot]:
    """For `AccessKind.observe` of one kind: that the report could not be read hides no way in. Where nobody looked for
    a last use, it is not asked for: few requests are allowed to the logs, which show who is in.
    """
    uses: Uses | None = conn.uses_read.get(who.ref)
    if uses is not None and uses.unread:
        why = f"last use of client secrets, certificates and federated credentials: {uses.unread}"
        yield BlindSpot(who.ref, kind, f"{why}; it needs {uses.needs}" if uses.needs else why, uses.needs, counts=False)
