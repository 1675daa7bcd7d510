"""Secrets of Actions, environments, organisations and Dependabot: sealed boxes, really opened. Values are never told.

OpenAPI: actions/create-or-update-repo-secret (201 new, 204 updated; `encrypted_value`, `key_id`), …-org-secret
(`visibility` is required), …-environment-secret, dependabot/create-or-update-repo-secret. GitHub docs: encrypting
secrets for the REST API. That a key id which is out of date answers 422 is not documented (facts okta-github.md 5).
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_actions import READ as ACTIONS_READ
from nhi_revoke_github.sandbox.routes_actions import REPO, found, the_org
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.rows import API, SITE
from nhi_revoke_github.sandbox.rows_repositories import minimal_repository
from nhi_revoke_github.sandbox.state import Hub, stamp

TABLE = Table()
NAME = re.compile(r"(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)
"""GitHub docs: naming your secrets."""
ACTIONS, DEPENDABOT = f"{REPO}/actions/secrets", f"{REPO}/dependabot/secrets"
ENVIRONMENT, ORG = f"{REPO}/environments/<environment>/secrets", "/orgs/<org>/actions/secrets"
ORG_FOR_REPO = f"{REPO}/actions/organization-secrets"
Shelf = dict[str, dict[str, Any]]


def private_key(hub: Hub, namespace: str) -> Any:
    """Of a namespace (`OWNER/REPO actions`, …): each has its own."""
    from nacl.public import PrivateKey

    if namespace not in hub.sealing:
        hub.sealing[namespace] = PrivateKey(hub.entropy.randbytes(32))
    return hub.sealing[namespace]


def key_id(key: Any) -> str:
    return str(int.from_bytes(bytes(key.public_key)[:8], "big"))


def rotate(hub: Hub, namespace: str) -> None:
    """GitHub changes its key whenever it likes."""
    hub.sealing.pop(namespace, None)


def _key(at: Here, namespace: str) -> Reply:
    key = private_key(at.gate.hub, namespace)
    return Reply(200, {"key_id": key_id(key), "key": base64.b64encode(bytes(key.public_key)).decode()})


def _opened(at: Here, namespace: str) -> str:
    """Raises 422 for another key's id, and for what is no sealed box."""
    from nacl.exceptions import CryptoError
    from nacl.public import SealedBox

    body, key = at.asked.json, private_key(at.gate.hub, namespace)
    sealed = str(body.get("encrypted_value") or "")
    if body.get("key_id") != key_id(key):
        raise Turned(422, "invalid", "The key_id is not this namespace's public key")
    try:
        return bytes(SealedBox(key).decrypt(base64.b64decode(sealed, validate=True))).decode()
    except (ValueError, CryptoError):
        raise Turned(422, "invalid", "encrypted_value is no sealed box for this key") from None


def _put(at: Here, shelf: Shelf, namespace: str, name: str, **more: Any) -> Reply:
    if not NAME.fullmatch(name):
        raise Turned(422, "invalid", "Secret names can only contain alphanumeric characters and underscores")
    value, old = _opened(at, namespace), shelf.get(name.upper())
    shelf[name.upper()] = {
        "created": old["created"] if old else at.now, "updated": at.now, "value": value, **more,
    }  # fmt: skip
    verb = "update" if old else "create"
    at.gate.hub.log(f"org.{verb}_actions_secret", at.now, at.caller.login, key=name.upper())
    return Reply(204) if old else Reply(201, {})


def _delete(shelf: Shelf, name: str) -> Reply:
    if shelf.pop(name.upper(), None) is None:
        raise NOT_FOUND
    return Reply(204)


def _get(shelf: Shelf, name: str) -> Reply:
    if name.upper() not in shelf:
        raise NOT_FOUND
    return Reply(200, _row(name.upper(), shelf[name.upper()]))


def _listed(shelf: Shelf) -> Reply:
    return Reply(200, [_row(name, kept) for name, kept in shelf.items()], rows=True, under="secrets")


def _row(name: str, kept: dict[str, Any]) -> dict[str, Any]:
    shown = {"name": name, "created_at": stamp(kept["created"]), "updated_at": stamp(kept["updated"])}
    return {**shown, "visibility": kept["visibility"]} if "visibility" in kept else shown


def new_secret(shelf: Shelf, name: str, value: str, at: datetime, **more: Any) -> None:
    shelf[name] = {"created": at, "updated": at, "value": value, **more}


# -- a repository's: of Actions, Dependabot and environments -----------------------------------------------------------


def _shelf(at: Here, kind: str, owner: str, repo: str, *environment: str) -> tuple[Shelf, str]:
    repository = found(at, owner, repo)
    namespace = f"environments/{environment[0]}" if environment else kind
    if environment and namespace not in repository.secrets:
        raise NOT_FOUND
    return repository.secrets.setdefault(namespace, {}), f"{repository.full_name} {namespace}"


