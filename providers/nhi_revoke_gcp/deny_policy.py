"""Deny policies of a project (IAM v2): what is denied to a live token of an account, and how one is read, attached and
taken off.

facts gcp.md 2 and 7 (18). Google Cloud docs: iam/docs/deny-overview, deny-access, deny-permissions-support; discovery
document iam.v2. An attachment point is one segment of a path, its slashes written as `%2F`; lists leave the rules out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.ref import Json
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.operations import under_way
from nhi_revoke_gcp.permissions import CREATE_DENY, DELETE_DENY, GET_DENY, LIST_DENY
from nhi_revoke_gcp.universe import IAM

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

PERSISTS = (
    "apikeys.googleapis.com/keys.create",
    "apikeys.googleapis.com/keys.getKeyString",
    "apikeys.googleapis.com/keys.undelete",
    "apikeys.googleapis.com/keys.update",
    "cloudresourcemanager.googleapis.com/projects.setIamPolicy",
    "iam.googleapis.com/roles.create",
    "iam.googleapis.com/roles.undelete",
    "iam.googleapis.com/roles.update",
    "iam.googleapis.com/serviceAccountKeys.create",
    "iam.googleapis.com/serviceAccountKeys.enable",
    "iam.googleapis.com/serviceAccounts.actAs",
    "iam.googleapis.com/serviceAccounts.create",
    "iam.googleapis.com/serviceAccounts.enable",
    "iam.googleapis.com/serviceAccounts.getAccessToken",
    "iam.googleapis.com/serviceAccounts.getOpenIdToken",
    "iam.googleapis.com/serviceAccounts.implicitDelegation",
    "iam.googleapis.com/serviceAccounts.setIamPolicy",
    "iam.googleapis.com/serviceAccounts.signBlob",
    "iam.googleapis.com/serviceAccounts.signJwt",
    "iam.googleapis.com/serviceAccounts.undelete",
    "iam.googleapis.com/workloadIdentityPoolProviderKeys.create",
    "iam.googleapis.com/workloadIdentityPoolProviderKeys.undelete",
    "iam.googleapis.com/workloadIdentityPoolProviders.create",
    "iam.googleapis.com/workloadIdentityPoolProviders.undelete",
    "iam.googleapis.com/workloadIdentityPoolProviders.update",
    "iam.googleapis.com/workloadIdentityPools.create",
    "iam.googleapis.com/workloadIdentityPools.undelete",
    "iam.googleapis.com/workloadIdentityPools.update",
    "storage.googleapis.com/hmacKeys.create",
    "storage.googleapis.com/hmacKeys.update",
)
"""By which whoever holds one token makes more, or another way in. Each stands on iam/docs/deny-permissions-support: a
policy that names one that does not is refused as a whole. None of deny policies' own does (iam.denypolicies.…).
"""
MINE = "nhi-"
LONGEST_RUN = 36
"""Characters of a run's name: an id has 63 at most."""
LOOKS, EVERY = 15, 2.0
"""How often an operation is looked at, and seconds between two looks; ours."""
MOST = 50
"""Policies of one project that are read; where there are more, it is told."""
OPERATION = re.compile(r"policies/[A-Za-z0-9.%_-]+/denypolicies/[a-z0-9.-]+/operations/[A-Za-z0-9._-]+")


def principal_of(email: str) -> str:
    """As a deny policy names an account."""
    return f"principal://iam.googleapis.com/projects/-/serviceAccounts/{email}"


def policy_id(run: str, unique_id: str) -> str:
    """One for each run and account: another operator sees whose it is, and a second attempt makes no second one."""
    return f"{MINE}{re.sub(r'[^a-z0-9.-]', '-', run.lower())[-LONGEST_RUN:]}-{unique_id}"


def body_of(run: str, email: str) -> Json:
    """The policy of a run."""
    rule = {"deniedPrincipals": [principal_of(email)], "deniedPermissions": list(PERSISTS)}
    says = "no new credentials and no new rights by a live token, while an incident lasts"
    return {"displayName": f"nhi-revoke {run}"[:63], "rules": [{"description": says, "denyRule": rule}]}


# -- what one says. Pure -----------------------------------------------------------------------------------------------


