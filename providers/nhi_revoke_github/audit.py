"""The organisation's audit log: what somebody did there, and what was done with one token.

OpenAPI: orgs/get-audit-log. GitHub docs: reviewing-the-audit-log-for-your-organization (qualifiers; three months unless
`created` says more, 180 days at most; 1,750 queries an hour), identifying-audit-log-events-performed-by-an-access-token
(base64 of the raw sha256, in quotes, escaped in a URL). facts okta-github.md 2.1, 2.4 (22). Enterprise Cloud only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.connection import PAGE, GithubConnection, org_path
from nhi_revoke_github.permissions import ORG_ADMINISTRATION

EVIDENCE = "GET /orgs/{org}/audit-log"
NEEDS = ORG_ADMINISTRATION.read
THE_PLAN = f"GitHub Enterprise Cloud, and {NEEDS} (read:audit_log) of an owner"
KEPT = timedelta(days=180)
"""How far back it goes; Git events a week only."""


def events(
    conn: GithubConnection, phrase: str, since: datetime, include: Literal["web", "git", "all"] = "all"
) -> Iterator[dict[str, Any]]:
    """The oldest first, page by page. Raises Denied, also where the organisation's plan has no audit log for programs.

    Without `created` GitHub shows three months; a day is as fine as it is documented, so that earlier hours of the
    first day are left out here.
    """
    whole = f"{phrase} created:>={since.astimezone(UTC):%Y-%m-%d}"
    path = org_path(conn.org, "/audit-log")
    try:
        for row in conn.rows(path, NEEDS, phrase=whole, include=include, order="asc", per_page=PAGE):
            at = happened(row)
            if at is not None and at >= since:
                yield row
    except Denied as denied:
        fault = Denied(denied.message, needs=THE_PLAN, code=denied.code, hint=denied.hint)
    else:
        return
    raise fault


def by_token(conn: GithubConnection, value: str, since: datetime) -> Iterator[dict[str, Any]]:
    """What was done with a token whose value is held. The value itself is never sent: its hash is."""
    yield from events(conn, f'hashed_token:"{hashed(value)}"', since)


def hashed(value: str) -> str:
    """As the log names a token: base64 of the sha256's bytes, never of its hexadecimal form."""
    return base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()


def happened(row: dict[str, Any]) -> datetime | None:
    """When: GitHub counts milliseconds since 1970. None for what is no such time."""
    told = row.get("@timestamp") or row.get("created_at")
    if not isinstance(told, int) or isinstance(told, bool):
        return None
    try:
        return datetime.fromtimestamp(told / 1000, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return None
