"""Every role of an account with whom it trusts and, where that may be read, what it may assume in its turn.

One paged listing (iam:GetAccountAuthorizationDetails) gives the roles with their trusts and policies; iam:ListRoles,
where that one is denied, the trusts alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, Rejected
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.grants import Grants, grants_of
from nhi_revoke_aws.policy import as_json
from nhi_revoke_aws.trust import Trusted, trusted

DETAILS, LIST = "iam:GetAccountAuthorizationDetails", "iam:ListRoles"
FILTER = ["Role", "LocalManagedPolicy"]
A_PAGE = 1000


class Role(Struct, frozen=True):
    arn: str
    name: str
    trusts: tuple[Trusted, ...]
    grants: Grants = Grants(whole=False)
    """Of AWS's own managed policies nothing is read: they name no account, and the simulator knows them."""
    unread: tuple[str, ...] = ()
    """ARNs of these, as far as they are attached."""


class Estate(Struct, frozen=True):
    """By ARN, in order."""

    roles: dict[str, Role]
    evidence: str
    """The API that showed them."""
    unread: Fault | None = None
    """Why the roles' own policies are not among it."""


def estate(conn: AwsConnection) -> Estate:
    """Raises Denied where the roles cannot be listed at all, and the other faults of the contract."""
    try:
        return Estate(_by_arn(_detailed(conn)), DETAILS)
    except Denied as fault:
        return Estate(_by_arn(_listed(conn)), LIST, fault)


def trusting_roles(conn: AwsConnection) -> Estate:
    """The same where only the trusts count: by the smaller listing, and by the other one where that is denied. Raises
    Denied where both are.
    """
    try:
        return Estate(_by_arn(_listed(conn)), LIST)
    except Denied as fault:
        try:
            return Estate(_by_arn(_detailed(conn)), DETAILS)
        except Denied:
            raise fault from None


def _by_arn(roles: Iterable[Role]) -> dict[str, Role]:
    return {role.arn: role for role in sorted(roles, key=lambda r: r.arn)}


def _listed(conn: AwsConnection) -> Iterable[Role]:
    for row in conn.pages("iam", "ListRoles", "Roles", MaxItems=A_PAGE):
        yield Role(str(row["Arn"]), str(row["RoleName"]), trusted(as_json(row["AssumeRolePolicyDocument"])))


def _detailed(conn: AwsConnection) -> list[Role]:
    """A role may be on an earlier page than the policy that is attached to it."""
    rows: list[dict[str, Any]] = []
    managed: dict[str, Any] = {}
    for page in _pages(conn):
        rows += page.get("RoleDetailList") or ()
        for policy in page.get("Policies") or ():
            managed[str(policy["Arn"])] = _in_force(policy)
    return [_role(row, managed) for row in rows]


def _pages(conn: AwsConnection) -> Iterable[dict[str, Any]]:
    """This listing has several lists in one answer."""
    going: dict[str, Any] = {}
    while True:
        page = conn.call("iam", "GetAccountAuthorizationDetails", Filter=FILTER, MaxItems=A_PAGE, **going)
        yield page
        if not page.get("IsTruncated"):
            return
        if not page.get("Marker"):
            raise Rejected(f"{DETAILS}: AWS cut the list short and gave no marker")
        going = {"Marker": str(page["Marker"])}


def _in_force(policy: dict[str, Any]) -> Any:
    wanted = policy.get("DefaultVersionId")
    return next((v.get("Document") for v in policy.get("PolicyVersionList") or () if v["VersionId"] == wanted), None)


def _role(row: dict[str, Any], managed: dict[str, Any]) -> Role:
    attached = {
        arn: managed.get(arn) for arn in (str(p["PolicyArn"]) for p in row.get("AttachedManagedPolicies") or ())
    }
    unread = tuple(arn for arn, document in attached.items() if document is None)
    documents = [policy.get("PolicyDocument") for policy in row.get("RolePolicyList") or ()]
    return Role(
        arn=str(row["Arn"]),
        name=str(row["RoleName"]),
        trusts=trusted(as_json(row.get("AssumeRolePolicyDocument"))),
        grants=grants_of((*documents, *(d for d in attached.values() if d is not None)), whole=not unread),
        unread=unread,
    )
