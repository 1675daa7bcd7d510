"""The table of planting events: each row held against the vendor's models, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from nhi_revoke_aws.planting import PLANTS, Plant

from .conftest import Bench
from .one_kind import bench_of
from .test_planted import planted, user, wrote


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """payments-bot and its intruder, who planted nothing yet."""
    with bench_of(tmp_path) as bench:
        yield bench


@cache
def vendors(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


def there(shape: Any, names: Sequence[str]) -> bool:
    """Whether a path is in a structure of the vendor's, whatever the case of its letters."""
    for name in names:
        shape = shape.member if getattr(shape, "type_name", "") == "list" else shape
        members = {k.lower(): v for k, v in getattr(shape, "members", {}).items()}
        if name.lower() not in members:
            return False
        shape = members[name.lower()]
    return True


WRAPPED = "asked.AssociateIamInstanceProfileRequest"
CLOUDTRAILS_OWN = {
    "asked.bucketName", "answer.keyId", "answer.instancesSet.items.instanceId", f"{WRAPPED}.instanceId",
    f"{WRAPPED}.iamInstanceProfile.arn", f"{WRAPPED}.iamInstanceProfile.name",
}  # fmt: skip
"""Written so by CloudTrail and in no model."""


@pytest.mark.parametrize("plant", PLANTS.values(), ids=lambda p: f"{p.source}-{p.name}")
def test_each_row_is_an_operation_of_the_vendors_with_these_parts(plant: Plant) -> None:
    operation = vendors(plant.model or plant.source).operation_model(plant.name)
    paths = [*plant.to, *plant.what, *([plant.only[0]] if plant.only else [])]
    for path in {p for each in paths for p in each.split("|")} - CLOUDTRAILS_OWN:
        side, *names = path.split(".")
        shape = operation.input_shape if side == "asked" else operation.output_shape
        assert there(shape, names), f"{plant.name} has no {path}"


@pytest.mark.parametrize("plant", [p for p in PLANTS.values() if p.hand], ids=lambda p: f"{p.source}-{p.name}")
def test_each_command_by_hand_is_one_of_the_vendors(plant: Plant) -> None:
    program, service, command, *words = plant.hand.split()
    assert program == "aws"
    model = vendors({"s3api": "s3"}.get(service, service))
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert command in names
    members = {xform_name(name, "-"): name for name in model.operation_model(names[command]).input_shape.members}
    given = [w.removeprefix("--") for w in words if w.startswith("--")]
    assert set(given) - {"region"} <= set(members), "an option that the command does not have"
    required = model.operation_model(names[command]).input_shape.required_members
    assert {xform_name(r, "-") for r in required} <= set(given), "an option that it needs is missing"
    assert ("--region" in words) == (plant.source not in ("iam", "s3")), "IAM and buckets have no Region of their own"


def test_a_user_or_role_other_than_its_own_needs_no_command_by_hand_but_its_own_does() -> None:
    silent = [p.name for p in PLANTS.values() if not p.listed and not p.hand]
    assert silent == ["CreateUser", "CreateRole"]


# -- other things, other Regions -----------------------------------------------------------------------------------


def account(kind: str, rest: str, region: str = "") -> str:
    return f"arn:aws:{kind}:{region}:111122223333:{rest}"


