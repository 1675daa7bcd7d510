"""Sign-ins, and the report of last uses, in beta.

facts entra.md 1b: interactive users alone where no sort is asked for; 403 without a licence.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.permissions import READ_LOGS
from nhi_revoke_entra.sandbox.gate import Here, bad
from nhi_revoke_entra.sandbox.sign_in_state import SignIn
from nhi_revoke_entra.sandbox.state import Tenant, stamp

TABLE = Table()
ASKED = re.compile(
    r"createdDateTime ge (?P<since>\S+)"
    r"(?: and signInEventTypes/any\(t: ?(?P<events>t eq '\w+'(?: or t eq '\w+')*)\))?"
    r"(?: and servicePrincipalId eq '(?P<principal>[0-9a-f-]{36})')?"
    r"(?: and userId eq '(?P<user>[0-9a-f-]{36})')?"
)
SORT = re.compile(r"'(\w+)'")
OF_ONE = re.compile(r"appId eq '([0-9a-f-]{36})'")


@TABLE.route("GET", "/beta/auditLogs/signIns", READ_LOGS)
def sign_ins(at: Here) -> Reply:
    """Newest first."""
    tenant = at.gate.tenant
    licensed(tenant)
    found = ASKED.fullmatch(at.asked.query.get("$filter", ""))
    since = moment(found["since"]) if found else None
    if found is None or since is None:
        raise bad("Invalid filter clause.")
    events = SORT.findall(found["events"] or "'interactiveUser'")
    shown = at.now - timedelta(seconds=tenant.log_lag)
    mine = [
        s
        for s in tenant.sign_ins
        if since <= s.at <= shown
        and s.event in events
        and found["principal"] in (None, s.app)
        and found["user"] in (None, s.user)
    ]
    rows = [_row(s, tenant) for s in reversed(mine)]
    return Reply(200, rows, rows=True, default=1000, most=1000)


def _row(each: SignIn, tenant: Tenant) -> dict[str, Any]:
    principal, resource = tenant.principals[each.app], tenant.principal_of(each.resource)
    federated = each.by == "federatedIdentityCredential"
    user = tenant.users.get(each.user)
    told = {
        "userId": each.user,
        "userPrincipalName": user.login if user else None,
        "isInteractive": each.event == "interactiveUser",
        "incomingTokenType": each.from_token,
    }
    return told | {
        "id": each.id,
        "createdDateTime": stamp(each.at),
        "appId": principal.app_id,
        "appDisplayName": principal.name,
        "servicePrincipalId": "" if user else principal.id,
        "servicePrincipalName": None if user else principal.name,
        "signInEventTypes": [each.event],
        "clientCredentialType": each.by,
        "servicePrincipalCredentialKeyId": None if federated else each.key,
        "federatedCredentialId": each.key if federated else None,
        "uniqueTokenIdentifier": each.id.replace("-", ""),
        "resourceId": each.resource,
        "resourceDisplayName": resource.name if resource else None,
        "ipAddress": each.address,
        "status": {"errorCode": each.error, "failureReason": "Other."},
    }


# -- last uses -----------------------------------------------------------------------------------------------------


@TABLE.route("GET", "/beta/reports/appCredentialSignInActivities", READ_LOGS)
def last_uses(at: Here) -> Reply:
    """To the day, and days late. Names of members as in the document's sample."""
    tenant = at.gate.tenant
    licensed(tenant)
    wanted = at.asked.query.get("$filter", "")
    found = OF_ONE.fullmatch(wanted)
    if wanted and (found is None or not tenant.filters_reports):
        raise bad("Invalid filter clause.")
    shown = at.now - timedelta(seconds=tenant.report_lag)
    uses: dict[tuple[str, str, str], SignIn] = {}
    for each in tenant.sign_ins:
        if each.at <= shown and each.error == 0 and each.key:
            uses[each.app, each.key, each.resource] = max(
                each, uses.get((each.app, each.key, each.resource), each), key=lambda s: s.at
            )
    rows = [_use(each, tenant) for each in uses.values()]
    if found is not None:
        rows = [row for row in rows if row["appId"] == found[1]]
    return Reply(200, rows, rows=True, default=100, most=1000)


def _use(each: SignIn, tenant: Tenant) -> dict[str, Any]:
    principal = tenant.principals[each.app]
    application = tenant.application_of(principal.app_id)
    day = each.at.replace(hour=0, minute=0, second=0, microsecond=0)
    hidden = each.key in {**principal.passwords, **principal.keys}
    return {
        "id": f"{each.app}|{each.key}|{each.resource}",
        "keyId": each.key,
        "keyType": each.by,
        "keyUsage": "verify",
        "appId": principal.app_id,
        "appObjectId": application.id if application else None,
        "servicePrincipalObjectId": principal.id,
        "resourceId": each.resource,
        "credentialOrigin": "servicePrincipal" if hidden else "application",
        "expirationDate": stamp(day + timedelta(days=300)),
        "signInActivity": {"lastSignInDateTime": stamp(day), "lastSignInRequestId": each.id},
    }


def licensed(tenant: Tenant) -> None:
    """Logs and reports are told to nobody without it. Raises Turned (403)."""
    if not tenant.premium:
        code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
        raise Turned(403, code, "Neither tenant is B2C or tenant doesn't have premium license")
