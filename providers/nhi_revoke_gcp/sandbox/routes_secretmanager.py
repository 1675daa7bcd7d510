"""What Secret Manager answers (discovery document secretmanager.v1; facts gcp.md 4).

An etag that is not the present one is FAILED_PRECONDITION (Google Cloud docs: secret-manager/etags), and so is the text
of a version that is not enabled. A destroyed version stays so.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp import permissions as p
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, is_off
from nhi_revoke_gcp.sandbox.secrets import DESTROYED, DISABLED, ENABLED, HeldSecret, HeldVersion
from nhi_revoke_gcp.store.crc32c import crc32c

TABLE = Table()
SECRET = "/v1/projects/<project>/secrets/<name>"
VERSION = f"{SECRET}/versions/<version>"
MOST = 65536
DESTROY_VERSION = "secretmanager.versions.destroy"


@TABLE.route("GET", "/v1/projects/<project>/secrets", p.LIST_SECRETS)
def listed(at: Here, project: str) -> Reply:
    """No payload; the project by its number (projects.secrets.list)."""
    cloud = at.gate.cloud
    if "secretmanager" in cloud.off:
        raise is_off("secretmanager")
    if cloud.secret_manager.granted is not None and p.LIST_SECRETS not in cloud.secret_manager.granted:
        raise Refused("PERMISSION_DENIED", f"Permission '{p.LIST_SECRETS}' denied for resource.")
    rows = [_of(each) for (where, _), each in cloud.secret_manager.secrets.items() if where == project]
    number = cloud.levels.numbers.get(project, project)
    for row in rows:
        row["name"] = f"projects/{number}/secrets/{row['name'].rpartition('/')[2]}"
    return Reply(200, rows, rows=True, default=25000, most=25000, under="secrets")


@TABLE.route("GET", SECRET, p.GET_SECRET)
def get(at: Here, project: str, name: str) -> Reply:
    return Reply(200, _of(_secret(at, project, name, p.GET_SECRET)))


def _of(secret: HeldSecret) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": f"projects/{secret.project}/secrets/{secret.name}",
        "replication": {"automatic": {}},
        "createTime": stamp(secret.at),
        "etag": '"1"',
    }
    if secret.aliases:
        row["versionAliases"] = {alias: str(number) for alias, number in secret.aliases.items()}
    more = {"labels": secret.labels, "annotations": secret.annotations}
    return {**row, **{name: dict(told) for name, told in more.items() if told}}


@TABLE.route("POST", f"{SECRET}:testIamPermissions", "", mutates=False)
def permitted(at: Here, project: str, name: str) -> Reply:
    """It needs no permission. Of a secret that is not there nothing is allowed."""
    granted = at.gate.cloud.secret_manager.granted
    asked = [str(each) for each in at.asked.json.get("permissions") or ()]
    there = (project, name) in at.gate.cloud.secret_manager.secrets
    had = [each for each in asked if there and (granted is None or each in granted) and at.gate.lets(at.caller, each)]
    return Reply(200, {"permissions": had} if had else {})


@TABLE.route("GET", f"{SECRET}/versions", p.LIST_VERSIONS)
def versions(at: Here, project: str, name: str) -> Reply:
    """The newest first; what was added a moment ago may be missing."""
    secret = _secret(at, project, name, p.LIST_VERSIONS)
    known = [each for each in reversed(secret.versions) if each.listed.obeyed(at.now)]
    rows = [_row(secret, each) for each in known]
    return Reply(200, rows, rows=True, default=100, most=25000, under="versions")


@TABLE.route("GET", VERSION, p.GET_VERSION)
def version(at: Here, project: str, name: str, version: str) -> Reply:
    secret = _secret(at, project, name, p.GET_VERSION)
    return Reply(200, _row(secret, _version(at, secret, version)))


@TABLE.route("GET", f"{VERSION}:access", p.ACCESS_VERSION)
def access(at: Here, project: str, name: str, version: str) -> Reply:
    """The workload's own account may, too."""
    secret, state = _secret(at, project, name, p.ACCESS_VERSION), at.gate.cloud.secret_manager
    found = _version(at, secret, version)
    if found.state != ENABLED:
        raise Refused("FAILED_PRECONDITION", f"Secret Version [{_name(secret, found)}] is in {found.state} state.")
    data, told = found.data, str(crc32c(found.data))
    if state.damage:
        state.damage, data = state.damage - 1, data + b"!"
    payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": told}
    return Reply(200, {"name": _name(secret, found), "payload": payload})


