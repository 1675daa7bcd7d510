"""What Cloud Storage answers: HMAC keys, objects for tokens (JSON), and objects for signatures (XML's own path).

facts gcp.md 1 (row 6) and 2: a change of state is obeyed within three minutes, and only an inactive key is deleted.
"""

from __future__ import annotations

import hmac
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.constraints import NO_HMAC
from nhi_revoke_gcp.permissions import CREATE_HMAC, DELETE_HMAC, GET_HMAC, LIST_HMAC, UPDATE_HMAC
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.hmac_signing import key_in, signature
from nhi_revoke_gcp.sandbox.refusal import StorageRefused
from nhi_revoke_gcp.sandbox.state import HmacKey

TABLE = Table()
MOST = 10
KEYS = "/storage/v1/projects/<project>/hmacKeys"


@TABLE.route("GET", "/storage/v1/b/<bucket>/o", "")
def objects(at: Here, bucket: str) -> Reply:
    """An API that takes any token of the payments account: what an intruder wants."""
    path = f"{at.asked.url}{at.asked.path}/ledger.csv"
    return Reply(
        200, {"kind": "storage#objects", "items": [{"name": "ledger.csv", "bucket": bucket, "selfLink": path}]}
    )


@TABLE.route("GET", "/_xml/<bucket>/<name>", "-")
def signed_object(at: Here, bucket: str, name: str) -> Reply:
    """By a signature alone. The XML interface has a host of its own; here it has a path."""
    access_id, given = key_in(at.asked.headers)
    key = at.gate.cloud.hmac_keys.get(access_id)
    host, date = at.asked.headers.get("host", ""), at.asked.headers.get("x-goog-date", "")
    wanted = signature(key.secret, host, at.asked.path, date) if key is not None else ""
    if key is None or key.state.obeyed(at.now) != "ACTIVE" or not hmac.compare_digest(given, wanted):
        raise StorageRefused(403, "SignatureDoesNotMatch", "Access denied.")
    return Reply(200, {"bucket": bucket, "name": name})


def _row(at: Here, key: HmacKey) -> dict[str, Any]:
    return {
        "kind": "storage#hmacKeyMetadata",
        "id": f"{key.project}/{key.access_id}",
        "selfLink": f"{at.asked.url}/storage/v1/projects/{key.project}/hmacKeys/{key.access_id}",
        "accessId": key.access_id,
        "projectId": key.project,
        "serviceAccountEmail": key.email,
        "state": key.state.shown,
        "timeCreated": stamp(key.created),
        "updated": stamp(key.created),
        "etag": "Yg==",
    }


def _key(at: Here, project: str, access_id: str) -> HmacKey:
    """Raises StorageRefused."""
    key = at.gate.cloud.hmac_keys.get(access_id)
    if key is None or key.project != project:
        raise StorageRefused(404, "notFound", "Access ID not found in project.")
    return key


@TABLE.route("GET", KEYS, LIST_HMAC)
def keys(at: Here, project: str) -> Reply:
    """Deleted ones only where they are asked for."""
    email, deleted = at.asked.query.get("serviceAccountEmail"), at.asked.query.get("showDeletedKeys") == "true"
    found = [key for key in at.gate.cloud.hmac_keys.values() if key.project == project and email in (None, key.email)]
    rows = [_row(at, key) for key in found if deleted or key.state.shown != "DELETED"]
    return Reply(200, rows, rows=True, default=250, most=250, under="items")


@TABLE.route("POST", KEYS, CREATE_HMAC)
def create(at: Here, project: str) -> Reply:
    """Its secret is told once. Ten are the most, deleted ones not counted."""
    cloud = at.gate.cloud
    account = cloud.account(project, at.asked.query.get("serviceAccountEmail", ""))
    if account is None:
        raise StorageRefused(404, "notFound", "Service account not found.")
    if any(rule.get("enforce") for rule in cloud.constraints.get(NO_HMAC, ())):
        raise StorageRefused(412, "conditionNotMet", f"Request violates constraint 'constraints/{NO_HMAC}'")
    mine = [key for key in cloud.hmac_keys.values() if key.email == account.email and key.state.shown != "DELETED"]
    if len(mine) >= MOST:
        raise StorageRefused(400, "invalid", "Maximum number of HMAC keys reached.")
    made = cloud.new_hmac_key(account, at.now)
    return Reply(200, {"kind": "storage#hmacKey", "metadata": _row(at, made), "secret": made.secret})


@TABLE.route("GET", f"{KEYS}/<access_id>", GET_HMAC)
def key(at: Here, project: str, access_id: str) -> Reply:
    return Reply(200, _row(at, _key(at, project, access_id)))


@TABLE.route("PUT", f"{KEYS}/<access_id>", UPDATE_HMAC)
def update(at: Here, project: str, access_id: str) -> Reply:
    found, state = _key(at, project, access_id), at.asked.json.get("state")
    if state not in ("ACTIVE", "INACTIVE") or found.state.shown == "DELETED":
        raise StorageRefused(400, "invalid", "Invalid argument.")
    if state != found.state.shown:
        found.state.set(state, at.now, at.gate.cloud.write_lag)
    return Reply(200, _row(at, found))


@TABLE.route("DELETE", f"{KEYS}/<access_id>", DELETE_HMAC)
def delete(at: Here, project: str, access_id: str) -> Reply:
    found = _key(at, project, access_id)
    if found.state.shown != "INACTIVE":
        raise StorageRefused(400, "invalid", "Cannot delete keys in ACTIVE state.")
    found.state.set("DELETED", at.now, at.gate.cloud.write_lag)
    return Reply(204)
