"""Applications, service principals and users are made. Whoever has no such right is refused.

Microsoft docs: application-post-applications, serviceprincipal-post-serviceprincipals, user-post-users.
"""

from __future__ import annotations

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_entra.permissions import WRITE_APPS
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.auditing import record, target
from nhi_revoke_entra.sandbox.gate import Here, bad
from nhi_revoke_entra.sandbox.routes_users import row_of
from nhi_revoke_entra.sandbox.rows import application_row, principal_row
from nhi_revoke_entra.sandbox.state import Application

TABLE = Table()
WRITE_USERS = "User.ReadWrite.All"


@TABLE.route("POST", "/v1.0/applications", WRITE_APPS)
def make_application(at: Here) -> Reply:
    tenant, body = at.gate.tenant, at.asked.json
    if set(body) != {"displayName"}:
        raise bad("Invalid application.")
    made = Application(tenant.new_id(), tenant.new_id(), str(body["displayName"]), at.now)
    tenant.applications[made.id] = made
    record(at, "Add application", target(made))
    return Reply(201, application_row(made))


@TABLE.route("POST", "/v1.0/servicePrincipals", WRITE_APPS)
def make_principal(at: Here) -> Reply:
    tenant, body = at.gate.tenant, at.asked.json
    application = tenant.application_of(str(body.get("appId") or ""))
    if set(body) != {"appId"} or application is None or tenant.principal_of(application.app_id) is not None:
        raise bad("Invalid service principal.")
    made = seed.new_principal(tenant, application.name, at.now, application.app_id)
    record(at, "Add service principal", target(made))
    return Reply(201, principal_row(made))


@TABLE.route("POST", "/v1.0/users", WRITE_USERS)
def make_user(at: Here) -> Reply:
    tenant, body = at.gate.tenant, at.asked.json
    if not {"accountEnabled", "displayName", "userPrincipalName", "passwordProfile"} <= set(body):
        raise bad("Invalid user.")
    made = seed.new_user(tenant, str(body["userPrincipalName"]))
    made.password, made.changed = str(body["passwordProfile"]["password"]), at.now
    made.enabled = Lagged(bool(body["accountEnabled"]), at.now)
    tenant.secrets.append(made.password)
    record(at, "Add user", target(made))
    return Reply(201, row_of(made))