@TABLE.route("POST", f"{SECRET}:addVersion", p.ADD_VERSION)
def add(at: Here, project: str, name: str) -> Reply:
    """Each one is a version more, whatever it holds."""
    secret = _secret(at, project, name, p.ADD_VERSION)
    payload = at.asked.json.get("payload") or {}
    try:
        data = base64.b64decode(str(payload.get("data") or ""), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("INVALID_ARGUMENT", "Invalid value at 'payload.data'.") from None
    given = payload.get("dataCrc32c")
    if len(data) > MOST or (given is not None and str(given) != str(crc32c(data))):
        raise Refused("INVALID_ARGUMENT", "The payload is too large, or does not match its checksum.")
    made = secret.add(data, at.now, at.gate.cloud.write_lag)
    made.summed = given is not None
    return Reply(200, _row(secret, made))


@TABLE.route("POST", f"{VERSION}:disable", p.DISABLE_VERSION)
def disable(at: Here, project: str, name: str, version: str) -> Reply:
    return _changed(at, _secret(at, project, name, p.DISABLE_VERSION), version, DISABLED)


@TABLE.route("POST", f"{VERSION}:enable", p.ENABLE_VERSION)
def enable(at: Here, project: str, name: str, version: str) -> Reply:
    return _changed(at, _secret(at, project, name, p.ENABLE_VERSION), version, ENABLED)


@TABLE.route("POST", f"{VERSION}:destroy", DESTROY_VERSION)
def destroy(at: Here, project: str, name: str, version: str) -> Reply:
    """This tool never does; an intruder or an administrator may. Its text is gone."""
    secret = _secret(at, project, name, DESTROY_VERSION)
    _changed(at, secret, version, DESTROYED)
    found = _version(at, secret, version)
    found.data, found.destroyed = b"", at.now
    return Reply(200, _row(secret, found))


# -- inside --------------------------------------------------------------------------------------------------------


def _secret(at: Here, project: str, name: str, needs: str) -> HeldSecret:
    """Raises Refused."""
    state = at.gate.cloud.secret_manager
    if "secretmanager" in at.gate.cloud.off:
        raise is_off("secretmanager")
    if state.granted is not None and needs not in state.granted:
        raise Refused("PERMISSION_DENIED", f"Permission '{needs}' denied on resource (or it may not exist).")
    found = state.secrets.get((project, name))
    if found is None:
        raise Refused("NOT_FOUND", f"Secret [projects/{project}/secrets/{name}] not found.")
    return found


def _version(at: Here, secret: HeldSecret, named: str) -> HeldVersion:
    """Raises Refused."""
    found = secret.named(named, at.now)
    if found is None:
        raise Refused("NOT_FOUND", f"Secret Version [projects/…/secrets/{secret.name}/versions/{named}] not found.")
    return found


def _changed(at: Here, secret: HeldSecret, named: str, state: str) -> Reply:
    found, etag = _version(at, secret, named), at.asked.json.get("etag")
    if found.state == DESTROYED:
        raise Refused("FAILED_PRECONDITION", "Secret Version is in DESTROYED state.")
    if etag and etag != _etag(found):
        raise Refused("FAILED_PRECONDITION", "The etag provided does not match the current etag.")
    found.touch(state)
    return Reply(200, _row(secret, found))


def _etag(version: HeldVersion) -> str:
    return f'"{version.etag:x}"'


def _name(secret: HeldSecret, version: HeldVersion) -> str:
    return f"projects/{secret.project}/secrets/{secret.name}/versions/{version.number}"


def _row(secret: HeldSecret, version: HeldVersion) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": _name(secret, version),
        "createTime": stamp(version.at),
        "state": version.state,
        "replicationStatus": {"automatic": {}},
        "etag": _etag(version),
    }
    gone = {"destroyTime": stamp(version.destroyed)} if version.destroyed else {}
    return {**row, **gone, **({"clientSpecifiedPayloadChecksum": True} if version.summed else {})}
