"""The audit log, by time and initiator.

facts entra.md 1 (row 12), 1b and 2. Shapes: its CSDL. Late by the tenant's lag; newest first.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.permissions import READ_LOGS
from nhi_revoke_entra.sandbox.gate import Here, bad
from nhi_revoke_entra.sandbox.routes_logs import licensed
from nhi_revoke_entra.sandbox.state import Audit, Tenant, stamp

TABLE = Table()
ASKED = re.compile(
    r"activityDateTime ge (?P<since>\S+)"
    r"(?: and initiatedBy/(?P<sort>user/id|app/servicePrincipalId) eq '(?P<by>[0-9a-f-]{36})')?"
)


@TABLE.route("GET", "/v1.0/auditLogs/directoryAudits", READ_LOGS)
def audits(at: Here) -> Reply:
    tenant = at.gate.tenant
    licensed(tenant)
    found = ASKED.fullmatch(at.asked.query.get("$filter", ""))
    since = moment(found["since"]) if found else None
    if found is None or since is None:
        raise bad("Invalid filter clause.")
    shown = at.now - timedelta(seconds=tenant.log_lag)
    known = tenant.users if found["sort"] == "user/id" else tenant.principals
    rows = [a for a in tenant.audits if since <= a.at <= shown]
    if found["by"]:
        rows = [a for a in rows if a.by == found["by"] and a.by in known]
    rows.sort(key=lambda a: a.at, reverse=True)
    return Reply(200, [_row(a, tenant) for a in rows], rows=True, default=1000, most=1000)


def _row(audit: Audit, tenant: Tenant) -> dict[str, Any]:
    user, app = tenant.users.get(audit.by), tenant.principals.get(audit.by)
    return {
        "id": f"Directory_{audit.id}",
        "activityDateTime": stamp(audit.at),
        "activityDisplayName": audit.activity,
        "category": "ApplicationManagement",
        "correlationId": audit.id,
        "loggedByService": "Core Directory",
        "operationType": "Add",
        "result": audit.result,
        "resultReason": "",
        "initiatedBy": {
            "app": {"appId": None, "displayName": app.name, "servicePrincipalId": app.id, "servicePrincipalName": None}
            if app
            else None,
            "user": {"id": user.id, "displayName": None, "userPrincipalName": user.login, "ipAddress": "203.0.113.7"}
            if user
            else None,
        },
        "targetResources": audit.targets,
        "additionalDetails": [{"key": "User-Agent", "value": "python"}],
    }
