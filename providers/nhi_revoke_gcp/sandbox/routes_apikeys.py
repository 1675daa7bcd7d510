"""What Google answers of API keys, of the projects that somebody sees, and to whoever calls by a key alone.

Google Cloud docs: api-keys/docs/reference/rest, docs/authentication/api-keys; google.api.ErrorReason (API_KEY_INVALID,
API_KEY_SERVICE_BLOCKED).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_gcp import permissions as p
from nhi_revoke_gcp.constraints import NO_API_KEYS
from nhi_revoke_gcp.sandbox.api_keys import LONGEST, ApiKey, ApiKeys
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, because, forbidden_by, is_off

TABLE = Table()
KEYS = "/v2/projects/<project>/locations/global/keys"
AI = "aiplatform.googleapis.com"


def _book(at: Here, project: str, permission: str) -> ApiKeys:
    """Raises Refused for a project that does not let anybody look."""
    book = at.gate.cloud.api_keys
    number = book.number(project)
    if not number or number in {book.number(each) for each in book.closed}:
        raise Refused("PERMISSION_DENIED", f"Permission '{permission}' denied on resource (or it may not exist).")
    if number in {book.number(each) for each in book.off}:
        raise is_off("apikeys")
    return book


def _key(at: Here, project: str, uid: str, permission: str) -> ApiKey:
    """Raises Refused."""
    book = _book(at, project, permission)
    key = book.keys.get(uid)
    if key is None or key not in book.of_project(project, at.now):
        raise Refused("NOT_FOUND", "API key does not exist.")
    return key


def _takes(at: Here) -> float:
    return min(LONGEST, at.gate.cloud.write_lag)


def _begun(at: Here, key: ApiKey, *, string: bool = False) -> Reply:
    def tells(now: datetime) -> dict[str, Any]:
        told = {"@type": "type.googleapis.com/google.api.apikeys.v2.Key", **key.row(now)}
        return {"response": {**told, "keyString": key.string} if string else told}

    return Reply(200, at.gate.cloud.api_keys.begin(at.now, _takes(at), tells).row(at.now))


@TABLE.route("GET", KEYS, p.LIST_API_KEYS)
def listed(at: Here, project: str) -> Reply:
    """Deleted ones only where they are asked for."""
    deleted = at.asked.query.get("showDeleted") == "true"
    found = _book(at, project, p.LIST_API_KEYS).of_project(project, at.now)
    rows = [key.row(at.now) for key in found if deleted or key.deleted(at.now) is None]
    return Reply(200, rows, rows=True, default=50, most=300, under="keys")


@TABLE.route("POST", KEYS, p.CREATE_API_KEY)
def create(at: Here, project: str) -> Reply:
    cloud, book, asked = at.gate.cloud, _book(at, project, p.CREATE_API_KEY), at.asked.json
    email = str(asked.get("serviceAccountEmail") or "")
    if email and not at.gate.lets(at.caller, p.BIND_API_KEY):
        raise Refused("PERMISSION_DENIED", f"Permission '{p.BIND_API_KEY}' denied on resource.")
    wanted = {str(each.get("service")) for each in (asked.get("restrictions") or {}).get("apiTargets") or ()}
    for rule in cloud.constraints.get(NO_API_KEYS, []) if email else []:
        if rule.get("enforce") and not wanted & set((rule.get("parameters") or {}).get("allowedServices") or ()):
            raise forbidden_by(NO_API_KEYS, project)
    if book.fails:
        failed, book.fails = {"error": book.fails}, {}
        return Reply(200, book.begin(at.now, _takes(at), lambda _: failed).row(at.now))
    key = book.make(
        project, email, at.now, cloud.write_lag, _takes(at),
        restrictions=asked.get("restrictions") or {}, display_name=str(asked.get("displayName") or ""),
        annotations=asked.get("annotations") or {},
    )  # fmt: skip
    cloud.secrets.append(key.string)
    return _begun(at, key, string=book.shows_string)


@TABLE.route("DELETE", f"{KEYS}/<uid>", p.DELETE_API_KEY)
def delete(at: Here, project: str, uid: str) -> Reply:
    """Softly."""
    key, given = _key(at, project, uid, p.DELETE_API_KEY), at.asked.query.get("etag")
    if key.deleted(at.now) is not None:
        raise Refused("FAILED_PRECONDITION", "API key was deleted.")
    if given is not None and given != key.row(at.now)["etag"]:
        raise Refused("ABORTED", "The key was changed: its etag does not match.")
    at.gate.cloud.api_keys.delete(key, at.now, at.gate.cloud.write_lag, _takes(at))
    return _begun(at, key)


@TABLE.route("POST", f"{KEYS}/<uid>:undelete", p.UNDELETE_API_KEY)
def undelete(at: Here, project: str, uid: str) -> Reply:
    """Within 30 days."""
    key = _key(at, project, uid, p.UNDELETE_API_KEY)
    if key.deleted(at.now) is None:
        raise Refused("FAILED_PRECONDITION", "API key is not deleted.")
    at.gate.cloud.api_keys.undelete(key, at.now, at.gate.cloud.write_lag, _takes(at))
    return _begun(at, key)


@TABLE.route("GET", f"{KEYS}/<uid>/keyString", p.SHOW_API_KEY)
def key_string(at: Here, project: str, uid: str) -> Reply:
    return Reply(200, {"keyString": _key(at, project, uid, p.SHOW_API_KEY).string})


@TABLE.route("GET", "/v2/keys:lookupKey", p.LOOK_UP_API_KEY)
def look_up(at: Here) -> Reply:
    """Of one that was purged the project alone."""
    key = at.gate.cloud.api_keys.by_string(at.asked.query.get("keyString", ""))
    if key is None:
        raise Refused("NOT_FOUND", "No key found.")
    parent = {"parent": f"projects/{key.number}"}
    return Reply(200, {**parent, "name": key.name} if key.is_listed(at.now) else parent)


@TABLE.route("GET", "/v2/operations/<operation>", p.AWAIT_API_KEY)
def operation(at: Here, operation: str) -> Reply:
    found = at.gate.cloud.api_keys.operations.get(f"operations/{operation}")
    if found is None:
        raise Refused("NOT_FOUND", "Operation not found.")
    return Reply(200, found.row(at.now))


@TABLE.route("GET", "/v3/projects:search", p.SEE_PROJECT)
def search(at: Here) -> Reply:
    if "cloudresourcemanager" in at.gate.cloud.off:
        raise is_off("cloudresourcemanager")
    cloud = at.gate.cloud
    known = cloud.api_keys.projects
    more = sorted({each.project for each in cloud.accounts.values()} - set(known))
    seen = {**known, **{each: str(index) for index, each in enumerate(more, 1)}}
    rows = [{"name": f"projects/{number}", "projectId": each, "state": "ACTIVE"} for each, number in seen.items()]
    return Reply(200, rows, rows=True, default=50, most=500, under="projects")


# -- by a key alone ----------------------------------------------------------------------------------------------------


def _let_in(at: Here) -> ApiKey:
    """Raises Refused. The account behind it is not asked: that it would stop a key is documented nowhere."""
    key = at.gate.cloud.api_keys.by_string(at.asked.headers.get("x-goog-api-key", ""))
    if key is None or not key.works.obeyed(at.now):
        raise because("INVALID_ARGUMENT", "API_KEY_INVALID", AI, "API key not valid. Please pass a valid API key.")
    if not key.email:
        raise Refused("UNAUTHENTICATED", "API keys are not supported by this API. Expected OAuth2 access token.")
    services = {str(each.get("service")) for each in key.restrictions.get("apiTargets") or ()}
    if services and AI not in services:
        raise because("PERMISSION_DENIED", "API_KEY_SERVICE_BLOCKED", AI, "Requests to this API are blocked.")
    return key


@TABLE.route("POST", "/v1/publishers/google/models/<model>:generateContent", "-", mutates=False)
def generate_content(at: Here, model: str) -> Reply:
    """What an intruder wants of a key: answers at somebody else's cost, with that account's rights."""
    _let_in(at)
    said = {"role": "model", "parts": [{"text": "Certainly."}]}
    return Reply(200, {"candidates": [{"content": said, "finishReason": "STOP"}], "modelVersion": model})


@TABLE.route("GET", "/v1/publishers/google/models/<model>", "-")
def model(at: Here, model: str) -> Reply:
    _let_in(at)
    return Reply(200, {"name": f"publishers/google/models/{model}"})
