"""Owners, app roles and delegated grants.

facts entra.md 1 (rows 7, 9, 10) and 2: 204 for what was removed; an owner that is there already is a 400.
"""

from __future__ import annotations

import re
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_entra.permissions import (
    READ_APPS,
    READ_GRANTS,
    READ_ROLES,
    WRITE_APP_ROLES,
    WRITE_APPS,
    WRITE_GRANTS,
    WRITE_ROLES,
)
from nhi_revoke_entra.sandbox.auditing import of_right, record, target
from nhi_revoke_entra.sandbox.gate import Here, allowed, bad, missing
from nhi_revoke_entra.sandbox.routes_objects import application, principal
from nhi_revoke_entra.sandbox.rows import assignment_row, directory_role_row, grant_row
from nhi_revoke_entra.sandbox.state import Application, Assignment, Directory, DirectoryRole, Grant

TABLE = Table()
REFERENCE = "/v1.0/directoryObjects/"
ROLES = "/v1.0/roleManagement/directory/roleAssignments"
OF_ONE = re.compile(r"principalId eq '([0-9a-f-]{36})'")


@TABLE.route("GET", "/v1.0/applications/<one>/owners", READ_APPS)
def owners_of_application(at: Here, one: str) -> Reply:
    return _owners(at, application(at, one))


@TABLE.route("GET", "/v1.0/servicePrincipals/<one>/owners", READ_APPS)
def owners_of_principal(at: Here, one: str) -> Reply:
    return _owners(at, principal(at, one))


@TABLE.route("DELETE", "/v1.0/applications/<one>/owners/<owner>/$ref", WRITE_APPS)
def disown_application(at: Here, one: str, owner: str) -> Reply:
    return _disown(at, application(at, one), owner)


@TABLE.route("DELETE", "/v1.0/servicePrincipals/<one>/owners/<owner>/$ref", WRITE_APPS)
def disown_principal(at: Here, one: str, owner: str) -> Reply:
    return _disown(at, principal(at, one), owner)


@TABLE.route("POST", "/v1.0/applications/<one>/owners/$ref", WRITE_APPS)
def own_application(at: Here, one: str) -> Reply:
    return _own(at, application(at, one))


@TABLE.route("POST", "/v1.0/servicePrincipals/<one>/owners/$ref", WRITE_APPS)
def own_principal(at: Here, one: str) -> Reply:
    return _own(at, principal(at, one))


def _owners(at: Here, thing: Directory) -> Reply:
    rows = [at.gate.tenant.owner_name(owner) for owner, there in thing.owners.items() if there.shown]
    return Reply(200, rows, rows=True, default=100, most=999)


def _disown(at: Here, thing: Directory, owner: str) -> Reply:
    allowed(at, thing)
    there = thing.owners.get(owner.lower())
    if there is None or not there.shown:
        raise missing(owner)
    there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(204)


def _own(at: Here, thing: Directory) -> Reply:
    allowed(at, thing)
    told = str(at.asked.json.get("@odata.id") or "")
    owner = told.partition(REFERENCE)[2].lower()
    tenant = at.gate.tenant
    if set(at.asked.json) != {"@odata.id"} or owner not in {**tenant.users, **tenant.principals}:
        raise bad("The reference is no directory object's.")
    there = thing.owners.get(owner)
    if there is not None and there.shown:
        raise bad("One or more added object references already exist for the following modified properties: 'owners'.")
    if there is None:
        thing.owners[owner] = Lagged(True, at.now)
    else:
        there.set(True, at.now, tenant.write_lag)
    what = "application" if isinstance(thing, Application) else "service principal"
    record(at, f"Add owner to {what}", target(tenant.users.get(owner) or tenant.principals[owner]), target(thing))
    return Reply(204)


# -- app roles -----------------------------------------------------------------------------------------------------


@TABLE.route("GET", "/v1.0/servicePrincipals/<one>/appRoleAssignments", READ_APPS)
def assignments(at: Here, one: str) -> Reply:
    mine, tenant = principal(at, one), at.gate.tenant
    rows = [assignment_row(a, mine, tenant) for a in mine.assignments.values() if a.there.shown]
    return Reply(200, rows, rows=True, default=100, most=999)


@TABLE.route("DELETE", "/v1.0/servicePrincipals/<one>/appRoleAssignments/<assignment>", WRITE_APP_ROLES)
def unassign(at: Here, one: str, assignment: str) -> Reply:
    found = principal(at, one).assignments.get(assignment)
    if found is None or not found.there.shown:
        raise missing(assignment)
    found.there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(204)


