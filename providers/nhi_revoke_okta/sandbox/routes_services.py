"""API service integrations and their secrets.

OpenAPI: listApiServiceIntegrationInstanceSecrets and its neighbours (two secrets at most; only an INACTIVE one is
deleted; the value in the answer to a create alone, hashed elsewhere). That an only secret cannot be deactivated is
documented for client secrets of apps; here it is taken to hold as well: the worse case for whoever contains.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.state import App, ClientSecret, Org, Refusal, Service, stamp

READ, MANAGE = "okta.oauthIntegrations.read", "okta.oauthIntegrations.manage"
ALL = "/integrations/api/v1/api-services"
ONE = f"{ALL}/<service>"
SECRETS = f"{ONE}/credentials/secrets"
SECRET = f"{SECRETS}/<secret>"
SLOTS = 2
LOGGED = "app.oauth2.credentials.lifecycle."


def new_service(org: Org, name: str, scopes: tuple[str, ...], creator: str, at: datetime) -> Service:
    """With one active secret, as Okta makes it. Its client id is its id."""
    unique = org.new_id("0oa")
    client = App(unique, unique, name, at, org.new_status(at), name="api_service")
    service = Service(unique, name, name.lower().replace(" ", "_"), at, creator, client)
    org.services[unique] = service
    seed.add_secret(org, client, at)
    for scope in scopes:
        seed.add_grant(org, client, scope, at)
    return service


@route("GET", ALL, READ)
def services(at: Context) -> Reply:
    return Reply(200, [_row(s, at.asked.url) for s in at.org.services.values()], rows=True, default=20)


@route("GET", ONE, READ)
def service(at: Context, service: str) -> Reply:
    return Reply(200, _row(_service(at, service), at.asked.url))


@route("GET", SECRETS, READ)
def secrets(at: Context, service: str) -> Reply:
    """Whole, without pages."""
    found = _service(at, service)
    return Reply(200, [_secret_row(at, found, s) for s in _there(found).values()])


@route("POST", SECRETS, MANAGE)
def create_secret(at: Context, service: str) -> Reply:
    found = _service(at, service)
    if len(_there(found)) >= SLOTS:
        raise Refusal(400, "E0000001", "Api validation failed: You can create up to two client secrets")
    made = seed.add_secret(at.org, found.client, at.now)
    _log(at, "create", found, made)
    return Reply(201, {**_secret_row(at, found, made), "client_secret": made.value})


@route("POST", f"{SECRET}/lifecycle/deactivate", MANAGE)
def deactivate_secret(at: Context, service: str, secret: str) -> Reply:
    found, held = _secret(at, service, secret)
    if len(_there(found)) == 1:
        why = "Api validation failed: You can't deactivate a secret if it's the only secret of the client"
        raise Refusal(400, "E0000001", why)
    return _set(at, found, held, "INACTIVE", "deactivate")


@route("POST", f"{SECRET}/lifecycle/activate", MANAGE)
def activate_secret(at: Context, service: str, secret: str) -> Reply:
    found, held = _secret(at, service, secret)
    return _set(at, found, held, "ACTIVE", "activate")


@route("DELETE", SECRET, MANAGE)
def delete_secret(at: Context, service: str, secret: str) -> Reply:
    found, held = _secret(at, service, secret)
    if held.status.shown != "INACTIVE":
        raise Refusal(400, "E0000001", "Api validation failed: You can only delete an inactive secret")
    held.status.set("GONE", at.now, at.org.write_lag)
    _log(at, "delete", found, held)
    return Reply(204)


@route("DELETE", ONE, MANAGE)
def delete_service(at: Context, service: str) -> Reply:
    """Nobody here ever asks for it: a test says so."""
    found = _service(at, service)
    found.client.status.set("GONE", at.now, at.org.write_lag)
    return Reply(204)


# -- inside ------------------------------------------------------------------------------------------------------------


def _service(at: Context, key: str) -> Service:
    found = at.org.services.get(key)
    if found is None or found.client.status.shown == "GONE":
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {key} (ApiServiceIntegrationInstance)")
    return found


def _there(found: Service) -> dict[str, ClientSecret]:
    return {i: s for i, s in found.client.secrets.items() if s.status.shown != "GONE"}


def _secret(at: Context, service: str, key: str) -> tuple[Service, ClientSecret]:
    found = _service(at, service)
    if key not in _there(found):
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {key} (OAuth2ClientSecret)")
    return found, found.client.secrets[key]


def _set(at: Context, found: Service, held: ClientSecret, status: Any, word: str) -> Reply:
    """Twice is no error: the answer is the same."""
    if held.status.shown != status:
        held.status.set(status, at.now, at.org.write_lag)
        _log(at, word, found, held)
    return Reply(200, _secret_row(at, found, held))


def _log(at: Context, word: str, found: Service, held: ClientSecret) -> None:
    """The secret stands in `detailEntry` of such events: whoever reads them must not keep that."""
    client = {"id": found.id, "type": "PublicClientApp", "alternateId": found.id, "displayName": found.name}
    secret = {
        "id": held.id, "type": "ClientSecret", "alternateId": None, "displayName": held.id,
        "detailEntry": {"clientSecret": held.value},
    }  # fmt: skip
    at.org.log(f"{LOGGED}{word}", at.now, at.by, client, secret)


def _row(found: Service, base: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "type": found.type,
        "name": found.name,
        "createdAt": stamp(found.created),
        "createdBy": found.creator,
        "grantedScopes": [g.scope for g in found.client.grants.values() if g.status.shown == "ACTIVE"],
        "_links": {
            "self": {"href": f"{base}{ALL}/{found.id}"},
            "client": {"href": f"{base}/oauth2/v1/clients/{found.client.client_id}"},
        },
    }


def _secret_row(at: Context, found: Service, held: ClientSecret) -> dict[str, Any]:
    here = f"{at.asked.url}{ALL}/{found.id}/credentials/secrets/{held.id}"
    other = "deactivate" if held.status.shown == "ACTIVE" else "activate"
    return {
        "id": held.id,
        "status": held.status.shown,
        "client_secret": f"***{held.value[-4:]}",
        "secret_hash": hashlib.sha256(held.value.encode()).hexdigest()[:22],
        "created": stamp(held.created),
        "lastUpdated": stamp(held.created),
        "_links": {
            other: {"href": f"{here}/lifecycle/{other}"},
            **({"delete": {"href": here}} if other == "activate" else {}),
        },
    }
