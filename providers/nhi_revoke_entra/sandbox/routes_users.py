"""Users: read, disabled, given a password, signed out; their authentication methods.

facts entra.md 1 (rows 14, 15) and 2: revokeSignInSessions answers 200 with true; a password is never read back.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_entra.permissions import (
    ENABLE_USERS,
    READ_METHODS,
    READ_USERS,
    REVOKE_SESSIONS,
    WRITE_PASSES,
    WRITE_PASSWORDS,
)
from nhi_revoke_entra.sandbox.auditing import record, target
from nhi_revoke_entra.sandbox.gate import Here, bad, missing
from nhi_revoke_entra.sandbox.routes_objects import selected
from nhi_revoke_entra.sandbox.state import LONG_AGO, User, stamp

TABLE = Table()


def user(at: Here, one: str) -> User:
    """By object id or user principal name. Raises 404."""
    tenant = at.gate.tenant
    found = next((u for u in tenant.users.values() if one.lower() in (u.id, u.login)), None)
    if found is None:
        raise missing(one)
    return found


@TABLE.route("GET", "/v1.0/users/<one>", READ_USERS)
def read(at: Here, one: str) -> Reply:
    return Reply(200, selected(at, row_of(user(at, one))))


@TABLE.route("PATCH", "/v1.0/users/<one>", ENABLE_USERS)
def change(at: Here, one: str) -> Reply:
    """Each member needs a permission of its own."""
    found, body, lag = user(at, one), at.asked.json, at.gate.tenant.write_lag
    if not body or set(body) - {"accountEnabled", "passwordProfile"}:
        raise bad("Invalid property of a user.")
    if "passwordProfile" in body:
        if not at.gate.lets(at.caller, WRITE_PASSWORDS):
            raise at.gate.denied(next(r for r in TABLE.routes if r.method == "PATCH"))
        found.password, found.changed = str(body["passwordProfile"]["password"]), at.now
        at.gate.tenant.secrets.append(found.password)
        record(at, "Reset user password", target(found))
    if "accountEnabled" in body and found.enabled.shown != body["accountEnabled"]:
        found.enable(bool(body["accountEnabled"]), at.now, lag)
        record(at, "Enable account" if body["accountEnabled"] else "Disable account", target(found))
    return Reply(204)


@TABLE.route("POST", "/v1.0/users/<one>/revokeSignInSessions", REVOKE_SESSIONS)
def revoke(at: Here, one: str) -> Reply:
    user(at, one).revoke(at.now, at.gate.tenant.write_lag)
    return Reply(200, {"@odata.context": f"{at.asked.url}/v1.0/$metadata#Edm.Boolean", "value": True})


@TABLE.route("GET", "/v1.0/users/<one>/authentication/methods", READ_METHODS)
def methods(at: Here, one: str) -> Reply:
    return Reply(200, list(user(at, one).methods), rows=True, default=100, most=999)


@TABLE.route("DELETE", "/v1.0/users/<one>/authentication/temporaryAccessPassMethods/<method>", WRITE_PASSES)
def delete_pass(at: Here, one: str, method: str) -> Reply:
    found = user(at, one)
    kept = [m for m in found.methods if m["id"] != method]
    if len(kept) == len(found.methods):
        raise missing(method)
    found.methods[:] = kept
    return Reply(204)


def row_of(found: User) -> dict[str, Any]:
    """As Graph shows it."""
    return {
        "id": found.id,
        "userPrincipalName": found.login,
        "displayName": found.login.partition("@")[0],
        "accountEnabled": found.enabled.shown,
        "onPremisesSyncEnabled": True if found.synced else None,
        "userType": found.type,
        "identityParentId": found.agent or None,
        "createdDateTime": stamp(LONG_AGO),
        "signInSessionsValidFromDateTime": stamp(found.valid_from.shown),
        "lastPasswordChangeDateTime": stamp(found.changed),
    }
