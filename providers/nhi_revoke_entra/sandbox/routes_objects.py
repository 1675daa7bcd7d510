"""Applications and service principals: by object id, by appId, by display name; changed by PATCH.

facts entra.md 2: passwords are no matter of a PATCH; keyCredentials is a full replace, known ones by their keyId; `key`
is told of one object where it was selected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS
from nhi_revoke_entra.sandbox.auditing import of_credentials, record, target
from nhi_revoke_entra.sandbox.drawn import Drawn
from nhi_revoke_entra.sandbox.gate import Here, allowed, bad, missing, unlocked
from nhi_revoke_entra.sandbox.policy_state import in_force
from nhi_revoke_entra.sandbox.rows import application_row, principal_row
from nhi_revoke_entra.sandbox.state import Application, Directory, Key, ServicePrincipal

TABLE = Table()
A_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NAMED = re.compile(r"(displayName|appId) eq '((?:[^']|'')*)'")
MEMBERS = {"displayName": "name", "appId": "app_id"}


def application(at: Here, one: str) -> Application:
    """Raises 404."""
    found = at.gate.tenant.applications.get(one.lower())
    if found is None:
        raise missing(one)
    return found


def principal(at: Here, one: str) -> ServicePrincipal:
    """Raises 404."""
    found = at.gate.tenant.principals.get(one.lower())
    if found is None:
        raise missing(one)
    return found


@TABLE.route("GET", "/v1.0/applications", READ_APPS)
def applications(at: Here) -> Reply:
    return _listed(at, at.gate.tenant.applications, application_row)


@TABLE.route("GET", "/v1.0/servicePrincipals", READ_APPS)
def principals(at: Here) -> Reply:
    return _listed(at, at.gate.tenant.principals, partial(principal_row, tenant=at.gate.tenant))


@TABLE.route("GET", "/v1.0/applications/<one>", READ_APPS)
def read_application(at: Here, one: str) -> Reply:
    return Reply(200, selected(at, application_row(application(at, one), one=_whole(at))))


@TABLE.route("GET", "/v1.0/servicePrincipals/<one>", READ_APPS)
def read_principal(at: Here, one: str) -> Reply:
    return Reply(200, selected(at, principal_row(principal(at, one), one=_whole(at), tenant=at.gate.tenant)))


@TABLE.route("GET", "/v1.0/applications(appId='<app>')", READ_APPS)
def application_by_app(at: Here, app: str) -> Reply:
    found = at.gate.tenant.application_of(app)
    if found is None:
        raise missing(app)
    return Reply(200, selected(at, application_row(found, one=_whole(at))))


@TABLE.route("GET", "/v1.0/servicePrincipals(appId='<app>')", READ_APPS)
def principal_by_app(at: Here, app: str) -> Reply:
    found = at.gate.tenant.principal_of(app)
    if found is None:
        raise missing(app)
    return Reply(200, selected(at, principal_row(found, one=_whole(at), tenant=at.gate.tenant)))


@TABLE.route("PATCH", "/v1.0/applications/<one>", WRITE_APPS)
def change_application(at: Here, one: str) -> Reply:
    thing = application(at, one)
    allowed(at, thing)
    _patch(
        at,
        thing,
        {"keyCredentials": _replace_keys, "notes": _noted, "isDisabled": _deactivate, "managerApplications": _managed},
    )
    return Reply(204)


@TABLE.route("PATCH", "/beta/applications/<one>", WRITE_APPS)
def deactivate_in_beta(at: Here, one: str) -> Reply:
    """The one write that the documents show there (facts entra.md 2, "deactivate app")."""
    thing = application(at, one)
    allowed(at, thing)
    _patch(at, thing, {"isDisabled": _deactivate})
    return Reply(204)


@TABLE.route("PATCH", "/v1.0/servicePrincipals/<one>", WRITE_APPS)
def change_principal(at: Here, one: str) -> Reply:
    thing = principal(at, one)
    allowed(at, thing)
    own = at.gate.tenant.application_of(thing.app_id)
    if thing.blueprint or (own is not None and own.agents):
        # No document says that the permission for apps is enough here: the worse case.
        raise Turned(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    _patch(at, thing, {"keyCredentials": _replace_keys, "notes": _noted, "accountEnabled": _enable})
    return Reply(204)


# -- reading -------------------------------------------------------------------------------------------------------


def _listed(at: Here, things: Mapping[str, Any], row: Callable[[Any], dict[str, Any]]) -> Reply:
    wanted = at.asked.query.get("$filter", "")
    found = NAMED.fullmatch(wanted)
    if wanted and found is None:
        raise bad(f"Invalid filter clause: {wanted}")
    kept = list(things.values())
    if found is not None:
        value = found.group(2).replace("''", "'").lower()
        kept = [thing for thing in kept if str(getattr(thing, MEMBERS[found.group(1)])).lower() == value]
    rows = Drawn(kept, lambda thing: selected(at, row(thing)))
    return Reply(200, rows, rows=True, default=100, most=999)


def _whole(at: Here) -> bool:
    return "keyCredentials" in at.asked.query.get("$select", "").split(",")


def selected(at: Here, row: dict[str, Any]) -> dict[str, Any]:
    """The members that were asked for. Raises 400 for an unknown one."""
    names = [name for name in at.asked.query.get("$select", "").split(",") if name]
    unknown = [name for name in names if name not in row]
    if unknown:
        raise bad(f"Could not find a property named '{unknown[0]}'.")
    kept = {name: row[name] for name in names} if names else row
    return {**{name: row[name] for name in row if name.startswith("@odata.")}, **kept}


# -- changing ------------------------------------------------------------------------------------------------------


def _patch(at: Here, thing: Directory, known: Mapping[str, Callable[[Here, Any, Any], None]]) -> None:
    body, what = at.asked.json, "application" if isinstance(thing, Application) else "service principal"
    for name in body:
        if name not in known:
            raise bad(f"Property '{name}' is invalid or cannot be updated.")
    for name, value in body.items():
        known[name](at, thing, value)
    if "keyCredentials" in body:
        of_credentials(at, thing, "a certificate")
    else:
        record(at, f"Update {what}", target(thing))


def _noted(_at: Here, thing: Any, value: Any) -> None:
    """Free text."""
    if not isinstance(value, str):
        raise bad("Invalid value specified for property 'notes'.")
    thing.notes = value


def _deactivate(at: Here, thing: Any, value: Any) -> None:
    if not isinstance(value, bool):
        raise bad("Invalid value specified for property 'isDisabled'.")
    thing.disabled.set(value, at.now, at.gate.tenant.write_lag)


def _managed(at: Here, thing: Any, value: Any) -> None:
    """What is not sent is gone."""
    if not isinstance(value, list) or not all(A_GUID.fullmatch(str(each)) for each in value):
        raise bad("Invalid value specified for property 'managerApplications'.")
    for app in value:
        thing.managers.setdefault(app, Lagged(False, at.now))
    for app, there in thing.managers.items():
        if there.shown != (app in value):
            there.set(app in value, at.now, at.gate.tenant.write_lag)


def _enable(at: Here, thing: Any, value: Any) -> None:
    if not isinstance(value, bool):
        raise bad("Invalid value specified for property 'accountEnabled'.")
    thing.null_enabled = False
    if thing.enabled.shown != value:
        thing.enable(value, at.now, at.gate.tenant.write_lag)


def _replace_keys(at: Here, thing: Any, rows: Any) -> None:
    """What is not sent is gone; what is known by its keyId stays as it is, and may not be changed."""
    unlocked(at, thing)
    lag = at.gate.tenant.write_lag
    if not isinstance(rows, list):
        raise bad("Invalid value specified for property 'keyCredentials'.")
    sent = {str(row.get("keyId") or at.gate.tenant.new_id()).lower(): row for row in rows}
    made = {key: _new_key(at, thing, key, row) for key, row in sent.items() if key not in thing.keys}
    for key_id, row in sent.items():
        old = thing.keys.get(key_id)
        if old is not None and (str(row.get("usage")) != old.usage or moment(row.get("endDateTime")) != old.end):
            raise bad(f"Update to existing credential with KeyId '{key_id}' is not allowed.")
    thing.keys.update(made)
    for key_id, key in thing.keys.items():
        wanted = key_id in sent
        if key.there.shown and not wanted:
            key.there.set(False, at.now, lag)
        elif wanted and not key.there.shown:
            key.there.set(True, at.now, lag)


def _new_key(at: Here, thing: Directory, key_id: str, row: Mapping[str, Any]) -> Key:
    """Its times are the certificate's own. Codes of what a policy refuses are recalled."""
    from nhi_revoke_entra.sandbox.plant_keys import mark_of, times_of

    certificate = str(row.get("key") or "")
    if not certificate or str(row.get("type")) != "AsymmetricX509Cert":
        raise bad("Key credential has no key, or no type.")
    tenant = at.gate.tenant
    start, end = times_of(certificate)
    policy = in_force(tenant.policy, thing.policies if isinstance(thing, Application) else [])
    if policy.refuses_key(thing.created, end - start):
        says = f"Credential lifetime exceeds the max value allowed as per assigned policy {policy.name}."
        raise Turned(400, "CredentialInvalidLifetimeAsPerAppPolicy", says)
    return Key(
        key_id or tenant.new_id(), str(row.get("displayName") or ""), str(row.get("usage") or "Verify"), certificate,
        mark_of(certificate), start, end, Lagged(True, at.now), replicated=at.now + timedelta(seconds=tenant.write_lag),
    )  # fmt: skip
