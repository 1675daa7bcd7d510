"""What hangs on a user: status, admin roles, factors, and the OAuth tokens and consents that clients hold for it.

Shapes: OpenAPI (listAssignedRolesForUser, suspendUser, listFactors, listUserClients, listGrants). Whether suspension
ends sessions and tokens the documents do not agree on: here both survive, and so do API tokens (the worse case).
"""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.routes_oauth import end_refresh_token
from nhi_revoke_okta.sandbox.seed import add_role
from nhi_revoke_okta.sandbox.state import HOST, ORG_SERVER, RefreshToken, Refusal, RoleAssignment, User, stamp

STANDARD = frozenset(
    {
        "API_ACCESS_MANAGEMENT_ADMIN", "APP_ADMIN", "GROUP_MEMBERSHIP_ADMIN", "HELP_DESK_ADMIN", "ORG_ADMIN",
        "READ_ONLY_ADMIN", "REPORT_ADMIN", "SUPER_ADMIN", "USER_ADMIN",
    }
)  # fmt: skip

BUILT_IN = frozenset({"ACCESS_CERTIFICATIONS_ADMIN", "ACCESS_REQUESTS_ADMIN", "WORKFLOWS_ADMIN"})
"""Okta's own, too: asked for by type alone, and shown as a custom role is (OpenAPI: assignRoleToUser)."""


def as_target(user: User) -> dict[str, Any]:
    """As the System Log names it."""
    return {"id": user.id, "type": "User", "alternateId": user.login, "displayName": user.login}


# -- status --------------------------------------------------------------------------------------------------------


@route("POST", "/api/v1/users/<user>/lifecycle/suspend", "okta.users.manage")
def suspend(at: Context, user: str) -> Reply:
    """OpenAPI suspendUser: only users with an ACTIVE status."""
    return _moved(at, at.org.user(user), "ACTIVE", "SUSPENDED", "suspend")


@route("POST", "/api/v1/users/<user>/lifecycle/unsuspend", "okta.users.manage")
def unsuspend(at: Context, user: str) -> Reply:
    return _moved(at, at.org.user(user), "SUSPENDED", "ACTIVE", "unsuspend")


def _moved(at: Context, user: User, before: str, after: str, what: str) -> Reply:
    if user.status.shown != before:
        raise Refusal(400, "E0000001", f"Api validation failed: {what}User")
    user.status.set(after, at.now, at.org.write_lag)
    at.org.log(f"user.lifecycle.{what}", at.now, at.by, as_target(user))
    return Reply(200, {})  # as Okta's examples of lifecycle calls show


# -- roles ---------------------------------------------------------------------------------------------------------


@route("GET", "/api/v1/users/<user>/roles", "okta.roles.read")
def roles(at: Context, user: str) -> Reply:
    """Of an operator that may not do everything: a role that allows less."""
    found = [r for r in at.org.user(user).roles.values() if r.status.shown == "ACTIVE"]
    rows = [_role_row(at, user, r) for r in found]
    mine = {at.org.user(t.user).id for t in at.org.api_tokens.values() if t.value in at.gate.operator}
    if at.gate.permissions.limited and at.org.user(user).id in mine:
        rows = [{**row, "type": "CUSTOM", "label": "nhi-revoke"} for row in rows]
    return Reply(200, rows)


@route("POST", "/api/v1/users/<user>/roles", "okta.roles.manage")
def assign_role(at: Context, user: str) -> Reply:
    """Limited to nothing: targets are added one by one afterwards."""
    whose, body = at.org.user(user), at.asked.json
    kind = str(body.get("type"))
    custom = kind == "CUSTOM" and body.get("role") and body.get("resource-set")
    named = {"type", "role", "resource-set"} if kind == "CUSTOM" else {"type"}
    if (kind not in STANDARD | BUILT_IN and not custom) or not set(body) <= named:
        raise Refusal(400, "E0000001", "Api validation failed: type")
    for held in whose.roles.values():
        same = (held.type, held.group) == (kind, "") and held.role in (str(body.get("role", "")), kind)
        if same and held.status.shown == "ACTIVE":
            raise Refusal(409, "E0000090", "The role specified is already assigned to the user.")
    role = add_role(at.org, whose.roles, kind, at.now)
    role.role, role.resource_set = str(body.get("role", "")), str(body.get("resource-set", ""))
    if kind in BUILT_IN:
        role.role, role.resource_set = kind, f"{kind}_RESOURCES"
    at.org.log("user.account.privilege.grant", at.now, at.by, as_target(whose))
    return Reply(201, _role_row(at, user, role))


@route("DELETE", "/api/v1/users/<user>/roles/<role>", "okta.roles.manage")
def unassign_role(at: Context, user: str, role: str) -> Reply:
    whose = at.org.user(user)
    held = whose.roles.get(role)
    if held is None or held.status.shown != "ACTIVE":
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {role} (RoleAssignment)")
    if held.group:
        raise Refusal(400, "E0000001", "Api validation failed: the role is assigned to a group of the user")
    held.status.set("GONE", at.now, at.org.write_lag)
    at.org.log("user.account.privilege.revoke", at.now, at.by, as_target(whose))
    return Reply(204)


