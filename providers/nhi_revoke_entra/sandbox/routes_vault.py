"""Key Vault: secrets and their versions. A PUT makes the newest version, which is current at once.

Microsoft docs: set-secret, get-secret, get-secret-versions, update-secret, get-deleted-secret; facts entra.md 5 (3).
Inner codes of 403 and 409 are as recorded answers of others show them; which 404 a missing version gives is recalled.
"""

from __future__ import annotations

import re
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_entra.permissions import GET_SECRETS, LIST_SECRETS, SET_SECRETS
from nhi_revoke_entra.sandbox.gate import VAULTS, Here, VaultTurned
from nhi_revoke_entra.sandbox.state import KEY_VAULT
from nhi_revoke_entra.sandbox.vault_state import Vault, VaultSecret, VaultVersion

TABLE = Table()
SECRET = f"{VAULTS}/<vault>/secrets/<name>"
NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
WRITTEN = frozenset({"value", "tags", "contentType", "attributes"})
ATTRIBUTES = frozenset({"enabled", "exp", "nbf"})


@TABLE.route("GET", f"{VAULTS}/<vault>/secrets", LIST_SECRETS)
def names(at: Here, vault: str) -> Reply:
    """The newest version of each, by its name and without its value (get-secrets)."""
    rows = []
    for name, secret in _vault(at, vault, LIST_SECRETS).secrets.items():
        if not secret.deleted:
            row = _row(at, vault, name, secret, secret.versions[-1])
            rows.append({**row, "id": row["id"].rpartition("/")[0]})
    return Reply(200, rows, rows=True, default=25, most=25)


@TABLE.route("GET", SECRET, GET_SECRETS)
def current(at: Here, vault: str, name: str) -> Reply:
    secret = _there(at, vault, name, GET_SECRETS)
    return _read(at, vault, name, secret, secret.versions[-1])


@TABLE.route("GET", f"{SECRET}/versions", LIST_SECRETS)
def versions(at: Here, vault: str, name: str) -> Reply:
    secret = _there(at, vault, name, LIST_SECRETS)
    rows = [_row(at, vault, name, secret, version) for version in secret.versions]
    return Reply(200, rows, rows=True, default=25, most=25)


@TABLE.route("GET", f"{SECRET}/<version>", GET_SECRETS)
def one(at: Here, vault: str, name: str, version: str) -> Reply:
    secret = _there(at, vault, name, GET_SECRETS)
    return _read(at, vault, name, secret, _version(secret, version))


@TABLE.route("PUT", SECRET, SET_SECRETS)
def put(at: Here, vault: str, name: str) -> Reply:
    body, secrets = _body(at), _vault(at, vault, SET_SECRETS).secrets
    if not NAME.fullmatch(name) or not isinstance(body.get("value"), str):
        raise VaultTurned(400, "BadParameter", "", "The request is invalid.")
    secret = secrets.setdefault(name.lower(), VaultSecret())
    if secret.deleted:
        says = "Secret is currently in a deleted but recoverable state, and its name cannot be reused."
        raise VaultTurned(409, "Conflict", "ObjectIsDeletedButRecoverable", says)
    if secret.managed:
        raise VaultTurned(403, "Forbidden", "SecretManagedByKeyVault", "The secret is managed by Key Vault.")
    told = dict(body.get("attributes") or {})
    made = VaultVersion(
        at.gate.tenant.new_id().replace("-", ""), body["value"], at.now, bool(told.pop("enabled", True)),
        str(body.get("contentType") or ""), dict(body.get("tags") or {}), {k: int(v) for k, v in told.items()},
    )  # fmt: skip
    secret.versions.append(made)
    return Reply(200, {**_row(at, vault, name, secret, made), "value": made.value})


@TABLE.route("PATCH", f"{SECRET}/<version>", SET_SECRETS)
def update(at: Here, vault: str, name: str, version: str) -> Reply:
    """What the body names, and nothing else: never the value."""
    secret, body = _there(at, vault, name, SET_SECRETS), _body(at)
    found = _version(secret, version)
    if "value" in body:
        raise VaultTurned(400, "BadParameter", "", "A value is never updated.")
    told = dict(body.get("attributes") or {})
    found.enabled = bool(told.pop("enabled", found.enabled))
    found.times.update({k: int(v) for k, v in told.items()})
    found.tags = dict(body.get("tags", found.tags))
    found.content_type = str(body.get("contentType", found.content_type))
    return Reply(200, _row(at, vault, name, secret, found))


@TABLE.route("GET", f"{VAULTS}/<vault>/deletedsecrets/<name>", GET_SECRETS)
def deleted(at: Here, vault: str, name: str) -> Reply:
    secret = _vault(at, vault, GET_SECRETS).secrets.get(name.lower())
    if secret is None or not secret.deleted:
        raise VaultTurned(404, "SecretNotFound", "", "Deleted Secret not found.")
    return Reply(200, {**_row(at, vault, name, secret, secret.versions[-1]), "recoveryId": f"…/deletedsecrets/{name}"})


# -- inside --------------------------------------------------------------------------------------------------------


def _vault(at: Here, name: str, needs: str) -> Vault:
    if at.caller.token is None or at.caller.token.resource != KEY_VAULT:
        raise Turned(401, "Unauthorized", "AKV10022: Invalid audience.")
    found = at.gate.tenant.vaults.get(name.lower())
    if found is None:
        raise Turned(404, "VaultNotFound", "A vault that is none has no address at all.")
    if found.by_policy is not None and needs not in found.by_policy:
        says = "The user, group or application does not have the permission on key vault."
        raise VaultTurned(403, "Forbidden", "ForbiddenByPolicy", says)
    return found


def _there(at: Here, vault: str, name: str, needs: str) -> VaultSecret:
    secret = _vault(at, vault, needs).secrets.get(name.lower())
    if secret is None or secret.deleted:
        raise VaultTurned(404, "SecretNotFound", "", f"A secret with (name/id) {name} was not found in this key vault.")
    return secret


def _version(secret: VaultSecret, version: str) -> VaultVersion:
    found = next((each for each in secret.versions if each.id == version), None)
    if found is None:
        raise VaultTurned(404, "SecretNotFound", "", "A secret with this version was not found in this key vault.")
    return found


def _read(at: Here, vault: str, name: str, secret: VaultSecret, version: VaultVersion) -> Reply:
    if not version.enabled:
        raise VaultTurned(403, "Forbidden", "SecretDisabled", "Operation get is not allowed on a disabled secret.")
    return Reply(200, {**_row(at, vault, name, secret, version), "value": version.value})


def _body(at: Here) -> dict[str, Any]:
    body = at.asked.json
    if set(body) - WRITTEN or set(body.get("attributes") or {}) - ATTRIBUTES:
        raise VaultTurned(400, "BadParameter", "", "The request has a property that is none.")
    return body


def _row(at: Here, vault: str, name: str, secret: VaultSecret, version: VaultVersion) -> dict[str, Any]:
    if not at.asked.query.get("api-version"):
        raise VaultTurned(400, "BadParameter", "", "api-version must be specified.")
    when = int(version.at.timestamp())
    row: dict[str, Any] = {
        "id": f"https://{vault}.vault.azure.net/secrets/{name}/{version.id}",
        "attributes": {"enabled": version.enabled, "created": when, "updated": when, **version.times},
        "tags": version.tags,
    }
    if version.content_type:
        row["contentType"] = version.content_type
    return {**row, "managed": True} if secret.managed else row
