"""Passwords and federated credentials of the two objects.

facts entra.md 1 (row 3), 2: addPassword answers 200 with the value, removePassword 204; at most 20 federated
credentials.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS
from nhi_revoke_entra.sandbox.auditing import of_credentials, record, target
from nhi_revoke_entra.sandbox.gate import Here, allowed, bad, missing, unlocked
from nhi_revoke_entra.sandbox.policy_state import in_force
from nhi_revoke_entra.sandbox.routes_objects import application, principal
from nhi_revoke_entra.sandbox.rows import password_row, trust_row
from nhi_revoke_entra.sandbox.state import Application, Directory, Password, Trust

TABLE = Table()
MOST = 20
EXPRESSION = "claimsMatchingExpression"
WRITTEN = frozenset({"name", "issuer", "subject", "audiences", "description"})
PASSWORD = frozenset({"displayName", "startDateTime", "endDateTime"})


@TABLE.route("POST", "/v1.0/applications/<one>/addPassword", WRITE_APPS)
def add_to_application(at: Here, one: str) -> Reply:
    return _add(at, application(at, one))


@TABLE.route("POST", "/v1.0/servicePrincipals/<one>/addPassword", WRITE_APPS)
def add_to_principal(at: Here, one: str) -> Reply:
    return _add(at, principal(at, one))


@TABLE.route("POST", "/v1.0/applications/<one>/removePassword", WRITE_APPS)
def remove_from_application(at: Here, one: str) -> Reply:
    return _remove(at, application(at, one))


@TABLE.route("POST", "/v1.0/servicePrincipals/<one>/removePassword", WRITE_APPS)
def remove_from_principal(at: Here, one: str) -> Reply:
    return _remove(at, principal(at, one))


def _add(at: Here, thing: Directory) -> Reply:
    allowed(at, thing)
    unlocked(at, thing)
    asked = at.asked.json.get("passwordCredential") or {}
    if set(at.asked.json) - {"passwordCredential"} or not isinstance(asked, dict) or set(asked) - PASSWORD:
        raise bad("Invalid property in passwordCredential.")
    tenant = at.gate.tenant
    end = moment(asked.get("endDateTime")) or at.now + timedelta(days=730)
    policy = in_force(tenant.policy, thing.policies if isinstance(thing, Application) else [])
    if policy.refuses_secret(thing.created, end - at.now):
        raise Turned(
            400, "CredentialTypeNotAllowedAsPerAppPolicy", f"Not allowed as per assigned policy {policy.name}."
        )
    made = Password(
        tenant.new_id(), tenant.new_secret(), str(asked.get("displayName") or ""), at.now, end, Lagged(True, at.now),
        at.now + timedelta(seconds=tenant.write_lag),
    )  # fmt: skip
    thing.passwords[made.key_id] = made
    of_credentials(at, thing, made.name)
    return Reply(200, {**password_row(made, hint=True), "secretText": made.value})


def _remove(at: Here, thing: Directory) -> Reply:
    allowed(at, thing)
    unlocked(at, thing)
    body = at.asked.json
    if set(body) != {"keyId"}:
        raise bad("Invalid request: keyId is the only property.")
    password = thing.passwords.get(str(body["keyId"]).lower())
    if password is None or not password.there.shown:
        raise bad(f"No password credential found with keyId {body['keyId']}.")
    password.there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(204)


# -- federated credentials -----------------------------------------------------------------------------------------


@TABLE.route("GET", "/v1.0/applications/<one>/federatedIdentityCredentials", READ_APPS)
def trusts(at: Here, one: str) -> Reply:
    return _trusts(at, one, beta=False)


@TABLE.route("GET", "/beta/applications/<one>/federatedIdentityCredentials", READ_APPS)
def trusts_in_beta(at: Here, one: str) -> Reply:
    return _trusts(at, one, beta=True)


@TABLE.route("POST", "/v1.0/applications/<one>/federatedIdentityCredentials", WRITE_APPS)
def trust_again(at: Here, one: str) -> Reply:
    return _trust(at, one, beta=False)


@TABLE.route("POST", "/beta/applications/<one>/federatedIdentityCredentials", WRITE_APPS)
def trust_again_in_beta(at: Here, one: str) -> Reply:
    return _trust(at, one, beta=True)


@TABLE.route("DELETE", "/v1.0/applications/<one>/federatedIdentityCredentials/<trust>", WRITE_APPS)
def distrust(at: Here, one: str, trust: str) -> Reply:
    thing = application(at, one)
    allowed(at, thing)
    found = thing.trusts.get(trust.lower())
    if found is None or not found.there.shown:
        raise missing(trust)
    found.there.set(False, at.now, at.gate.tenant.write_lag)
    return Reply(204)


def _trusts(at: Here, one: str, *, beta: bool) -> Reply:
    shown = [t for t in application(at, one).trusts.values() if t.there.shown]
    return Reply(200, [trust_row(t, beta=beta) for t in shown], rows=True, default=100, most=999)


def _trust(at: Here, one: str, *, beta: bool) -> Reply:
    thing, body = application(at, one), at.asked.json
    allowed(at, thing)
    unknown = set(body) - WRITTEN - ({EXPRESSION} if beta else set())
    if unknown or not body.get("name") or not body.get("issuer") or not body.get("audiences"):
        raise bad(f"Invalid federated identity credential: {', '.join(sorted(unknown)) or 'incomplete'}.")
    there = [t for t in thing.trusts.values() if t.there.shown]
    if len(there) >= MOST or any(t.name == body["name"] for t in there):
        raise bad("FederatedIdentityCredential with this name exists already, or there are 20.")
    made = _made(at, body)
    thing.trusts[made.id] = made
    record(at, "Add federated identity credential", target(thing))
    return Reply(201, trust_row(made, beta=beta))


def _made(at: Here, body: dict[str, Any]) -> Trust:
    expression = str((body.get(EXPRESSION) or {}).get("value") or "")
    if bool(body.get("subject")) == bool(expression):
        raise bad("Either a subject or an expression is needed.")
    return Trust(
        at.gate.tenant.new_id(), str(body["name"]), str(body["issuer"]), str(body.get("subject") or ""),
        [str(each) for each in body["audiences"]], Lagged(True, at.now), expression,
    )  # fmt: skip
