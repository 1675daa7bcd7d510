"""What an app may do at the management API: scopes that were granted to it, and admin roles of its client.

OpenAPI: listScopeConsentGrants, grantConsentToScope, revokeScopeConsentGrant, listRolesForClient, assignRoleToClient,
deleteRoleFromClient. Roles are found by client id, which need not be the app's id. Okta docs: RoleBTargetClient.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.routes_app_tokens import client_of
from nhi_revoke_okta.sandbox.seed import add_grant, add_role
from nhi_revoke_okta.sandbox.state import HOST, App, Refusal, RoleAssignment, ScopeGrant, stamp

GRANTS = "/api/v1/apps/<app>/grants"
ROLES = "/oauth2/v1/clients/<client>/roles"
STANDARD = frozenset(
    {
        "ACCESS_CERTIFICATIONS_ADMIN", "ACCESS_REQUESTS_ADMIN", "API_ACCESS_MANAGEMENT_ADMIN", "APP_ADMIN",
        "GROUP_MEMBERSHIP_ADMIN", "HELP_DESK_ADMIN", "ORG_ADMIN", "READ_ONLY_ADMIN", "REPORT_ADMIN", "SUPER_ADMIN",
        "USER_ADMIN", "WORKFLOWS_ADMIN",
    }
)  # fmt: skip


@route("GET", GRANTS, "okta.appGrants.read")
def grants(at: Context, app: str) -> Reply:
    owner = at.org.app(app)
    return Reply(200, [_grant_row(owner, g) for g in _granted(owner)], rows=True, default=200)


@route("POST", GRANTS, "okta.appGrants.manage")
def grant(at: Context, app: str) -> Reply:
    owner, asked = at.org.app(app), at.asked.json
    scope = asked.get("scopeId")
    if not isinstance(scope, str) or asked.get("issuer") != f"https://{HOST}":
        raise Refusal(400, "E0000001", "Api validation failed: scopeId or issuer")
    if any(g.scope == scope for g in _granted(owner)):
        raise Refusal(400, "E0000001", "Api validation failed: scopeId is granted already")
    made = add_grant(at.org, owner, scope, at.now)
    _logged(at, owner, "app.oauth2.client.privilege.grant", scope)
    return Reply(201, _grant_row(owner, made))


@route("DELETE", f"{GRANTS}/<grant>", "okta.appGrants.manage")
def revoke(at: Context, app: str, grant: str) -> Reply:
    owner = at.org.app(app)
    found = next((g for g in _granted(owner) if g.id == grant), None)
    if found is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {grant} (OAuth2ScopeConsentGrant)")
    found.status.set("GONE", at.now, at.org.write_lag)
    _logged(at, owner, "app.oauth2.client.privilege.revoke", found.scope)
    return Reply(204)


@route("GET", ROLES, "okta.roles.read")
def roles(at: Context, client: str) -> Reply:
    return Reply(200, [role_row(r, "CLIENT") for r in _assigned(_client(at, client))], rows=True, default=200)


@route("POST", ROLES, "okta.roles.manage")
def assign(at: Context, client: str) -> Reply:
    owner, asked = _client(at, client), at.asked.json
    kind, role, where = str(asked.get("type")), asked.get("role", ""), asked.get("resource-set", "")
    if kind not in STANDARD and not (kind == "CUSTOM" and role and where):
        raise Refusal(400, "E0000001", "Api validation failed: type")
    if any((r.type, r.role, r.resource_set) == (kind, role, where) for r in _assigned(owner)):
        raise Refusal(409, "E0000090", "Duplicate role assignment exception.")
    made = add_role(at.org, owner.roles, kind, at.now)
    made.role, made.resource_set = role, where
    _logged(at, owner, "app.oauth2.client.privilege.grant", kind)
    return Reply(200, role_row(made, "CLIENT"))


@route("DELETE", f"{ROLES}/<role>", "okta.roles.manage")
def unassign(at: Context, client: str, role: str) -> Reply:
    owner = _client(at, client)
    found = _role(owner, role)
    found.status.set("GONE", at.now, at.org.write_lag)
    _logged(at, owner, "app.oauth2.client.privilege.revoke", found.type)
    return Reply(204)


@route("GET", f"{ROLES}/<role>/targets/groups", "okta.roles.read")
def group_targets(at: Context, client: str, role: str) -> Reply:
    rows = [{"id": g, "profile": {"name": g}} for g in _role(_client(at, client), role).groups]
    return Reply(200, rows, rows=True, default=20)


@route("GET", f"{ROLES}/<role>/targets/catalog/apps", "okta.roles.read")
def app_targets(at: Context, client: str, role: str) -> Reply:
    rows = [{"name": a, "displayName": a} for a in _role(_client(at, client), role).apps]
    return Reply(200, rows, rows=True, default=20)


def _client(at: Context, client: str) -> App:
    found = at.org.client(client)
    if found is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {client} (PublicClientApp)")
    return found


def _granted(app: App) -> list[ScopeGrant]:
    return [g for g in app.grants.values() if g.status.shown == "ACTIVE"]


def _assigned(app: App) -> list[RoleAssignment]:
    return [r for r in app.roles.values() if r.status.shown == "ACTIVE"]


def _role(app: App, role: str) -> RoleAssignment:
    found = next((r for r in _assigned(app) if r.id == role), None)
    if found is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {role} (RoleAssignment)")
    return found


def _grant_row(app: App, grant: ScopeGrant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "status": "ACTIVE",
        "created": stamp(grant.created),
        "createdBy": {"id": "00uadmin000000000000", "type": "User"},
        "lastUpdated": stamp(grant.created),
        "issuer": f"https://{HOST}",
        "clientId": app.client_id,
        "scopeId": grant.scope,
        "source": "ADMIN",
    }


def role_row(role: RoleAssignment, assigned_to: str) -> dict[str, Any]:
    """`assigned_to`: CLIENT or USER."""
    custom = {"role": role.role, "resource-set": role.resource_set} if role.type == "CUSTOM" else {}
    return {
        "id": role.id,
        "label": role.label,
        "type": role.type,
        "status": "ACTIVE",
        "created": stamp(role.created),
        "lastUpdated": stamp(role.created),
        "assignmentType": assigned_to,
        **custom,
    }


def _logged(at: Context, app: App, kind: str, what: str) -> None:
    target = {"id": what, "type": "Privilege", "alternateId": what, "displayName": what}
    at.org.log(kind, at.now, at.by, client_of(app), target)
