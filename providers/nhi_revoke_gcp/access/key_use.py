"""The days on which the keys of a project, and its accounts, were last used, as Policy Analyzer tells them.

facts gcp.md 1 ("Usage evidence") and 7 (22): by days, and late; use of bound API keys is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from nhi_revoke.provider.http import segment
from nhi_revoke.provider.times import moment
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import READ_ACCOUNT_USE, READ_KEY_USE
from nhi_revoke_gcp.universe import POLICY_ANALYZER

KEYS, ACCOUNTS = "serviceAccountKeyLastAuthentication", "serviceAccountLastAuthentication"
"""Types of activity (discovery document policyanalyzer.v1)."""
PAGE = 1000
LATE = "the count is by days, late, and without bound API keys"


def last_uses(conn: GcpConnection, project: str) -> dict[str, datetime]:
    """By key id. Raises Denied, and Missing where the project is no more."""
    return dict(_last(conn, project, KEYS, READ_KEY_USE))


def last_use_of(conn: GcpConnection, project: str, email: str, unique_id: str) -> datetime | None:
    """Of an account, which Google names by either. Raises as above."""
    found = dict(_last(conn, project, ACCOUNTS, READ_ACCOUNT_USE))
    return found.get(email) or found.get(unique_id)


def _last(conn: GcpConnection, project: str, activity: str, needs: str) -> Iterator[tuple[str, datetime]]:
    """By the end of the full name of what was used."""
    path = f"/v1/projects/{segment(project)}/locations/global/activityTypes/{activity}/activities:query"
    for row in conn.rows(POLICY_ANALYZER, path, "activities", needs, pageSize=PAGE):
        when = moment((row.get("activity") or {}).get("lastAuthenticatedTime"))
        if when is not None:
            yield str(row.get("fullResourceName") or "").rpartition("/")[2].lower(), when