def _role_row(at: Context, user: str, role: RoleAssignment) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": role.id,
        "label": role.label,
        "type": role.type,
        "status": "ACTIVE",
        "created": stamp(role.created),
        "lastUpdated": stamp(role.created),
        "assignmentType": "GROUP" if role.group else "USER",
        "_links": {"assignee": {"href": f"{at.asked.url}/api/v1/users/{user}"}},
    }
    if role.role:
        row |= {"role": role.role, "resource-set": role.resource_set}
    expand = at.asked.query.get("expand")
    if expand == "targets/groups" and role.groups:
        row["_embedded"] = {"targets": {"groups": [{"id": g, "profile": {"name": g}} for g in role.groups]}}
    if expand == "targets/catalog/apps" and role.apps:
        row["_embedded"] = {"targets": {"catalog": {"apps": [{"id": a, "name": a} for a in role.apps]}}}
    return row


# -- factors -------------------------------------------------------------------------------------------------------


@route("GET", "/api/v1/users/<user>/factors", "okta.users.read")
def factors(at: Context, user: str) -> Reply:
    return Reply(200, list(at.org.user(user).factors))


# -- what clients hold ---------------------------------------------------------------------------------------------


@route("GET", "/api/v1/users/<user>/clients", "okta.users.read")
def clients(at: Context, user: str) -> Reply:
    whose = at.org.user(user)
    held = {at.org.apps[t.app].client_id for t in tokens_of(at, whose)}
    held |= {str(grant["clientId"]) for grant in whose.grants.values()}
    return Reply(200, [_client_row(at, client) for client in sorted(held)])


@route("GET", "/api/v1/users/<user>/clients/<client>/tokens", "okta.users.read")
def client_tokens(at: Context, user: str, client: str) -> Reply:
    found = _of_client(at, at.org.user(user), client)
    return Reply(200, [_token_row(token, client) for token in found], rows=True, default=20)


@route("DELETE", "/api/v1/users/<user>/clients/<client>/tokens", "okta.users.manage")
def revoke_client_tokens(at: Context, user: str, client: str) -> Reply:
    whose = at.org.user(user)
    for token in _of_client(at, whose, client):
        end_refresh_token(at, token)
        at.org.log("app.oauth2.token.revoke", at.now, at.by, as_target(whose))
    return Reply(204)


@route("GET", "/api/v1/users/<user>/grants", "okta.users.read")
def grants(at: Context, user: str) -> Reply:
    whose = at.org.user(user)
    return Reply(200, [_grant_row(whose, i, grant) for i, grant in whose.grants.items()], rows=True, default=20)


@route("DELETE", "/api/v1/users/<user>/grants/<grant>", "okta.users.manage")
def revoke_grant(at: Context, user: str, grant: str) -> Reply:
    whose = at.org.user(user)
    if whose.grants.pop(grant, None) is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {grant} (OAuth2ScopeConsentGrant)")
    at.org.log("app.oauth2.consent.revoke", at.now, at.by, as_target(whose))
    return Reply(204)


def tokens_of(at: Context, user: User) -> list[RefreshToken]:
    """Those that are shown: neither revoked nor expired."""
    mine = (t for t in at.org.refresh_tokens.values() if t.user == user.id)
    return [t for t in mine if t.status.shown == "ACTIVE" and at.now < t.expires]


def _of_client(at: Context, user: User, client: str) -> list[RefreshToken]:
    app = at.org.client(client)
    if app is None:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {client} (PublicClientApp)")
    return [token for token in tokens_of(at, user) if token.app == app.id]


def _client_row(at: Context, client: str) -> dict[str, Any]:
    app = at.org.client(client)
    return {"client_id": client, "client_name": app.label if app else client}


def _token_row(token: RefreshToken, client: str) -> dict[str, Any]:
    server = "" if token.server == ORG_SERVER else f"/oauth2/{token.server}"
    return {
        "id": token.id,
        "status": "ACTIVE",
        "created": stamp(token.created),
        "lastUpdated": stamp(token.created),
        "expiresAt": stamp(token.expires),
        "issuer": f"https://{HOST}{server}",
        "clientId": client,
        "userId": token.user,
        "scopes": list(token.scopes),
    }


def _grant_row(user: User, grant_id: str, grant: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": grant_id,
        "status": "ACTIVE",
        "created": str(grant["created"]),
        "lastUpdated": str(grant["created"]),
        "issuer": str(grant["issuer"]),
        "clientId": str(grant["clientId"]),
        "userId": user.id,
        "scopeId": str(grant["scopeId"]),
        "source": "END_USER",
    }
