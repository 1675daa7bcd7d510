"""Policies on apps: the tenant's default, and an application's own (Microsoft docs: tenantappmanagementpolicy-get,
appmanagementpolicy).
"""

from __future__ import annotations

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_entra.permissions import READ_POLICIES
from nhi_revoke_entra.sandbox.gate import Here
from nhi_revoke_entra.sandbox.policy_state import Policy, restrictions
from nhi_revoke_entra.sandbox.routes_objects import application

TABLE = Table()


@TABLE.route("GET", "/v1.0/policies/defaultAppManagementPolicy", READ_POLICIES)
def default(at: Here) -> Reply:
    policy = at.gate.tenant.policy
    both = {"applicationRestrictions": restrictions(policy), "servicePrincipalRestrictions": restrictions(policy)}
    return Reply(200, {**_row(policy), **both})


@TABLE.route("GET", "/v1.0/applications/<one>/appManagementPolicies", READ_POLICIES)
def of_application(at: Here, one: str) -> Reply:
    own = application(at, one).policies
    rows = [{**_row(policy), "restrictions": restrictions(policy)} for policy in own]
    return Reply(200, rows, rows=True, default=100, most=999)


def _row(policy: Policy) -> dict[str, object]:
    return {"id": policy.id, "displayName": policy.name, "description": None, "isEnabled": policy.enabled}
