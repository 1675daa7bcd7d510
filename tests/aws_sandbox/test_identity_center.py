"""Identity Center and Organizations as AWS documents them, asked by the vendor's own clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.own.identity_center import BOT, NAME, IdentityCenter
from nhi_revoke_aws.sandbox.own.organization import ROOT, SCP
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

from .conftest import START, Refused


@pytest.fixture
def center(tmp_path: Path) -> Iterator[AwsSandbox]:
    sandbox = AwsSandbox(entropy=1, planted=(NAME,))
    sandbox.start(MovableClock(START))
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    yield sandbox
    sandbox.close()


def service(sandbox: AwsSandbox) -> IdentityCenter:
    found = next(s for s in sandbox.world.own.services if s.name == NAME)
    assert isinstance(found, IdentityCenter)
    return found


def which(sandbox: AwsSandbox, name: str = "Deploy") -> dict[str, str]:
    inside = service(sandbox).center
    return {
        "InstanceArn": inside.instance,
        "PermissionSetArn": next(s.arn for s in inside.sets.values() if s.name == name),
    }


def opened(sandbox: AwsSandbox) -> dict[str, bool]:
    return {d.kind: d.open() for d in sandbox.doors() if d.kind.startswith("sso-")}


def deny(user: str) -> str:
    one: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    one["Condition"] = {"StringEquals": {"identitystore:userId": user}}
    return json.dumps({"Version": "2012-10-17", "Statement": [one]})


def user_of(sandbox: AwsSandbox) -> str:
    return next(iter(service(sandbox).center.users))


def test_nothing_is_planted_unless_it_is_asked_for(tmp_path: Path, aws: AwsSandbox) -> None:
    aws.seed(str(tmp_path))
    assert opened(aws) == {}
    assert aws.admin("sso-admin").list_instances()["Instances"] == []


def test_it_answers_in_its_own_account_and_region_alone(center: AwsSandbox, code: Refused) -> None:
    assert len(center.client("sso-admin").list_instances()["Instances"]) == 1
    assert center.admin("sso-admin", "444455556666").list_instances()["Instances"] == []
    elsewhere = center.client("sso-admin", region="eu-central-1")
    assert elsewhere.list_instances()["Instances"] == []
    assert len(elsewhere.list_instances(RegionScope="ALL_REGIONS")["Instances"]) == 1
    assert code(lambda: elsewhere.describe_permission_set(**which(center))) == "ResourceNotFoundException"


def test_users_are_found_by_name(center: AwsSandbox, code: Refused) -> None:
    store, client = service(center).center.store, center.client("identitystore")

    def named(name: str) -> Any:
        by = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name}}
        return client.get_user_id(IdentityStoreId=store, AlternateIdentifier=by)

    assert named(BOT)["UserId"] == user_of(center)
    assert client.describe_user(IdentityStoreId=store, UserId=user_of(center))["UserStatus"] == "ENABLED"
    assert code(lambda: named("nobody")) == "ResourceNotFoundException"


def test_a_policy_binds_once_it_was_provisioned(center: AwsSandbox, code: Refused) -> None:
    admin, where = center.client("sso-admin"), which(center)
    assert opened(center) == {"sso-session": True, "sso-portal": True}
    admin.put_inline_policy_to_permission_set(**where, InlinePolicy=deny(user_of(center)))
    center.advance(3600)
    assert opened(center)["sso-session"], "written, and not provisioned"
    stale = {**where, "ProvisioningStatus": "LATEST_PERMISSION_SET_NOT_PROVISIONED"}
    assert len(admin.list_accounts_for_provisioned_permission_set(**stale)["AccountIds"]) == 2
    asked = admin.provision_permission_set(**where, TargetType="ALL_PROVISIONED_ACCOUNTS")
    request = asked["PermissionSetProvisioningStatus"]["RequestId"]

    def status() -> str:
        told = admin.describe_permission_set_provisioning_status(
            InstanceArn=where["InstanceArn"], ProvisionPermissionSetRequestId=request
        )
        return str(told["PermissionSetProvisioningStatus"]["Status"])

    assert (status(), opened(center)["sso-session"]) == ("IN_PROGRESS", True)
    again = code(lambda: admin.provision_permission_set(**where, TargetType="ALL_PROVISIONED_ACCOUNTS"))
    assert again == "ConflictException"
    center.advance(6)
    assert (status(), opened(center)) == ("SUCCEEDED", {"sso-session": False, "sso-portal": True})
    assert admin.list_accounts_for_provisioned_permission_set(**stale)["AccountIds"] == []


def test_a_deny_of_another_user_shuts_nobody_else_out(center: AwsSandbox) -> None:
    admin, where = center.client("sso-admin"), which(center)
    admin.put_inline_policy_to_permission_set(**where, InlinePolicy=deny("0" * 10))
    admin.provision_permission_set(**where, TargetType="ALL_PROVISIONED_ACCOUNTS")
    center.advance(6)
    assert opened(center)["sso-session"]


def test_a_disabled_user_keeps_the_portal_until_the_assignment_goes(center: AwsSandbox) -> None:
    inside = service(center).center
    inside.users[user_of(center)]["UserStatus"] = "DISABLED"
    center.world.settle()
    assert opened(center)["sso-portal"]
    center.client("sso-admin").delete_account_assignment(
        **which(center, "ReadAll"), TargetId="111122223333", TargetType="AWS_ACCOUNT", PrincipalType="GROUP",
        PrincipalId=next(iter(inside.groups)),
    )  # fmt: skip
    center.advance(6)
    assert opened(center) == {"sso-session": True, "sso-portal": False}


def test_lists_come_in_pages(center: AwsSandbox) -> None:
    center.page_size(1)
    who = {"InstanceArn": which(center)["InstanceArn"], "PrincipalType": "USER", "PrincipalId": user_of(center)}
    pages = list(center.client("sso-admin").get_paginator("list_account_assignments_for_principal").paginate(**who))
    assert [len(p["AccountAssignments"]) for p in pages] == [1, 1]


def test_a_control_policy_binds_members_and_not_the_management_account(center: AwsSandbox, code: Refused) -> None:
    client = center.client("organizations")
    made = client.create_policy(Name="deny", Type=SCP, Description="d", Content=deny(user_of(center)))
    policy = made["Policy"]["PolicySummary"]["Id"]
    assert opened(center)["sso-session"], "made, and not attached"
    client.attach_policy(PolicyId=policy, TargetId=ROOT)
    assert opened(center) == {"sso-session": False, "sso-portal": True}
    assert code(lambda: client.attach_policy(PolicyId=policy, TargetId=ROOT)) == "DuplicatePolicyAttachmentException"
    assert code(lambda: client.delete_policy(PolicyId=policy)) == "PolicyInUseException"
    client.detach_policy(PolicyId=policy, TargetId=ROOT)
    client.delete_policy(PolicyId=policy)
    assert opened(center)["sso-session"]
    other = center.admin("organizations", "444455556666")
    assert code(other.list_roots) == "AccessDeniedException"
    assert other.describe_organization()["Organization"]["MasterAccountId"] == "111122223333"