@TABLE.route("POST", "/v1.0/servicePrincipals/<one>/appRoleAssignments", WRITE_APP_ROLES)
def assign(at: Here, one: str) -> Reply:
    mine, body, tenant = principal(at, one), at.asked.json, at.gate.tenant
    if set(body) != {"principalId", "resourceId", "appRoleId"} or body["principalId"] != mine.id:
        raise bad("Invalid app role assignment.")
    if str(body["appRoleId"]) not in principal(at, str(body["resourceId"])).roles:
        raise bad("Permission being assigned was not found on application.")
    made = Assignment(tenant.new_mark(), str(body["resourceId"]), str(body["appRoleId"]), at.now, Lagged(True, at.now))
    if any((a.resource, a.role) == (made.resource, made.role) and a.there.shown for a in mine.assignments.values()):
        raise bad("Permission being assigned already exists on the object.")
    mine.assignments[made.id] = made
    api = tenant.principals[made.resource]
    activity = "Add app role assignment to service principal"
    of_right(at, activity, api, mine, AppRole_DisplayName=api.roles[made.role], AppRole_Id=made.role)
    return Reply(201, assignment_row(made, mine, tenant))


# -- delegated grants ----------------------------------------------------------------------------------------------


@TABLE.route("GET", "/v1.0/servicePrincipals/<one>/oauth2PermissionGrants", READ_GRANTS)
def grants(at: Here, one: str) -> Reply:
    mine = principal(at, one).id
    rows = [grant_row(g) for g in at.gate.tenant.grants.values() if g.client == mine and g.there.shown]
    return Reply(200, rows, rows=True, default=100, most=999)


@TABLE.route("DELETE", "/v1.0/oauth2PermissionGrants/<grant>", WRITE_GRANTS)
def ungrant(at: Here, grant: str) -> Reply:
    found = at.gate.tenant.grants.get(grant)
    if found is None or not found.there.shown:
        raise missing(grant)
    found.there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(204)


@TABLE.route("POST", "/v1.0/oauth2PermissionGrants", WRITE_GRANTS)
def grant_again(at: Here) -> Reply:
    made = _granted(at, at.asked.json)
    same = (made.client, made.resource, made.user)
    if any((g.client, g.resource, g.user) == same and g.there.shown for g in at.gate.tenant.grants.values()):
        raise bad("Permission entry already exists.")
    at.gate.tenant.grants[made.id] = made
    api, client = principal(at, made.resource), principal(at, made.client)
    of_right(at, "Add delegated permission grant", api, client, DelegatedPermissionGrant_Scope=made.scope)
    return Reply(201, grant_row(made))


def _granted(at: Here, body: dict[str, Any]) -> Grant:
    user = str(body.get("principalId") or "")
    known = {"clientId", "consentType", "resourceId", "scope"} | ({"principalId"} if user else set())
    if set(body) != known or body["consentType"] != ("Principal" if user else "AllPrincipals"):
        raise bad("Invalid permission grant.")
    client, resource = principal(at, str(body["clientId"])).id, principal(at, str(body["resourceId"])).id
    return Grant(at.gate.tenant.new_mark(), client, resource, str(body["scope"]), Lagged(True, at.now), user)


# -- directory roles -----------------------------------------------------------------------------------------------


@TABLE.route("GET", ROLES, READ_ROLES)
def directory_roles(at: Here) -> Reply:
    """Without a filter Graph answers 400."""
    found = OF_ONE.fullmatch(at.asked.query.get("$filter", ""))
    if found is None:
        raise bad("The filter is invalid: principalId or roleDefinitionId is needed.")
    expanded = at.asked.query.get("$expand") == "roleDefinition"
    tenant = at.gate.tenant
    mine = [r for r in tenant.directory_roles.values() if r.principal == found.group(1) and r.there.shown]
    rows = [directory_role_row(r, tenant, expanded=expanded) for r in mine]
    return Reply(200, rows, rows=True, default=100, most=999)


@TABLE.route("DELETE", f"{ROLES}/<assignment>", WRITE_ROLES)
def end_directory_role(at: Here, assignment: str) -> Reply:
    found = at.gate.tenant.directory_roles.get(assignment)
    if found is None or not found.there.shown:
        raise missing(assignment)
    found.there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(204)


@TABLE.route("POST", ROLES, WRITE_ROLES)
def begin_directory_role(at: Here) -> Reply:
    body, tenant = at.asked.json, at.gate.tenant
    if set(body) != {"principalId", "roleDefinitionId", "directoryScopeId"}:
        raise bad("Invalid role assignment.")
    known = {**tenant.principals, **tenant.users}
    if body["roleDefinitionId"] not in tenant.role_names or body["principalId"] not in known:
        raise bad("The role definition or the principal does not exist.")
    there = Lagged(True, at.now)
    made = DirectoryRole(
        tenant.new_mark(), body["principalId"], body["roleDefinitionId"], body["directoryScopeId"], there
    )
    tenant.directory_roles[made.id] = made
    who = tenant.users.get(made.principal) or tenant.principals[made.principal]
    record(
        at, "Add member to role", target(who, Role_ObjectID=made.role, Role_DisplayName=tenant.role_names[made.role])
    )
    return Reply(201, directory_role_row(made, tenant))
