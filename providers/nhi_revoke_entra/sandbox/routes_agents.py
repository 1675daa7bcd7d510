"""Agent identities, blueprints and agents' users: listed by their own paths, enabled and disabled there.

Microsoft docs: agentidentity-list, -get, -update, agentidentityblueprintprincipal-update, agentuser-list.
"""

from __future__ import annotations

import re

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_entra.agents import BLUEPRINT_PRINCIPAL, IDENTITY, USER_TYPE
from nhi_revoke_entra.permissions import ENABLE_AGENTS, ENABLE_BLUEPRINTS, READ_AGENTS, READ_USERS
from nhi_revoke_entra.sandbox.gate import Here, bad, missing
from nhi_revoke_entra.sandbox.routes_objects import principal, selected
from nhi_revoke_entra.sandbox.rows import agent_row
from nhi_revoke_entra.sandbox.state import ServicePrincipal

TABLE = Table()
PAGE = 100
NAMED = re.compile(r"displayName eq '((?:[^']|'')*)'")


@TABLE.route("GET", f"/v1.0/servicePrincipals/{IDENTITY}", READ_AGENTS)
def agents(at: Here) -> Reply:
    wanted = at.asked.query.get("$filter", "")
    found = NAMED.fullmatch(wanted)
    if wanted and found is None:
        raise bad(f"Invalid filter clause: {wanted}")
    name = found.group(1).replace("''", "'").lower() if found else ""
    shown = [p for p in at.gate.tenant.principals.values() if p.blueprint and name in ("", p.name.lower())]
    return Reply(200, [selected(at, agent_row(p)) for p in shown], rows=True, default=PAGE, most=PAGE)


@TABLE.route("GET", f"/v1.0/servicePrincipals/{IDENTITY}/<one>", READ_AGENTS)
def agent(at: Here, one: str) -> Reply:
    return Reply(200, selected(at, agent_row(_agent(at, one))))


@TABLE.route("PATCH", f"/v1.0/servicePrincipals/{IDENTITY}/<one>", ENABLE_AGENTS)
def enable_agent(at: Here, one: str) -> Reply:
    return _enable(at, _agent(at, one))


@TABLE.route("PATCH", f"/v1.0/servicePrincipals/{BLUEPRINT_PRINCIPAL}/<one>", ENABLE_BLUEPRINTS)
def enable_blueprint(at: Here, one: str) -> Reply:
    thing = principal(at, one)
    application = at.gate.tenant.application_of(thing.app_id)
    if application is None or not application.agents:
        raise missing(one)
    return _enable(at, thing)


@TABLE.route("GET", f"/v1.0/users/{USER_TYPE}", READ_USERS)
def users(at: Here) -> Reply:
    rows = [
        {"@odata.type": f"#{USER_TYPE}", "id": u.id, "userPrincipalName": u.login, "identityParentId": u.agent}
        for u in at.gate.tenant.users.values()
        if u.agent
    ]
    return Reply(200, [selected(at, row) for row in rows], rows=True, default=PAGE, most=999)


def _agent(at: Here, one: str) -> ServicePrincipal:
    found = principal(at, one)
    if not found.blueprint:
        raise missing(one)
    return found


def _enable(at: Here, thing: ServicePrincipal) -> Reply:
    body = at.asked.json
    if set(body) != {"accountEnabled"} or not isinstance(body["accountEnabled"], bool):
        raise bad("Invalid property of an agent.")
    if thing.enabled.shown != body["accountEnabled"]:
        thing.enable(body["accountEnabled"], at.now, at.gate.tenant.write_lag)
    return Reply(204)
