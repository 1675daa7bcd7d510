"""Client secrets of an app: two at most, the only one is never deactivated, only an inactive one is deleted.

OpenAPI: listOAuth2ClientSecrets and its neighbours; facts okta-github.md 1.1 and 1.2 (the list shows them in clear).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.seed import add_secret
from nhi_revoke_okta.sandbox.state import App, ClientSecret, Refusal, Status, stamp

MOST = 2
LONGEST = 100
WITH_SECRETS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
ALL = "/api/v1/apps/<app>/credentials/secrets"
ONE = f"{ALL}/<secret>"


@route("GET", ALL, "okta.apps.read")
def secrets(at: Context, app: str) -> Reply:
    owner = at.org.app(app)
    at.org.log("app.oauth2.client.read_client_secret", at.now, at.by, target_of(owner))
    return Reply(200, [_row(at, owner, s) for s in _shown(owner)], rows=True, default=200)


@route("GET", ONE, "okta.apps.read")
def secret(at: Context, app: str, secret: str) -> Reply:
    owner = at.org.app(app)
    at.org.log("app.oauth2.client.read_client_secret", at.now, at.by, target_of(owner))
    return Reply(200, _row(at, owner, _named(owner, secret)))


@route("POST", ALL, "okta.apps.manage")
def create_secret(at: Context, app: str) -> Reply:
    """An own value, or one that Okta generates."""
    owner, asked = at.org.app(app), at.asked.json
    value, status = asked.get("client_secret"), asked.get("status", "ACTIVE")
    if owner.auth_method not in WITH_SECRETS or status not in ("ACTIVE", "INACTIVE"):
        raise _invalid("The client authentication method has no client secret.")
    if len(_shown(owner)) >= MOST:
        raise _invalid("The maximum number of client secrets is reached.")
    shortest = 32 if owner.auth_method == "client_secret_jwt" else 14
    if value is not None and not (isinstance(value, str) and shortest <= len(value) <= LONGEST):
        raise _invalid("client_secret has a wrong length.")
    made = add_secret(at.org, owner, at.now, status)
    if value is not None:
        made.value = value
        at.org.secrets.append(value)
    _logged(at, owner, made, "create")
    return Reply(201, _row(at, owner, made))


@route("POST", f"{ONE}/lifecycle/activate", "okta.apps.manage")
def activate_secret(at: Context, app: str, secret: str) -> Reply:
    return _set(at, app, secret, "ACTIVE", "activate")


@route("POST", f"{ONE}/lifecycle/deactivate", "okta.apps.manage")
def deactivate_secret(at: Context, app: str, secret: str) -> Reply:
    if len(_shown(at.org.app(app))) < MOST:
        raise _invalid("The only secret of a client cannot be deactivated.")
    return _set(at, app, secret, "INACTIVE", "deactivate")


@route("DELETE", ONE, "okta.apps.manage")
def delete_secret(at: Context, app: str, secret: str) -> Reply:
    owner = at.org.app(app)
    gone = _named(owner, secret)
    if gone.status.shown != "INACTIVE":
        raise _invalid("Only an inactive client secret can be deleted.")
    gone.status.set("GONE", at.now, at.org.write_lag)
    _logged(at, owner, gone, "delete")
    return Reply(204)


def target_of(app: App) -> dict[str, Any]:
    """An app, as the System Log names it."""
    return {"id": app.id, "type": "AppInstance", "alternateId": app.label, "displayName": app.label}


def _set(at: Context, app: str, secret: str, status: Status, verb: str) -> Reply:
    owner = at.org.app(app)
    found = _named(owner, secret)
    if found.status.shown != status:
        found.status.set(status, at.now, at.org.write_lag)
        _logged(at, owner, found, verb)
    return Reply(200, _row(at, owner, found))


def _shown(app: App) -> list[ClientSecret]:
    return [s for s in app.secrets.values() if s.status.shown != "GONE"]


def _named(app: App, secret: str) -> ClientSecret:
    found = app.secrets.get(secret)
    if found is None or found.status.shown == "GONE":
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {secret} (OAuth2ClientSecret)")
    return found


def _invalid(why: str) -> Refusal:
    return Refusal(400, "E0000001", f"Api validation failed: {why}")


def _logged(at: Context, app: App, secret: ClientSecret, verb: str) -> None:
    target = {"id": secret.id, "type": "OAuth2ClientSecret", "alternateId": None, "displayName": "Client secret"}
    at.org.log(f"app.oauth2.credentials.lifecycle.{verb}", at.now, at.by, target_of(app), target)


def _row(at: Context, app: App, secret: ClientSecret) -> dict[str, Any]:
    here = f"{at.asked.url}/api/v1/apps/{app.id}/credentials/secrets/{secret.id}"
    verb = "deactivate" if secret.status.shown == "ACTIVE" else "activate"
    digest = hashlib.md5(secret.value.encode(), usedforsecurity=False).digest()
    return {
        "id": secret.id,
        "status": secret.status.shown,
        "client_secret": secret.value,
        "secret_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "created": stamp(secret.created),
        "lastUpdated": stamp(secret.created),
        "_links": {verb: {"href": f"{here}/lifecycle/{verb}", "hints": {"allow": ["POST"]}}},
    }
