"""Groups that a principal is in, and directory roles that may be activated (PIM).

Microsoft docs: serviceprincipal-list-transitivememberof, user-list-transitivememberof,
rbacapplication-list-roleeligibilityscheduleinstances.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_entra.permissions import READ_APPS, READ_ROLES, READ_USERS
from nhi_revoke_entra.sandbox.gate import Here, bad
from nhi_revoke_entra.sandbox.routes_objects import principal
from nhi_revoke_entra.sandbox.routes_rights import OF_ONE
from nhi_revoke_entra.sandbox.routes_users import user
from nhi_revoke_entra.sandbox.rows import directory_role_row
from nhi_revoke_entra.sandbox.state import LONG_AGO, stamp

TABLE = Table()
READ_GROUPS = "GroupMember.Read.All"
ELIGIBLE = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances"


@TABLE.route("GET", "/v1.0/servicePrincipals/<one>/transitiveMemberOf", READ_APPS)
def of_principal(at: Here, one: str) -> Reply:
    return _member_of(at, principal(at, one).id)


@TABLE.route("GET", "/v1.0/users/<one>/transitiveMemberOf", READ_USERS)
def of_user(at: Here, one: str) -> Reply:
    return _member_of(at, user(at, one).id)


def _member_of(at: Here, object_id: str) -> Reply:
    """Directory roles of its own are listed among its groups, which are told by id alone to who may not read them."""
    tenant, named = at.gate.tenant, at.gate.lets(at.caller, READ_GROUPS)
    rows: list[dict[str, Any]] = [
        {
            "@odata.type": "#microsoft.graph.group",
            "id": group,
            "displayName": tenant.group_names.get(group) if named else None,
            "isAssignableToRole": True if named else None,
        }
        for group in sorted(tenant.groups_of(object_id))
    ]
    rows += [
        {"@odata.type": "#microsoft.graph.directoryRole", "id": role.role, "displayName": None}
        for role in tenant.directory_roles.values()
        if role.principal == object_id and role.there.shown
    ]
    return Reply(200, rows, rows=True, default=100, most=999)


@TABLE.route("GET", ELIGIBLE, READ_ROLES)
def eligible(at: Here) -> Reply:
    tenant = at.gate.tenant
    if not tenant.pim:
        says = "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license."
        raise Turned(400, "AadPremiumLicenseRequired", says)
    found = OF_ONE.fullmatch(at.asked.query.get("$filter", ""))
    if found is None:
        raise bad("The filter is invalid.")
    expanded = at.asked.query.get("$expand") == "roleDefinition"
    more = {"memberType": "Direct", "startDateTime": stamp(LONG_AGO), "endDateTime": None}
    mine = [r for r in tenant.eligible_roles.values() if r.principal == found.group(1) and r.there.shown]
    rows = [{**directory_role_row(r, tenant, expanded=expanded), **more} for r in mine]
    return Reply(200, rows, rows=True, default=100, most=999)
