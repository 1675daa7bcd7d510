"""The System Log: events by time and filter, late by the org's lag.

OpenAPI: listLogEvents (limit 100 by default, 1000 at most; `since` 7 days before `until`). Without `until` the real one
is asked to poll, and every page then has a next one (okta-sdk-python, issue 231): whoever forgets it never ends.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nhi_revoke_okta.sandbox.log_filter import compiled
from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.state import Event, Refusal, stamp

WEEK = timedelta(days=7)


@route("GET", "/api/v1/logs", "okta.logs.read")
def logs(at: Context) -> Reply:
    query = at.asked.query
    if "until" not in query:
        raise Refusal(400, "E0000001", "This sandbox answers no polling: name `until`.")
    until = _moment(query["until"])
    since = _moment(query["since"]) if "since" in query else until - WEEK
    matches = compiled(query["filter"]) if query.get("filter") else None
    shown = at.now - timedelta(seconds=at.org.log_lag)
    found = [e for e in at.org.events if since <= e.at < until and e.at <= shown and (matches is None or matches(e))]
    found.sort(key=lambda e: e.at, reverse=query.get("sortOrder", "ASCENDING") == "DESCENDING")
    return Reply(200, [_row(e) for e in found], rows=True, default=100, most=1000)


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "E0000001", "Api validation failed: since or until") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _row(event: Event) -> dict[str, Any]:
    return {
        "uuid": event.id,
        "published": stamp(event.at),
        "eventType": event.type,
        "version": "0",
        "severity": "INFO",
        "displayMessage": event.type,
        "actor": event.actor,
        "client": {"ipAddress": event.address},
        "target": event.targets,
        "outcome": {"result": event.outcome},
        "debugContext": {"debugData": event.debug},
    }
