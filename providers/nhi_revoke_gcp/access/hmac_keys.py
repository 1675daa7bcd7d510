"""HMAC keys as Cloud Storage shows them: where each is, and how it is.

facts gcp.md 1 (row 6) and 2: ACTIVE, INACTIVE, and DELETED for a while; only an inactive one is deleted.
"""

from __future__ import annotations

from nhi_revoke.model.ref import AccessId
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import GET_HMAC, LIST_HMAC, UPDATE_HMAC
from nhi_revoke_gcp.universe import STORAGE

KIND = "gcp:hmac-key"
ACTIVE, INACTIVE, DELETED = "ACTIVE", "INACTIVE", "DELETED"


def path(project: str, access_id: str = "") -> str:
    whole = f"/storage/v1/projects/{segment(project)}/hmacKeys"
    return f"{whole}/{segment(access_id)}" if access_id else whole


def access(project: str, access_id: str) -> AccessId:
    return f"{KIND}/{project}/{access_id}"


def listed(conn: GcpConnection, project: str, email: str) -> dict[str, str]:
    """States by Google's own ids, without deleted ones. Raises Denied."""
    rows = conn.rows(STORAGE, path(project), "items", LIST_HMAC, serviceAccountEmail=email)
    states = {str(row["accessId"]): str(row.get("state") or "") for row in rows}
    return {key: state for key, state in states.items() if state != DELETED}


def state_at(conn: GcpConnection, at: str) -> str:
    """As Google tells it; DELETED where there is none any more. Raises Denied."""
    try:
        return str(conn.get(STORAGE, at, GET_HMAC).get("state") or "")
    except Missing:
        return DELETED


def set_state(conn: GcpConnection, at: str, state: str) -> None:
    """Safe to repeat. Raises Missing, Denied."""
    conn.api(STORAGE).call("PUT", at, needs=UPDATE_HMAC, body={"state": state}, again=True)