@pytest.mark.parametrize(
    ("service", "operation", "params", "answer", "to", "command"),
    [
        ("iam", "CreatePolicyVersion", {"PolicyArn": account("iam", "policy/p")},
         {"policyVersion": {"versionId": "v2"}}, account("iam", "policy/p"),
         f"aws iam list-policy-versions --policy-arn {account('iam', 'policy/p')}"),
        ("iam", "AttachGroupPolicy", {"GroupName": "admins", "PolicyArn": "arn:aws:iam::aws:policy/X"}, None,
         "aws:group/111122223333/admins",
         "aws iam detach-group-policy --group-name admins --policy-arn arn:aws:iam::aws:policy/X"),
        ("iam", "CreateOpenIDConnectProvider", {"Url": "https://evil.example"},
         {"openIDConnectProviderArn": account("iam", "oidc-provider/evil.example")},
         account("iam", "oidc-provider/evil.example"),
         "aws iam delete-open-id-connect-provider --open-id-connect-provider-arn "
         + account("iam", "oidc-provider/evil.example")),
        ("iam", "CreateSAMLProvider", {"Name": "evil"}, {"sAMLProviderArn": account("iam", "saml-provider/evil")},
         account("iam", "saml-provider/evil"),
         f"aws iam delete-saml-provider --saml-provider-arn {account('iam', 'saml-provider/evil')}"),
        ("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": "ip", "RoleName": "admin"}, None,
         "aws:instance-profile/111122223333/ip",
         "aws iam remove-role-from-instance-profile --instance-profile-name ip --role-name admin"),
        ("iam", "SendDelegationToken", {"DelegationRequestId": "dr-1"}, None,
         "aws:delegation-request/111122223333/dr-1", "aws iam get-delegation-request --delegation-request-id dr-1"),
        ("lambda", "CreateFunction", {"FunctionName": "f", "Role": "arn:aws:iam::111122223333:role/admin"}, None,
         account("lambda", "function:f", "us-east-1"),
         f"aws lambda put-function-concurrency --function-name {account('lambda', 'function:f', 'us-east-1')} "
         "--reserved-concurrent-executions 0 --region us-east-1"),
        ("lambda", "AddPermission", {"FunctionName": "f", "StatementId": "s", "Principal": "999900001111"}, None,
         account("lambda", "function:f", "us-east-1"),
         f"aws lambda remove-permission --function-name {account('lambda', 'function:f', 'us-east-1')} "
         "--statement-id s --region us-east-1"),
        ("kms", "CreateGrant", {"KeyId": "k-1", "GranteePrincipal": "arn:aws:iam::999900001111:root"},
         {"grantId": "g", "keyId": account("kms", "key/k-1", "us-east-1")}, account("kms", "key/k-1", "us-east-1"),
         f"aws kms revoke-grant --key-id {account('kms', 'key/k-1', 'us-east-1')} --grant-id g --region us-east-1"),
        ("s3", "PutBucketPolicy", {"bucketName": "shop"}, None, "arn:aws:s3:::shop",
         "aws s3api get-bucket-policy --bucket shop"),
        ("secretsmanager", "PutResourcePolicy", {"secretId": "payments/aws"}, None,
         "aws:secret/111122223333/payments/aws",
         "aws secretsmanager get-resource-policy --secret-id payments/aws --region us-east-1"),
        ("ec2", "RunInstances", {"iamInstanceProfile": {"name": "admin"}},
         {"instancesSet": {"items": [{"instanceId": "i-1"}]}}, account("ec2", "instance/i-1", "us-east-1"),
         "aws ec2 stop-instances --instance-ids i-1 --region us-east-1"),
        ("ec2", "AssociateIamInstanceProfile",
         {"AssociateIamInstanceProfileRequest": {"InstanceId": "i-2", "IamInstanceProfile": {"Name": "admin"}}}, None,
         account("ec2", "instance/i-2", "us-east-1"), "aws ec2 stop-instances --instance-ids i-2 --region us-east-1"),
        ("rolesanywhere", "CreateTrustAnchor", {"name": "a"},
         {"trustAnchor": {"trustAnchorArn": account("rolesanywhere", "trust-anchor/t-1", "us-east-1"), "name": "a"}},
         account("rolesanywhere", "trust-anchor/t-1", "us-east-1"),
         "aws rolesanywhere disable-trust-anchor --trust-anchor-id t-1 --region us-east-1"),
        ("eks", "CreateAccessEntry", {"name": "c"},
         {"accessEntry": {"accessEntryArn": account("eks", "access-entry/c/x", "us-east-1"), "clusterName": "c",
                          "principalArn": "arn:aws:iam::999900001111:role/r"}},
         account("eks", "access-entry/c/x", "us-east-1"),
         "aws eks delete-access-entry --principal-arn arn:aws:iam::999900001111:role/r --cluster-name c "
         "--region us-east-1"),
        ("sso", "CreateAccountAssignment",
         {"InstanceArn": "arn:aws:sso:::instance/i", "PermissionSetArn": "arn:aws:sso:::permissionSet/i/p",
          "PrincipalType": "USER", "PrincipalId": "u", "TargetId": "111122223333"}, None,
         "arn:aws:sso:::permissionSet/i/p",
         "aws sso-admin delete-account-assignment --principal-type USER --principal-id u --target-type AWS_ACCOUNT "
         "--target-id 111122223333 --instance-arn arn:aws:sso:::instance/i --permission-set-arn "
         "arn:aws:sso:::permissionSet/i/p --region us-east-1"),
    ],
)  # fmt: skip
def test_things_that_are_no_principals(
    bench: Bench, service: str, operation: str, params: dict[str, Any], answer: Any, to: str, command: str
) -> None:
    wrote(bench, operation, answer, service=service, **params)
    [lead] = planted(bench)
    assert (lead.to.id if lead.to.id == to else str(lead.to)) == to
    assert lead.next == command
    assert lead.why.startswith(operation), "without the version that Lambda appends"


