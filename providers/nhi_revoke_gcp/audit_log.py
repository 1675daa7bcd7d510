"""Audit logs of a project, a folder or an organisation, as Cloud Logging gives them out.

Google Cloud docs: entries.list (discovery document logging.v2), logging-query-language, logging/quotas,
logging/docs/audit. Admin Activity logs are always on; Data Access logs are off unless somebody turned them on, and may
look empty to whoever must not read private entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.audit_entry import ACCOUNT, Entry, entry_of
from nhi_revoke_gcp.connection import NEXT, GcpConnection
from nhi_revoke_gcp.permissions import LIST_LOGS
from nhi_revoke_gcp.universe import LOGGING

Log = Literal["activity", "data_access"]
PATH = "/v2/entries:list"
EVIDENCE = f"POST {PATH}"
PAGE = 1000
MOST = 5000
"""Entries that are read of one log in one project, the newest first: pipelines change things all day."""
MOST_PAGES = 200
"""Of one question: a page may be empty, and the search goes on all the same."""
PER_SECOND, AT_ONCE = 0.9, 54
"""60 requests a minute are allowed in a project (Google Cloud docs: logging/quotas): the rest is left to others."""
KEPT = timedelta(days=400)
"""How long Admin Activity logs are kept, in the bucket `_Required` (Google Cloud docs: logging/docs/audit)."""
WHO = "protoPayload.authenticationInfo"
BY = (
    (f"{WHO}.principalEmail", ""),
    (f"{WHO}.principalSubject", ACCOUNT),
    (f"{WHO}.serviceAccountDelegationInfo.firstPartyPrincipal.principalEmail", ""),
    (f"{WHO}.serviceAccountDelegationInfo.principalSubject", ACCOUNT),
)
"""Where an entry names the account that acts, or that somebody acts through; and what stands before its address."""
OF = "resource.labels.email_id"
"""Where it names the account that it is about."""


class Read(Struct, frozen=True):
    """What one log of one project gave. What was read before a fault still counts."""

    project: str
    log: Log
    entries: tuple[Entry, ...] = ()
    more: bool = False
    """There are, or may be, older ones that were not read."""
    fault: Fault | None = None


class Question(Struct, frozen=True):
    """Which entries. `by`: an account that acts, or that somebody acts through; `of`: one that is acted on."""

    begin: datetime
    end: datetime
    by: str = ""
    of: str = ""
    methods: tuple[str, ...] = ()

    def words(self, project: str, log: Log) -> str:
        """In the query language. A field of a list is equal where it is in any of its members."""
        parts = [
            f'logName="{resource_of(project)}/logs/cloudaudit.googleapis.com%2F{log}"',
            f'timestamp>="{stamp(self.begin)}"',
            f'timestamp<="{stamp(self.end + timedelta(seconds=1))}"',
        ]
        if self.methods:
            parts.append(f"protoPayload.methodName=({_or([_quoted(each) for each in self.methods])})")
        whose = [f"{field}={_quoted(before + self.by)}" for field, before in BY if self.by]
        whose += [f"{OF}={_quoted(self.of)}"] if self.of else []
        return " AND ".join([*parts, f"({_or(whose)})"] if whose else parts)


def read(conn: GcpConnection, project: str, log: Log, question: Question, most: int = MOST) -> Read:
    """The newest first. `project`: its id, or the full name of a folder or an organisation. Never raises a fault: it is
    told.
    """
    body: dict[str, Any] = {
        "resourceNames": [resource_of(project)],
        "filter": question.words(project, log),
        "orderBy": "timestamp desc",
        "pageSize": min(PAGE, most),
    }
    found: list[Entry] = []
    rows, seen = 0, set[str]()
    try:
        for _ in range(MOST_PAGES):
            conn.io.pace("gcp/entries.list", PER_SECOND, AT_ONCE)
            page = conn.ask(LOGGING, PATH, LIST_LOGS, body)
            listed = page.get("entries") or ()
            rows += len(listed)
            found += filter(None, map(entry_of, listed))
            token = str(page.get(NEXT) or "")
            if not token:
                return Read(project, log, tuple(found))
            if rows >= most or token in seen:
                break
            seen.add(token)
            body = {**body, "pageToken": token}
    except Fault as fault:
        return Read(project, log, tuple(found), fault=fault)
    return Read(project, log, tuple(found), more=True)


def resource_of(place: str) -> str:
    """Of a project's id; a folder and an organisation are named as they are."""
    return place if "/" in place else f"projects/{place}"


def _or(parts: Sequence[str]) -> str:
    return " OR ".join(parts)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