def id_of(row: Mapping[str, Any]) -> str:
    """The last part of its name, which holds the project's number whatever it was asked by."""
    return str(row.get("name") or "").rpartition("/")[2]


def covers(row: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether all of `PERSISTS` is denied to an account by it, whatever is asked for. `names`: its address and its
    unique id. A rule with a condition, or with exceptions of its own, counts for nothing.
    """
    denied: list[str] = []
    for rule in _rules_on(row, names):
        if not (rule.get("denialCondition") or {}).get("expression") and not rule.get("exceptionPrincipals"):
            spared = _texts(rule.get("exceptionPermissions"))
            denied += [each for each in PERSISTS if _any(_texts(rule.get("deniedPermissions")), each)
                       and not _any(spared, each)]  # fmt: skip
    return not row.get("deleteTime") and set(PERSISTS) <= set(denied)


def touches(row: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether a rule of it names the account."""
    return not row.get("deleteTime") and any(True for _ in _rules_on(row, names))


def _rules_on(row: Mapping[str, Any], names: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    wanted = {principal_of(name).lower() for name in names}
    for each in row.get("rules") or ():
        rule = each.get("denyRule") or {}
        if wanted & {text.lower() for text in _texts(rule.get("deniedPrincipals"))}:
            yield rule


def _texts(values: Any) -> list[str]:
    return [str(each) for each in values or ()]


def _any(patterns: Iterable[str], permission: str) -> bool:
    """Permissions may be named in groups: `iam.googleapis.com/serviceAccounts.*` (iam/docs/deny-overview)."""
    return any(fnmatchcase(permission, pattern) for pattern in patterns)


# -- asking ------------------------------------------------------------------------------------------------------------


def attached(project: str) -> str:
    """Where policies of a project are. Raises Rejected for what names no project."""
    return f"/v2/policies/{segment(f'cloudresourcemanager.googleapis.com/projects/{project}')}/denypolicies"


def of_project(conn: GcpConnection, project: str) -> tuple[list[Mapping[str, Any]], bool]:
    """Each with its rules, side by side; and whether there are more than were read. Raises Denied."""
    listed = [id_of(row) for row in conn.rows(IAM, attached(project), "policies", LIST_DENY, pageSize=1000)]
    read_ = conn.io.map(lambda each: read(conn, project, each), listed[:MOST])
    return [row for row in read_ if row is not None], len(listed) > MOST


def read(conn: GcpConnection, project: str, policy: str) -> Mapping[str, Any] | None:
    """None where there is none. Raises Denied."""
    try:
        return conn.get(IAM, f"{attached(project)}/{segment(policy)}", GET_DENY)
    except Missing:
        return None


def attach(conn: GcpConnection, project: str, policy: str, body: Json) -> None:
    """Returns once its operation is over, or was looked at for half a minute: whoever asks looks at the policy itself.

    Raises Conflict where there is one of this id, Denied, Rejected where Google gave it up, NoAnswer.
    """
    begun = conn.api(IAM).call(
        "POST", attached(project), query={"policyId": policy}, body=body, needs=CREATE_DENY, again=False,
        what="the deny policy of the project (POST …/denypolicies)",
    )  # fmt: skip
    _await(conn, begun.body)


def take_off(conn: GcpConnection, project: str, policy: str, etag: str) -> None:
    """Of this etag alone. Safe to repeat. Raises Conflict where somebody changed it, Missing, Denied, Rejected."""
    query = {"etag": etag} if etag else {}
    path = f"{attached(project)}/{segment(policy)}"
    _await(conn, conn.api(IAM).call("DELETE", path, query=query, needs=DELETE_DENY).body)


def _await(conn: GcpConnection, operation: Any) -> None:
    """On the engine's clock. Which right it takes to read one is documented nowhere: without it, the policy itself is
    looked at. Raises Rejected where it failed.
    """
    for _ in range(LOOKS):
        name = under_way(operation)
        if not OPERATION.fullmatch(name):
            return
        conn.io.pace(f"gcp {name}", 1 / EVERY)
        try:
            operation = conn.get(IAM, f"/v2/{name}", "")
        except Fault:
            return
    under_way(operation)