def test_a_launch_without_a_role_plants_nothing(bench: Bench) -> None:
    wrote(bench, "RunInstances", {"instancesSet": {"items": [{"instanceId": "i-1"}]}}, service="ec2", ImageId="ami-1")
    wrote(bench, "UpdateFunctionConfiguration", service="lambda", FunctionName="f", Timeout=3)
    assert planted(bench) == []


def test_a_command_with_a_part_that_the_event_does_not_tell_is_not_given(bench: Bench) -> None:
    wrote(bench, "PutUserPolicy", UserName="payments-bot")
    [lead] = planted(bench)
    assert lead.next == ""


def test_a_grant_that_a_service_takes_for_its_own_work_is_not_planted() -> None:
    from nhi_revoke_aws.events import parse_event
    from nhi_revoke_aws.planted import acts_of

    from .test_lineage import ROOT, WHO, event

    body = {"eventName": "CreateGrant", "eventSource": "kms.amazonaws.com", "requestParameters": {"keyId": "k"}}
    who = {"type": "IAMUser", "arn": WHO.id, "accessKeyId": "AKIA1"}
    mine = parse_event(event(**body, responseElements=None, userIdentity=who))
    its = parse_event(event(**body, responseElements=None, userIdentity={**who, "invokedBy": "ebs.amazonaws.com"}))
    assert mine
    assert its
    assert [a.name for a in acts_of(mine, WHO, ROOT.access)] == ["k"]
    assert list(acts_of(its, WHO, ROOT.access)) == []


def test_regional_acts_are_found_where_that_region_is_read(bench: Bench) -> None:
    role = "arn:aws:iam::111122223333:role/admin"
    wrote(bench, "CreateFunction", service="lambda", region="eu-central-1", FunctionName="f", Role=role)
    wrote(bench, "CreateUser", user("evil"), region="eu-central-1", UserName="evil")
    assert [lead.to.id for lead in planted(bench)] == [user("evil")["user"]["arn"]], "IAM's events are in one Region"
    leads = planted(bench, regions=("eu-central-1",))
    assert {lead.to.id for lead in leads} == {
        user("evil")["user"]["arn"], account("lambda", "function:f", "eu-central-1"),
    }  # fmt: skip
    [function] = [lead for lead in leads if "function" in lead.to.id]
    assert function.next.endswith("--region eu-central-1")
    assert function.evidence == "cloudtrail:LookupEvents eu-central-1"
