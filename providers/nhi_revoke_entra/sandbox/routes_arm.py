"""Azure Resource Manager: subscriptions and role assignments. Another audience than Graph's; no CAE.

facts entra.md 3: role assignments are looked at for each call, whatever the token says.
"""

from __future__ import annotations

import re
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_entra.permissions import READ_AZURE, REMOVE_AZURE, WRITE_AZURE
from nhi_revoke_entra.rights.sorts import ASK_AZURE
from nhi_revoke_entra.sandbox.azure_state import AzureRole
from nhi_revoke_entra.sandbox.gate import Here
from nhi_revoke_entra.sandbox.state import ARM

TABLE = Table()
SUBSCRIPTION = "/subscriptions/<subscription>"
ROLES = "/providers/Microsoft.Authorization/roleAssignments"
ASSIGNED = re.compile(r"assignedTo\('([0-9a-f-]{36})'\)")


@TABLE.route("GET", "/subscriptions", READ_AZURE)
def subscriptions(at: Here) -> Reply:
    """Those where the caller may do anything."""
    for_arm(at)
    rows = [{"subscriptionId": s, "displayName": name} for s, name in at.gate.tenant.subscriptions.items()]
    return Reply(200, rows, rows=True, default=1000, most=1000)


@TABLE.route("GET", f"{SUBSCRIPTION}{ROLES}", READ_AZURE)
def assignments(at: Here, subscription: str) -> Reply:
    for_arm(at)
    found = ASSIGNED.fullmatch(at.asked.query.get("$filter", ""))
    if found is None:
        raise Turned(400, "UnsupportedQuery", "The filter is not supported.")
    tenant = at.gate.tenant
    whose = {found.group(1), *tenant.groups_of(found.group(1))}
    scope = f"/subscriptions/{subscription}"
    shown = [r for r in tenant.azure_roles.values() if r.there.shown and r.principal in whose]
    mine = [r for r in shown if r.scope.startswith(scope)]
    return Reply(200, [_row(r) for r in mine], rows=True, default=1000, most=1000)


@TABLE.route("GET", f"{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions", ASK_AZURE)
def mine(at: Here, _subscription: str) -> Reply:
    """What the caller may there, role by role."""
    for_arm(at)
    allowed = [each for each in at.gate.asked_for() if each.startswith("Microsoft.") and at.gate.lets(at.caller, each)]
    actions = sorted(allowed) if at.gate.permissions.limited or at.caller.by != "operator" else ["*"]
    return Reply(200, [{"actions": actions, "notActions": []}], rows=True, default=1000, most=1000)


@TABLE.route("GET", f"/<path:scope>{ROLES}/<name>", READ_AZURE)
def one(at: Here, _scope: str, name: str) -> Reply:
    for_arm(at)
    return Reply(200, _row(_found(at, name)))


@TABLE.route("DELETE", f"/<path:scope>{ROLES}/<name>", REMOVE_AZURE)
def remove(at: Here, _scope: str, name: str) -> Reply:
    for_arm(at)
    found = at.gate.tenant.azure_roles.get(name.lower())
    if found is None or not found.there.shown:
        return Reply(204)
    found.there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(200, _row(found))


@TABLE.route("PUT", f"/<path:scope>{ROLES}/<name>", WRITE_AZURE)
def assign(at: Here, scope: str, name: str) -> Reply:
    for_arm(at)
    told = at.asked.json.get("properties") or {}
    if set(at.asked.json) != {"properties"} or not {"roleDefinitionId", "principalId"} <= set(told):
        raise Turned(400, "InvalidRequestContent", "The request content is invalid.")
    role = str(told["roleDefinitionId"]).rpartition("/")[2]
    old = at.gate.tenant.azure_roles.get(name)
    if old is not None and (old.principal, old.role) == (told["principalId"], role):
        old.there.set(True, at.now, at.gate.tenant.write_lag)
        return Reply(201, _row(old))
    made = AzureRole(name, str(told["principalId"]), role, f"/{scope}", Lagged(True, at.now))
    at.gate.tenant.azure_roles[name] = made
    return Reply(201, _row(made))


@TABLE.route("GET", "/<path:scope>/providers/Microsoft.Authorization/roleDefinitions/<role>", READ_AZURE)
def definition(at: Here, _scope: str, role: str) -> Reply:
    for_arm(at)
    name = at.gate.tenant.azure_role_names[role]
    return Reply(200, {"id": at.asked.path, "name": role, "properties": {"roleName": name, "type": "BuiltInRole"}})


@TABLE.route("GET", f"{SUBSCRIPTION}/resourceGroups", "")
def groups(at: Here, subscription: str) -> Reply:
    """What a role of the caller's own is needed for: how an intruder tries a token."""
    for_arm(at)
    token = at.caller.token
    assert token is not None
    whose = token.user or token.app
    roles = at.gate.tenant.azure_roles.values()
    mine = [r for r in roles if r.principal == whose and r.there.obeyed(at.now) and subscription in r.scope]
    if not mine:
        raise Turned(403, "AuthorizationFailed", "The client does not have authorization to perform the action.")
    return Reply(200, [{"name": "payments"}], rows=True, default=1000, most=1000)


def for_arm(at: Here) -> None:
    if at.caller.token is None or at.caller.token.resource != ARM:
        raise Turned(401, "InvalidAuthenticationTokenAudience", "The access token is from the wrong audience.")


def _found(at: Here, name: str) -> AzureRole:
    found = at.gate.tenant.azure_roles.get(name)
    if found is None or not found.there.shown:
        raise Turned(404, "RoleAssignmentNotFound", "The role assignment is not found.")
    return found


def _row(role: AzureRole) -> dict[str, Any]:
    subscription = "/".join(role.scope.split("/")[:3])
    return {
        "id": f"{role.scope}/providers/Microsoft.Authorization/roleAssignments/{role.name}",
        "name": role.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role.role}",
            "principalId": role.principal,
            "principalType": "ServicePrincipal",
            "scope": role.scope,
            "condition": None,
        },
    }
