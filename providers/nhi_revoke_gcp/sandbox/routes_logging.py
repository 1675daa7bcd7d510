"""What Cloud Logging answers (entries:list), and Policy Analyzer of accounts.

Of the query language only what this tool sends is understood: anything else is refused. Entries come late by the
trail's lag; Data Access entries are hidden from whoever must not read private ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke.provider.times import moment, stamp
from nhi_revoke_gcp.permissions import LIST_LOGS, LIST_PRIVATE_LOGS, READ_ACCOUNT_USE
from nhi_revoke_gcp.sandbox.audit import DATA_ACCESS, Row, told
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, is_off

TABLE = Table()
TEXT = r'"(?:[^"\\]|\\.)*"'
QUERY = re.compile(
    r'logName="(?P<resource>(?:projects|folders|organizations)/[^"/]+)/logs/cloudaudit\.googleapis\.com%2F(?P<log>activity|data_access)"'
    r' AND timestamp>="(?P<since>[^"]+)" AND timestamp<="(?P<until>[^"]+)"'
    rf"(?: AND protoPayload\.methodName=\((?P<methods>{TEXT}(?: OR {TEXT})*)\))?"
    rf"(?: AND \((?P<whose>[A-Za-z_.]+={TEXT}(?: OR [A-Za-z_.]+={TEXT})*)\))?"
)
COMPARISON = re.compile(rf"([A-Za-z_.]+)=({TEXT})")
FIELDS = {
    "protoPayload.authenticationInfo.principalEmail",
    "protoPayload.authenticationInfo.principalSubject",
    "protoPayload.authenticationInfo.serviceAccountDelegationInfo.firstPartyPrincipal.principalEmail",
    "protoPayload.authenticationInfo.serviceAccountDelegationInfo.principalSubject",
    "resource.labels.email_id",
}
DEFAULT, MOST = 50, 1000
SLOW = "slow-"
"""What the tokens of empty pages begin with."""


@TABLE.route("POST", "/v2/entries:list", LIST_LOGS, mutates=False)
def entries(at: Here) -> Reply:
    cloud, body = at.gate.cloud, at.asked.json
    if "logging" in cloud.off:
        raise is_off("logging")
    found = QUERY.fullmatch(str(body.get("filter") or ""))
    since, until = (moment(found[name]) if found else None for name in ("since", "until"))
    if found is None or since is None or until is None or body.get("orderBy") not in (None, "timestamp desc"):
        raise Refused("INVALID_ARGUMENT", "Unparseable filter.")
    resource = found["resource"]
    project = resource.removeprefix("projects/")
    if resource not in cloud.levels.policies and not any(each.project == project for each in cloud.accounts.values()):
        raise Refused("NOT_FOUND", f"Project does not exist: {project}")
    if resource in cloud.trail.closed:
        raise Refused("PERMISSION_DENIED", f"Permission '{LIST_LOGS}' denied on resource.")
    shown = min(until, at.now - timedelta(seconds=cloud.trail.lag))
    rows = [
        row
        for row in cloud.trail.rows
        if (row.project, row.log) == (project, found["log"])
        and since <= row.at <= shown
        and _is_of(row, found["methods"], found["whose"])
    ]
    hidden = found["log"] == DATA_ACCESS and not at.gate.permissions.allows(LIST_PRIVATE_LOGS)
    if hidden or body.get("resourceNames") != [resource]:
        rows = []
    rows.sort(key=lambda row: (row.at, row.id), reverse=body.get("orderBy") is not None)
    return _page(at, rows, body)


def _page(at: Here, rows: list[Row], body: dict[str, Any]) -> Reply:
    token, slow = str(body.get("pageToken") or ""), at.gate.cloud.trail.slow
    turn = int(token.removeprefix(SLOW)) if token.startswith(SLOW) else 0 if not token else slow
    if turn < slow:
        return Reply(200, {"nextPageToken": f"{SLOW}{turn + 1}"})
    start = 0 if token.startswith(SLOW) or not token else int(token)
    size = max(1, min(int(body.get("pageSize") or DEFAULT), at.gate.largest_page, MOST))
    answer: dict[str, Any] = {"entries": [told(row, stamp(row.at)) for row in rows[start : start + size]]}
    if start + size < len(rows):
        answer["nextPageToken"] = str(start + size)
    return Reply(200, answer if rows else {})


def _is_of(row: Row, methods: str | None, whose: str | None) -> bool:
    if methods and row.method not in {_text(each) for each in re.findall(TEXT, methods)}:
        return False
    if not whose:
        return True
    asked = [(field, _text(value)) for field, value in COMPARISON.findall(whose)]
    if any(field not in FIELDS for field, _ in asked):
        raise Refused("INVALID_ARGUMENT", "Unparseable filter.")
    entry = told(row, "")
    return any(value in set(_at(entry, field.split("."))) for field, value in asked)


def _text(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def _at(value: Any, path: list[str]) -> Iterable[str]:
    """Every value there: a list is looked through."""
    if isinstance(value, list):
        for each in value:
            yield from _at(each, path)
    elif not path:
        yield str(value)
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


@TABLE.route(
    "GET",
    "/v1/projects/<project>/locations/global/activityTypes/serviceAccountLastAuthentication/activities:query",
    READ_ACCOUNT_USE,
)
def account_uses(at: Here, project: str) -> Reply:
    """By days."""
    cloud = at.gate.cloud
    if "policyanalyzer" in cloud.off:
        raise is_off("policyanalyzer")
    rows = []
    for account in cloud.accounts.values():
        if account.project == project and account.email in cloud.used:
            name = f"//iam.googleapis.com/{account.resource}"
            day = cloud.used[account.email].replace(hour=7, minute=0, second=0, microsecond=0)
            rows.append(
                {
                    "fullResourceName": name,
                    "activityType": "serviceAccountLastAuthentication",
                    "observationPeriod": {"startTime": stamp(day - timedelta(days=90)), "endTime": stamp(day)},
                    "activity": {
                        "lastAuthenticatedTime": stamp(day),
                        "serviceAccount": {"fullResourceName": name, "serviceAccountId": account.unique_id},
                    },
                }
            )
    return Reply(200, rows, rows=True, default=1000, most=1000, under="activities")
