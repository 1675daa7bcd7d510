"""Paging, which moto does not do: a caller that reads one page only is found out here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of

Code = Callable[[Callable[[], Any]], str]


@pytest.fixture
def crowd(aws: AwsSandbox) -> AwsSandbox:
    iam = aws.admin("iam")
    for n in range(5):
        iam.create_user(UserName=f"user-{n}")
        iam.create_role(RoleName=f"role-{n}", AssumeRolePolicyDocument=trust_of("*"))
        iam.put_user_policy(UserName="user-0", PolicyName=f"p{n}", PolicyDocument=allow("s3:*"))
        iam.put_role_policy(RoleName="role-0", PolicyName=f"p{n}", PolicyDocument=allow("s3:*"))
        arn = iam.create_policy(PolicyName=f"m{n}", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="user-0", PolicyArn=arn)
        iam.attach_role_policy(RoleName="role-0", PolicyArn=arn)
        iam.create_group(GroupName=f"g{n}")
        iam.add_user_to_group(GroupName=f"g{n}", UserName="user-0")
    for _ in range(2):
        iam.create_access_key(UserName="user-0")
    return aws


LISTS = [
    ("list_users", {}, "Users", 6),
    ("list_roles", {}, "Roles", 5),
    ("list_access_keys", {"UserName": "user-0"}, "AccessKeyMetadata", 2),
    ("list_user_policies", {"UserName": "user-0"}, "PolicyNames", 5),
    ("list_role_policies", {"RoleName": "role-0"}, "PolicyNames", 5),
    ("list_attached_user_policies", {"UserName": "user-0"}, "AttachedPolicies", 5),
    ("list_attached_role_policies", {"RoleName": "role-0"}, "AttachedPolicies", 5),
    ("list_groups_for_user", {"UserName": "user-0"}, "Groups", 5),
]


@pytest.mark.parametrize(("call", "asked", "key", "count"), LISTS)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_every_page_size_shows_the_same(
    crowd: AwsSandbox, call: str, asked: dict[str, str], key: str, count: int, size: int
) -> None:
    iam = crowd.client("iam")
    whole = getattr(iam, call)(**asked)
    assert whole["IsTruncated"] is False
    assert "Marker" not in whole
    crowd.page_size(size)
    pages = [page[key] for page in iam.get_paginator(call).paginate(**asked)]
    assert [item for page in pages for item in page] == whole[key]
    assert len(whole[key]) == count
    assert max(len(page) for page in pages) <= size
    assert len(pages) == -(-count // size)


@pytest.mark.parametrize(("call", "asked", "key", "count"), LISTS)
def test_max_items_is_honoured(crowd: AwsSandbox, call: str, asked: dict[str, str], key: str, count: int) -> None:
    page = getattr(crowd.client("iam"), call)(**asked, MaxItems=1)
    assert (len(page[key]), page["IsTruncated"], bool(page["Marker"])) == (1, True, True)


def test_a_marker_belongs_to_its_list(crowd: AwsSandbox, code: Code) -> None:
    iam = crowd.client("iam")
    marker = iam.list_user_policies(UserName="user-0", MaxItems=1)["Marker"]
    assert code(lambda: iam.list_attached_user_policies(UserName="user-0", Marker=marker)) == "ValidationError"
    assert code(lambda: iam.list_user_policies(UserName="user-1", Marker=marker)) == "ValidationError"
    assert code(lambda: iam.list_users(Marker="1")) == "ValidationError"
    assert code(lambda: iam.list_users(MaxItems=1001)) == "ValidationError"


def test_a_list_of_what_is_not_there_is_refused(crowd: AwsSandbox, code: Code) -> None:
    crowd.page_size(1)
    assert code(lambda: crowd.client("iam").list_access_keys(UserName="nobody")) == "NoSuchEntity"


def test_a_page_holds_at_least_one(aws: AwsSandbox) -> None:
    with pytest.raises(ValueError, match="at least one"):
        aws.page_size(0)
