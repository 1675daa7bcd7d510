"""GetAccountAuthorizationDetails in pages, and the simulator's result for each resource, as AWS documents them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nhi_revoke_aws.sandbox import simulate
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of

Code = Callable[[Callable[[], Any]], str]
LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
ONLY = ["Role", "LocalManagedPolicy"]


@pytest.fixture
def crowd(aws: AwsSandbox) -> AwsSandbox:
    iam = aws.admin("iam")
    for n in range(3):
        iam.create_user(UserName=f"user-{n}")
        iam.create_group(GroupName=f"group-{n}")
        iam.create_role(RoleName=f"role-{n}", AssumeRolePolicyDocument=trust_of("*"))
        iam.put_role_policy(RoleName=f"role-{n}", PolicyName="p", PolicyDocument=allow("s3:*"))
        arn = iam.create_policy(PolicyName=f"managed-{n}", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=f"role-{n}", PolicyArn=arn)
    return aws


def names(pages: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {field: [row["Arn"] for page in pages for row in page[field]] for field in LISTS}


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_details_are_the_same_in_pages_of_every_size(crowd: AwsSandbox, size: int) -> None:
    iam = crowd.client("iam")
    whole = iam.get_account_authorization_details(Filter=ONLY, MaxItems=1000)
    assert (whole["IsTruncated"], "Marker" in whole) == (False, False)
    crowd.page_size(size)
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(Filter=ONLY))
    assert names(pages) == names([whole])
    assert max(sum(len(page[field]) for field in LISTS) for page in pages) <= size
    assert len(pages) == -(-6 // size)


def test_details_hold_trusts_policies_and_what_is_attached(crowd: AwsSandbox) -> None:
    found = crowd.client("iam").get_account_authorization_details(Filter=ONLY)
    role = found["RoleDetailList"][0]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == "*"
    assert role["RolePolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == ["s3:*"]
    attached = role["AttachedManagedPolicies"][0]["PolicyArn"]
    policy = next(p for p in found["Policies"] if p["Arn"] == attached)
    version = next(v for v in policy["PolicyVersionList"] if v["VersionId"] == policy["DefaultVersionId"])
    assert version["Document"]["Statement"][0]["Action"] == ["s3:*"]


def test_details_leave_out_what_was_not_asked_for(crowd: AwsSandbox) -> None:
    found = names([crowd.client("iam").get_account_authorization_details(Filter=ONLY)])
    assert {field: len(rows) for field, rows in found.items()} == {
        "UserDetailList": 0, "GroupDetailList": 0, "RoleDetailList": 3, "Policies": 3,
    }  # fmt: skip
    assert not [arn for arn in found["Policies"] if ":iam::aws:" in arn]


def test_a_marker_of_details_belongs_to_its_filter(crowd: AwsSandbox, code: Code) -> None:
    iam = crowd.client("iam")
    marker = iam.get_account_authorization_details(Filter=ONLY, MaxItems=1)["Marker"]
    other = {"Filter": ["Role"], "Marker": marker}
    assert code(lambda: iam.get_account_authorization_details(**other)) == "ValidationError"


def test_a_list_of_more_than_a_thousand_is_whole(aws: AwsSandbox) -> None:
    """moto would cut it at the largest page that AWS has."""
    backend = aws.world.moto.iam(ACCOUNT)
    for n in range(1002):
        backend.create_role(f"role-{n}", trust_of("*"), "/", None, "", [], "3600")
    aws.world.settle()
    pages = aws.client("iam").get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1000})
    assert [len(page["Roles"]) for page in pages] == [1000, 2]


# -- the simulator -----------------------------------------------------------------------------------------------------

ROLES = [f"arn:aws:iam::{ACCOUNT}:role/a", f"arn:aws:iam::{OTHER_ACCOUNT}:role/b", f"arn:aws:iam::{ACCOUNT}:role/c"]


@pytest.fixture
def bot(aws: AwsSandbox) -> str:
    iam = aws.admin("iam")
    arn = str(iam.create_user(UserName="bot")["User"]["Arn"])
    document = allow("sts:*").replace('"*"', f'"{ROLES[0]}"')
    iam.put_user_policy(UserName="bot", PolicyName="one", PolicyDocument=document)
    return arn


def test_each_resource_has_a_result_inside_of_its_actions(aws: AwsSandbox, bot: str) -> None:
    found = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=bot, ActionNames=["sts:AssumeRole", "sts:TagSession"], ResourceArns=ROLES
    )["EvaluationResults"]
    assert [(r["EvalActionName"], r["EvalResourceName"], r["EvalDecision"]) for r in found] == [
        ("sts:AssumeRole", "*", "implicitDeny"), ("sts:TagSession", "*", "implicitDeny"),
    ]  # fmt: skip
    inside = [(r["EvalResourceName"], r["EvalResourceDecision"]) for r in found[0]["ResourceSpecificResults"]]
    assert inside == [(ROLES[0], "allowed"), (ROLES[1], "implicitDeny"), (ROLES[2], "implicitDeny")]


def test_the_simulator_pages_and_knows_its_markers(aws: AwsSandbox, bot: str, code: Code) -> None:
    iam = aws.client("iam")
    asked: dict[str, Any] = {"PolicySourceArn": bot, "ActionNames": ["sts:AssumeRole"], "ResourceArns": ROLES}
    first = iam.simulate_principal_policy(**asked, MaxItems=2)
    assert first["IsTruncated"]
    second = iam.simulate_principal_policy(**asked, MaxItems=2, Marker=first["Marker"])
    assert not second["IsTruncated"]
    pages = [
        [r["EvalResourceName"] for r in p["EvaluationResults"][0]["ResourceSpecificResults"]] for p in (first, second)
    ]
    assert pages == [ROLES[:2], ROLES[2:]]
    assert simulate.DEFAULT == 100
    assert code(lambda: iam.simulate_principal_policy(**asked, Marker="other.1")) == "ValidationError"


# -- the role of another account ---------------------------------------------------------------------------------------


def test_the_users_policies_leave_room_for_our_own(aws: AwsSandbox, tmp_path: Any) -> None:
    aws.seed(str(tmp_path))
    policies = aws.world.moto.iam(ACCOUNT).users["payments-bot"].policies
    assert sum(sum(not c.isspace() for c in document) for document in policies.values()) < 2048 - 700


def test_the_door_to_another_account_is_shut_there_and_nowhere_else(everything: AwsSandbox) -> None:
    aws = everything
    door = next(d for d in aws.doors() if d.kind == "cross-account")
    assert door.access == f"aws:arn:aws:iam::{OTHER_ACCOUNT}:role/shop-reporting"
    deny = allow("*").replace("Allow", "Deny")
    aws.admin("iam").put_user_policy(UserName="payments-bot", PolicyName="stop", PolicyDocument=deny)
    assert door.open()
    aws.admin("iam", OTHER_ACCOUNT).put_role_policy(RoleName="shop-reporting", PolicyName="stop", PolicyDocument=deny)
    assert not door.open()
