"""User-assigned managed identities and their federated credentials, of Azure Resource Manager.

Azure docs: managedidentity (user-assigned-identities/list-by-subscription, federated-identity-credentials): a PUT under
a name makes or changes one; a DELETE answers 204 where there is none.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_entra.identities import RESOURCE, TRUSTS
from nhi_revoke_entra.permissions import (
    READ_IDENTITIES,
    READ_IDENTITY_TRUSTS,
    REMOVE_IDENTITY_TRUSTS,
    WRITE_IDENTITY_TRUSTS,
)
from nhi_revoke_entra.sandbox.azure_state import ManagedResource
from nhi_revoke_entra.sandbox.gate import Here
from nhi_revoke_entra.sandbox.routes_arm import for_arm
from nhi_revoke_entra.sandbox.state import Trust

TABLE = Table()
ONE = f"/subscriptions/<subscription>/resourcegroups/<group>{RESOURCE}/<name>"
WRITTEN = frozenset({"issuer", "subject", "audiences", "claimsMatchingExpression"})


@TABLE.route("GET", f"/subscriptions/<subscription>{RESOURCE}", READ_IDENTITIES)
def identities(at: Here, subscription: str) -> Reply:
    for_arm(at)
    begin = f"/subscriptions/{subscription}/".lower()
    mine = [i for path, i in at.gate.tenant.identities.items() if path.startswith(begin)]
    return Reply(200, [_row(at, i) for i in mine], rows=True, default=1000, most=1000)


@TABLE.route("GET", f"{ONE}/{TRUSTS}", READ_IDENTITY_TRUSTS)
def trusts(at: Here, subscription: str, group: str, name: str) -> Reply:
    found = _found(at, subscription, group, name)
    shown = [t for t in found.trusts.values() if t.there.shown]
    return Reply(200, [_trust_row(found, t) for t in shown], rows=True, default=1000, most=1000)


@TABLE.route("PUT", f"{ONE}/{TRUSTS}/<trust>", WRITE_IDENTITY_TRUSTS)
def write(at: Here, subscription: str, group: str, name: str, trust: str) -> Reply:
    found, told = _found(at, subscription, group, name), at.asked.json.get("properties") or {}
    if set(at.asked.json) != {"properties"} or set(told) - WRITTEN or not {"issuer", "audiences"} <= set(told):
        raise Turned(400, "BadRequest", "The request content is invalid.")
    expression = str((told.get("claimsMatchingExpression") or {}).get("value") or "")
    made = Trust(
        at.gate.tenant.new_id(), trust, str(told["issuer"]), str(told.get("subject") or ""), list(told["audiences"]),
        Lagged(True, at.now), expression,
    )  # fmt: skip
    found.trusts[trust.lower()] = made
    return Reply(201, _trust_row(found, made))


@TABLE.route("DELETE", f"{ONE}/{TRUSTS}/<trust>", REMOVE_IDENTITY_TRUSTS)
def remove(at: Here, subscription: str, group: str, name: str, trust: str) -> Reply:
    held = _found(at, subscription, group, name).trusts.get(trust.lower())
    if held is None or not held.there.shown:
        return Reply(204)
    held.there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(200)


def _found(at: Here, subscription: str, group: str, name: str) -> ManagedResource:
    for_arm(at)
    path = f"/subscriptions/{subscription}/resourcegroups/{group}{RESOURCE}/{name}".lower()
    found = at.gate.tenant.identities.get(path)
    if found is None:
        raise Turned(404, "ResourceNotFound", "The resource was not found.")
    return found


def _row(at: Here, identity: ManagedResource) -> dict[str, Any]:
    principal = at.gate.tenant.principals[identity.principal]
    told = {"principalId": principal.id, "clientId": principal.app_id}
    return {"id": identity.path, "name": principal.name, "properties": told}


def _trust_row(identity: ManagedResource, trust: Trust) -> dict[str, Any]:
    told: dict[str, Any] = {"issuer": trust.issuer, "audiences": trust.audiences}
    if trust.subject:
        told["subject"] = trust.subject
    if trust.expression:
        told["claimsMatchingExpression"] = {"value": trust.expression, "languageVersion": 1}
    return {"id": f"{identity.path}/{TRUSTS}/{trust.name}", "name": trust.name, "properties": told}
