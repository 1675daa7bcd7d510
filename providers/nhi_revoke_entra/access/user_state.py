"""What one user is now: read for every kind of a user's access.

facts entra.md 1 (row 14) and 8 (12): a user who comes from an on-premises directory is disabled, and given another
password, there.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.model.change import Impossible
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import READ_USERS

SELECT = (
    "id,userPrincipalName,displayName,accountEnabled,onPremisesSyncEnabled,userType,createdDateTime,"
    "signInSessionsValidFromDateTime,lastPasswordChangeDateTime"
)
SYNCED = "the user comes from an on-premises directory, which takes back what is changed here"
THERE = "disable it, and give it another password, in Active Directory"


def user_of(conn: EntraConnection, user: str) -> dict[str, Any] | None:
    """By object id; None where it is no more. Raises Denied."""
    try:
        found: dict[str, Any] = conn.get(f"/users/{segment(user)}", READ_USERS, **{"$select": SELECT})
    except Missing:
        return None
    return found


def user_listed(conn: EntraConnection, user: str) -> dict[str, Any] | None:
    """As `user_of`, for lists."""
    found: dict[str, Any] | None = conn.reads.read(("user", user), lambda: user_of(conn, user))
    return found


def is_enabled(conn: EntraConnection, user: str) -> bool | None:
    """None where it is no more."""
    found = user_of(conn, user)
    return None if found is None else found.get("accountEnabled") is not False


def elsewhere_only(step: Step) -> Impossible | None:
    """Why nothing here changes it for long."""
    return Impossible(SYNCED, THERE) if step.before.get("synced") else None
