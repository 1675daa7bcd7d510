"""Apps that were deleted: for 30 days each of their objects can be restored, with the credentials that it had.

facts entra.md 2 ("delete / restore") and 8 (8): whoever may manage apps restores one, an intruder too. To delete an app
is no end of its ways in, so that "there is no such app" is not all that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.naming import GUID
from nhi_revoke_entra.permissions import READ_APPS

if TYPE_CHECKING:
    from nhi_revoke_entra.connection import EntraConnection

KINDS = {"application": "its application", "servicePrincipal": "its service principal"}
KEPT = timedelta(days=30)
SELECT = "id,appId,displayName,deletedDateTime"


def deleted(conn: EntraConnection, ref: PrincipalRef) -> Missing | None:
    """What to say of an app that is not there but was, or may have been; None where it never was.

    Raises nothing: that it is not there is known already.
    """
    try:
        found: Sequence[list[dict[str, Any]]] = conn.side_by_side(*(_those(conn, ref, kind) for kind in KINDS))
    except Fault as fault:
        why = f"whether it was deleted, and can be restored with its credentials, is unseen: {fault.message}"
        return Missing(f"{ref}: no such app in {conn.scope}; {why}", code=fault.code, hint=fault.hint)
    told = [_told(kind, row) for kind, rows in zip(KINDS, found, strict=True) for row in rows]
    if not told:
        return None
    return Missing(
        f"{ref} was deleted in {conn.scope}: {'; '.join(told)}. Whoever may manage apps can restore it, with the "
        "credentials that it had; tokens that are out live on for their time",
        hint="POST /directory/deletedItems/OBJECT-ID/restore brings each object back; then revoke it. DELETE "
        "/directory/deletedItems/OBJECT-ID removes it for good, with all evidence.",
    )


def deleted_half(conn: EntraConnection, ref: PrincipalRef, kind: str, app_id: str, other: str) -> BlindSpot | None:
    """Of an app that is there: what signs in on its other object, which was deleted by itself; None where none was.

    `kind`: of the access, which stands for that object; `other`: `application` or `servicePrincipal`. Raises nothing.
    """
    try:
        rows = _those(conn, PrincipalRef(ref.provider, ref.kind, app_id), other)()
    except Fault as fault:
        needs = fault.needs if isinstance(fault, Denied) else ""
        why = f"whether {KINDS[other]}, which is not there, was deleted and can be restored: {fault.message}"
        return BlindSpot(ref, kind, why, needs or READ_APPS)
    if not rows:
        return None
    told = "; ".join(_told(other, row) for row in rows)
    why = f"what signs in on {told}, which was deleted: whoever may manage apps can restore it, with what it had"
    return BlindSpot(ref, kind, why, "POST /directory/deletedItems/OBJECT-ID/restore, then again")


def _those(conn: EntraConnection, ref: PrincipalRef, kind: str) -> Callable[[], list[dict[str, Any]]]:
    """By appId or display name; by object id what the listing holds of it."""
    quoted = ref.id.replace("'", "''")
    query: dict[str, Any] = {"$select": SELECT, "$top": 999}

    def ask() -> list[dict[str, Any]]:
        path = f"/directory/deletedItems/microsoft.graph.{kind}"
        if not GUID.fullmatch(ref.id):
            return list(conn.rows(path, READ_APPS, **query, **{"$filter": f"displayName eq '{quoted}'"}))
        by_app = list(conn.rows(path, READ_APPS, **query, **{"$filter": f"appId eq '{quoted.lower()}'"}))
        return by_app or [row for row in conn.rows(path, READ_APPS, **query) if str(row["id"]) == ref.id.lower()]

    return ask


def _told(kind: str, row: dict[str, Any]) -> str:
    at = moment(row.get("deletedDateTime"))
    until = f" on {at:%Y-%m-%d}, restorable until {at + KEPT:%Y-%m-%d}" if at else ""
    return f"{KINDS[kind]} {row['id']} (appId {row.get('appId')}){until}"
