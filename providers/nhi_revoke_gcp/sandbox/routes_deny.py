"""What Google answers of deny policies (discovery document iam.v2), and of whoever makes a key with a live token."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_gcp.deny_policy import PERSISTS
from nhi_revoke_gcp.permissions import CREATE_DENY, CREATE_KEY, DELETE_DENY, GET_DENY, LIST_DENY
from nhi_revoke_gcp.sandbox.deny_policies import DenyPolicy
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, no_account
from nhi_revoke_gcp.sandbox.state import as_bytes, key_row

TABLE = Table()
POLICIES = "/v2/policies/cloudresourcemanager.googleapis.com/projects/<project>/denypolicies"
"""As it is once its `%2F` are read."""
ID = re.compile(r"[a-z][a-z0-9.-]{2,62}")
MAKES_KEYS = frozenset(
    {"roles/iam.serviceAccountKeyAdmin", "roles/iam.serviceAccountAdmin", "roles/editor", "roles/owner"}
)
SUPPORTED = frozenset({*PERSISTS, "iam.googleapis.com/serviceAccounts.get", "storage.googleapis.com/objects.get"})
"""Of what Google supports, what is used here."""


def _numbered(at: Here, project: str) -> tuple[str, str]:
    """Id and number. Raises Refused: what is not there reads as a denial."""
    for name, number in at.gate.cloud.levels.numbers.items():
        if project in (name, number):
            return name, number
    raise Refused("PERMISSION_DENIED", "The caller does not have permission (or it may not exist).")


def _policy(at: Here, project: str, policy: str) -> DenyPolicy:
    """Raises Refused."""
    found = at.gate.cloud.denials.find(_numbered(at, project)[0], policy, at.now)
    if found is None:
        raise Refused("NOT_FOUND", "Requested entity was not found.")
    return found


@TABLE.route("GET", POLICIES, LIST_DENY)
def listed(at: Here, project: str) -> Reply:
    rows = [each.row(whole=False) for each in at.gate.cloud.denials.of(_numbered(at, project)[0], at.now)]
    return Reply(200, rows, rows=True, default=1000, most=1000, under="policies")


@TABLE.route("GET", f"{POLICIES}/<policy>", GET_DENY)
def get(at: Here, project: str, policy: str) -> Reply:
    return Reply(200, _policy(at, project, policy).row(whole=True))


@TABLE.route("POST", POLICIES, CREATE_DENY)
def create(at: Here, project: str) -> Reply:
    cloud, wanted = at.gate.cloud, at.asked.query.get("policyId", "")
    name, number = _numbered(at, project)
    if not ID.fullmatch(wanted) or not _is_good(at.asked.json):
        raise Refused("INVALID_ARGUMENT", "Request contains an invalid argument.")
    if cloud.denials.is_taken(name, wanted):
        raise Refused("ALREADY_EXISTS", "Requested entity already exists.")
    return Reply(200, cloud.denials.attach(name, number, wanted, at.asked.json, at.now, cloud.write_lag).row(at.now))


def _is_good(about: Mapping[str, Any]) -> bool:
    """One permission that is not supported, and there is no policy."""
    rules = [rule.get("denyRule") or {} for rule in about.get("rules") or ()]
    return bool(rules) and all(
        rule.get("deniedPrincipals") and set(rule.get("deniedPermissions") or {""}) <= SUPPORTED for rule in rules
    )


@TABLE.route("DELETE", f"{POLICIES}/<policy>", DELETE_DENY)
def delete(at: Here, project: str, policy: str) -> Reply:
    cloud, found = at.gate.cloud, _policy(at, project, policy)
    if at.asked.query.get("etag") not in (None, found.row(whole=False)["etag"]):
        raise Refused("ABORTED", "The etag does not match.")
    return Reply(200, cloud.denials.take_off(found, at.now, cloud.write_lag).row(at.now))


@TABLE.route("GET", f"{POLICIES}/<policy>/operations/<operation>", "")
def operation(at: Here, project: str, policy: str, operation: str) -> Reply:
    point = f"policies/cloudresourcemanager.googleapis.com%2Fprojects%2F{_numbered(at, project)[1]}"
    found = at.gate.cloud.denials.operations.get(f"{point}/denypolicies/{policy}/operations/{operation}")
    if found is None:
        raise Refused("NOT_FOUND", "Operation not found.")
    return Reply(200, found.row(at.now))


@TABLE.route("POST", "/v1/projects/<project>/serviceAccounts/<named>/keys", "")
def make_key(at: Here, project: str, named: str) -> Reply:
    """For whoever the account's policy lets make keys for it: the intruder's way, with a live token."""
    cloud, token = at.gate.cloud, at.caller.token
    account = cloud.account(project, named)
    if account is None:
        raise no_account(project, named)
    assert token is not None
    permission = "iam.googleapis.com/serviceAccountKeys.create"
    denied = cloud.denials.refuses(account.project, token.member, permission, at.now)
    if denied or not cloud.allows(account, token.member, MAKES_KEYS, at.now):
        raise Refused("PERMISSION_DENIED", f"Permission '{CREATE_KEY}' denied on resource (or it may not exist).")
    key = cloud.new_key(account, at.now, cloud.write_lag)
    file = as_bytes(cloud.key_file(account, key, f"{at.asked.url}/token"))
    return Reply(200, {**key_row(account, key), "privateKeyData": base64.b64encode(file).decode()})