def _of_repository(path: str, kind: str, permission: str) -> None:
    read, write = f"{permission}:read", f"{permission}:write"

    @TABLE.route("GET", path, read)
    def listed(at: Here, *where: str) -> Reply:
        return _listed(_shelf(at, kind, *where)[0])

    @TABLE.route("GET", f"{path}/public-key", read)
    def key(at: Here, *where: str) -> Reply:
        return _key(at, _shelf(at, kind, *where)[1])

    @TABLE.route("GET", f"{path}/<name>", read)
    def one(at: Here, *where: str) -> Reply:
        return _get(_shelf(at, kind, *where[:-1])[0], where[-1])

    @TABLE.route("PUT", f"{path}/<name>", write)
    def put(at: Here, *where: str) -> Reply:
        return _put(at, *_shelf(at, kind, *where[:-1]), where[-1])

    @TABLE.route("DELETE", f"{path}/<name>", write)
    def delete(at: Here, *where: str) -> Reply:
        return _delete(_shelf(at, kind, *where[:-1])[0], where[-1])


_of_repository(ACTIONS, "actions", "secrets")
_of_repository(DEPENDABOT, "dependabot", "dependabot_secrets")
_of_repository(ENVIRONMENT, "environments", "environments")


@TABLE.route("GET", f"{REPO}/environments", ACTIONS_READ)
def environments(at: Here, owner: str, repo: str) -> Reply:
    repository = found(at, owner, repo)
    names = [n.partition("/")[2] for n in repository.secrets if n.startswith("environments/")]
    then, place = stamp(repository.created), f"{repository.full_name}/environments"
    rows = [
        {"id": number, "node_id": f"E{number}", "name": name, "url": f"{API}/repos/{place}/{name}",
         "html_url": f"{SITE}/{place}/{name}", "created_at": then, "updated_at": then}
        for number, name in enumerate(names, 1)
    ]  # fmt: skip
    return Reply(200, rows, rows=True, under="environments")


# -- the organisation's ------------------------------------------------------------------------------------------------

ORG_READ, ORG_WRITE = "organization_secrets:read", "organization_secrets:write"


def _shelf_of_org(at: Here, org: str) -> Shelf:
    the_org(at, org)
    return at.gate.hub.org_secrets


@TABLE.route("GET", ORG, ORG_READ)
def org_listed(at: Here, org: str) -> Reply:
    return _listed(_shelf_of_org(at, org))


@TABLE.route("GET", f"{ORG}/public-key", ORG_READ)
def org_key(at: Here, org: str) -> Reply:
    return _key(at, org)


@TABLE.route("GET", f"{ORG}/<name>", ORG_READ)
def org_one(at: Here, org: str, name: str) -> Reply:
    return _get(_shelf_of_org(at, org), name)


@TABLE.route("GET", f"{ORG}/<name>/repositories", ORG_READ)
def org_repositories(at: Here, org: str, name: str) -> Reply:
    kept = _shelf_of_org(at, org).get(name.upper())
    if kept is None:
        raise NOT_FOUND
    if kept["visibility"] != "selected":
        raise Turned(409, "conflict", "Visibility is not selected")
    mine = [r for r in at.gate.hub.repositories.values() if r.id in kept["repositories"]]
    return Reply(200, [minimal_repository(at.gate.hub, r) for r in mine], rows=True, under="repositories")


@TABLE.route("PUT", f"{ORG}/<name>", ORG_WRITE)
def org_put(at: Here, org: str, name: str) -> Reply:
    """What is not named again is lost: the list of selected repositories, too."""
    body = at.asked.json
    if body.get("visibility") not in ("all", "private", "selected"):
        raise Turned(422, "invalid", "visibility is required")
    chosen = [int(i) for i in body.get("selected_repository_ids") or ()]
    return _put(at, _shelf_of_org(at, org), org, name, visibility=body["visibility"], repositories=chosen)


@TABLE.route("DELETE", f"{ORG}/<name>", ORG_WRITE)
def org_delete(at: Here, org: str, name: str) -> Reply:
    return _delete(_shelf_of_org(at, org), name)


@TABLE.route("GET", ORG_FOR_REPO, "secrets:read")
def org_for_repo(at: Here, owner: str, repo: str) -> Reply:
    repository = found(at, owner, repo)
    mine = {
        name: kept
        for name, kept in at.gate.hub.org_secrets.items()
        if kept["visibility"] == "all"
        or (kept["visibility"] == "private" and repository.private)
        or repository.id in kept["repositories"]
    }
    shown = [{k: v for k, v in _row(n, kept).items() if k != "visibility"} for n, kept in mine.items()]
    return Reply(200, shown, rows=True, under="secrets")
