"""Public keys of an app: fifty at most, each with a kid; signing keys are deactivated, inactive ones deleted.

OpenAPI: listJwk and its neighbours; facts okta-github.md 1.1 (the list comes wrapped) and 1.2.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.routes_secrets import target_of
from nhi_revoke_okta.sandbox.state import App, ClientKey, Refusal, Status, stamp

MOST = 50
"""Okta docs: guides/key-management."""
ALL = "/api/v1/apps/<app>/credentials/jwks"
ONE = f"{ALL}/<key>"
MEMBERS = {"RSA": ("n", "e"), "EC": ("x", "y")}


@route("GET", ALL, "okta.apps.read")
def keys(at: Context, app: str) -> Reply:
    owner = at.org.app(app)
    return Reply(200, {"jwks": {"keys": [_row(at, owner, k) for k in _shown(owner)]}})


@route("GET", ONE, "okta.apps.read")
def key(at: Context, app: str, key: str) -> Reply:
    owner = at.org.app(app)
    return Reply(200, _row(at, owner, _named(owner, key)))


@route("POST", ALL, "okta.apps.manage")
def create_key(at: Context, app: str) -> Reply:
    owner, asked = at.org.app(app), at.asked.json
    there = _shown(owner)
    jwk = {name: value for name, value in asked.items() if name not in ("id", "status", "created", "lastUpdated")}
    if any(member not in jwk for member in MEMBERS.get(str(jwk.get("kty")), ("kty",))):
        raise _invalid("kty")
    if not jwk.get("kid") or any(not k.kid for k in there) or any(k.kid == jwk["kid"] for k in there):
        raise _invalid("kid")
    if owner.jwks_uri or len(there) >= MOST or jwk.get("use") not in ("sig", "enc"):
        raise _invalid("jwks")
    status: Status = "INACTIVE" if asked.get("status") == "INACTIVE" else "ACTIVE"
    made = ClientKey(at.org.new_id("pks"), str(jwk["kid"]), jwk, at.now, at.org.new_status(at.now, status))
    owner.keys[made.id] = made
    _logged(at, owner, made, "create")
    return Reply(201, _row(at, owner, made))


@route("POST", f"{ONE}/lifecycle/activate", "okta.apps.manage")
def activate_key(at: Context, app: str, key: str) -> Reply:
    """One active encryption key: the present one makes room."""
    owner = at.org.app(app)
    found = _named(owner, key)
    if found.jwk.get("use") == "enc":
        for other in _shown(owner):
            if other is not found and other.jwk.get("use") == "enc" and other.status.shown == "ACTIVE":
                other.status.set("INACTIVE", at.now, at.org.write_lag)
    return _set(at, owner, found, "ACTIVE", "activate")


@route("POST", f"{ONE}/lifecycle/deactivate", "okta.apps.manage")
def deactivate_key(at: Context, app: str, key: str) -> Reply:
    owner = at.org.app(app)
    found = _named(owner, key)
    if found.jwk.get("use") == "enc":
        raise _invalid("Only signing keys can be deactivated.")
    return _set(at, owner, found, "INACTIVE", "deactivate")


@route("DELETE", ONE, "okta.apps.manage")
def delete_key(at: Context, app: str, key: str) -> Reply:
    owner = at.org.app(app)
    gone = _named(owner, key)
    if gone.status.shown != "INACTIVE":
        raise _invalid("Only an inactive key can be deleted.")
    gone.status.set("GONE", at.now, at.org.write_lag)
    _logged(at, owner, gone, "delete")
    return Reply(204)


def _set(at: Context, app: App, key: ClientKey, status: Status, verb: str) -> Reply:
    if key.status.shown != status:
        key.status.set(status, at.now, at.org.write_lag)
        _logged(at, app, key, verb)
    return Reply(200, _row(at, app, key))


def _shown(app: App) -> list[ClientKey]:
    return [k for k in app.keys.values() if k.status.shown != "GONE"]


def _named(app: App, key: str) -> ClientKey:
    found = app.keys.get(key)
    if found is None or found.status.shown == "GONE":
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {key} (JsonWebKey)")
    return found


def _invalid(why: str) -> Refusal:
    return Refusal(400, "E0000001", f"Api validation failed: {why}")


def _logged(at: Context, app: App, key: ClientKey, verb: str) -> None:
    target = {"id": key.id, "type": "JsonWebKey", "alternateId": key.kid, "displayName": "Public key"}
    at.org.log(f"app.oauth2.credentials.lifecycle.{verb}", at.now, at.by, target_of(app), target)


def _row(at: Context, app: App, key: ClientKey) -> dict[str, Any]:
    here = f"{at.asked.url}/api/v1/apps/{app.id}/credentials/jwks/{key.id}"
    verb = "deactivate" if key.status.shown == "ACTIVE" else "activate"
    return {
        **key.jwk,
        "id": key.id,
        "kid": key.kid or None,
        "status": key.status.shown,
        "created": stamp(key.created),
        "lastUpdated": stamp(key.created),
        "_links": {verb: {"href": f"{here}/lifecycle/{verb}", "hints": {"allow": ["POST"]}}},
    }
