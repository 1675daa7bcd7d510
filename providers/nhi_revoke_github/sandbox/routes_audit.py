"""The audit log: by phrase, cursor and time; in the enterprise plan, for owners; 1,750 queries an hour.

OpenAPI: orgs/get-audit-log. GitHub docs: reviewing-the-audit-log-for-your-organization (qualifiers). A qualifier that
this sandbox does not know is an error here, so that a typing mistake does not read like "nothing".
"""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import HOUR, Here
from nhi_revoke_github.sandbox.routes_sso import in_the_plan
from nhi_revoke_github.sandbox.state import ORG, Event

TABLE = Table()
LIMIT = 1750
CURSOR = "MS45"
SHOWN = timedelta(days=90)
KEPT = timedelta(days=180)


@TABLE.route("GET", "/orgs/<org>/audit-log", "organization_administration:read")
def audit_log(at: Here, org: str) -> Reply:
    in_the_plan(at, org)
    _count(at)
    query = at.asked.query
    found = [e for e in at.gate.hub.events if _shown(at, e) and _matches(e, query.get("phrase", ""), at.now)]
    if query.get("include", "web") == "web":
        found = [e for e in found if not e.action.startswith("git.")]
    found.sort(key=lambda e: (e.at, e.id), reverse=query.get("order", "desc") == "desc")
    return _page(at, found)


def _count(at: Here) -> None:
    """A limit of its own: whoever goes on is told to slow down, and not that it may not."""
    key = (at.caller.login, int(at.now.timestamp() // HOUR))
    counted = at.gate.hub.audit_queries
    counted[key] = counted.get(key, 0) + 1
    if counted[key] > LIMIT:
        wait = HOUR - int(at.now.timestamp()) % HOUR
        raise Turned(403, "rate", "API rate limit exceeded for the audit log", (("Retry-After", str(wait)),))


def _shown(at: Here, event: Event) -> bool:
    return at.now - KEPT <= event.at <= at.now - timedelta(seconds=at.gate.hub.log_lag)


def _matches(event: Event, phrase: str, now: datetime) -> bool:
    words = shlex.split(phrase)
    if not any(word.startswith("created:") for word in words) and event.at < now - SHOWN:
        return False
    return all(_holds(event, word) for word in words)


def _holds(event: Event, word: str) -> bool:
    qualifier, _, value = word.removeprefix("-").partition(":")
    if qualifier == "created":
        day = re.fullmatch(r">=(\d{4}-\d\d-\d\d)", value)
        if day is None:
            raise Turned(422, "invalid", "Validation Failed")
        return event.at >= datetime.fromisoformat(day[1]).replace(tzinfo=UTC)
    if qualifier == "action":
        held = event.action == value or event.action.partition(".")[0] == value
    elif qualifier == "actor":
        held = event.actor.lower() == value.lower()
    elif qualifier in ("repo", "hashed_token", "user"):
        held = event.more.get(qualifier) == value
    else:
        raise Turned(422, "invalid", "Validation Failed")
    return held != word.startswith("-")


def _page(at: Here, found: list[Event]) -> Reply:
    """By cursor, which is no number of a page: whoever makes one up finds nothing new."""
    query = at.asked.query
    size = max(1, min(int(query.get("per_page") or 30), 100, at.gate.largest_page))
    start = int(query.get("after", "").removeprefix(CURSOR) or "0")
    rows = [_row(e) for e in found[start : start + size]]
    links: tuple[tuple[str, str], ...] = ()
    if start + size < len(found):
        following = {**query, "after": f"{CURSOR}{start + size}"}
        links = (("Link", f'<{at.asked.url}{at.asked.path}?{urlencode(following)}>; rel="next"'),)
    return Reply(200, rows, headers=links)


def _row(event: Event) -> dict[str, Any]:
    milliseconds = int(event.at.timestamp() * 1000)
    return {
        "@timestamp": milliseconds, "created_at": milliseconds, "_document_id": event.id, "action": event.action,
        "actor": event.actor, "org": ORG, **event.more,
    }  # fmt: skip
