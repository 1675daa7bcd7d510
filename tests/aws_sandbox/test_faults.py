"""Faults, rights and the call log, as the operator's client meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

Code = Callable[[Callable[[], Any]], str]


@pytest.mark.parametrize(
    ("fault", "service", "call", "wanted"),
    [
        ("429", "iam", "list_users", "Throttling"),
        ("500", "iam", "list_users", "ServiceUnavailable"),
        ("denied", "iam", "list_users", "AccessDenied"),
        ("429", "cloudtrail", "lookup_events", "ThrottlingException"),
        ("500", "cloudtrail", "lookup_events", "ServiceUnavailableException"),
        ("denied", "cloudtrail", "lookup_events", "AccessDeniedException"),
        ("429", "s3", "list_buckets", "SlowDown"),
        ("denied", "sts", "get_caller_identity", "AccessDenied"),
    ],
)
def test_refusals(aws: AwsSandbox, code: Code, fault: Any, service: str, call: str, wanted: str) -> None:
    client = aws.client(service)
    aws.fault("*", fault, times=1, after=1)
    assert [code(getattr(client, call)) for _ in range(3)] == ["ok", wanted, "ok"]


def test_a_throttled_answer_is_400_and_says_rate_exceeded(aws: AwsSandbox) -> None:
    iam = aws.client("iam")
    aws.fault("iam:ListUsers", "429")
    with pytest.raises(iam.exceptions.ClientError, match="Rate exceeded") as caught:
        iam.list_users()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_denial_names_the_principal_and_the_action(aws: AwsSandbox) -> None:
    iam = aws.client("iam")
    aws.fault("iam:ListUsers", "denied")
    expected = r"User: arn:aws:iam::111122223333:user/incident-responder is not authorized to perform: iam:ListUsers"
    with pytest.raises(iam.exceptions.ClientError, match=expected):
        iam.list_users()


def test_a_lost_create_leaves_a_key(aws: AwsSandbox) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bot")
    aws.fault("iam:CreateAccessKey", "lost")
    with pytest.raises(ConnectionClosedError):
        iam.create_access_key(UserName="bot")
    assert len(iam.list_access_keys(UserName="bot")["AccessKeyMetadata"]) == 1


@pytest.mark.parametrize(("fault", "reached"), [("timeout", True), ("down", False)])
def test_a_timeout_and_a_dead_endpoint_change_nothing(aws: AwsSandbox, fault: Any, reached: bool) -> None:
    iam = aws.client("iam")
    aws.fault("iam:CreateUser", fault)
    with pytest.raises(ConnectionClosedError):
        iam.create_user(UserName="bot")
    assert ("iam:CreateUser" in [c.name for c in aws.calls()]) is reached
    assert [u["UserName"] for u in iam.list_users()["Users"]] == ["incident-responder"]


def test_down_for_all_cuts_everything_until_it_is_over(aws: AwsSandbox) -> None:
    aws.fault("*", "down", times=2)
    for service, call in (("iam", "list_users"), ("sts", "get_caller_identity")):
        with pytest.raises(ConnectionClosedError):
            getattr(aws.client(service), call)()
    assert aws.client("sts").get_caller_identity()["Account"] == "111122223333"


def test_faults_spare_the_intruder(seeded: AwsSandbox, code: Code) -> None:
    seeded.fault("*", "down", times=5)
    door = next(d for d in seeded.doors() if d.kind == "active-key")
    assert door.open()
    assert seeded.world.gate.faults.pending() == 5


def test_rights_bind_the_operator_and_nobody_else(seeded: AwsSandbox, code: Code) -> None:
    seeded.allow_only(["iam:List*"])
    assert code(seeded.client("iam").list_users) == "ok"
    assert code(lambda: seeded.client("iam").get_user(UserName="payments-bot")) == "AccessDenied"
    assert code(seeded.client("sts").get_caller_identity) == "ok", "nobody can be denied it"
    assert next(d for d in seeded.doors() if d.kind == "active-key").open()
    seeded.allow_only(None)
    assert code(lambda: seeded.client("iam").get_user(UserName="payments-bot")) == "ok"


def test_rights_follow_the_operator_into_its_role(aws: AwsSandbox, code: Code) -> None:
    from nhi_revoke_aws.sandbox.clients import Held

    role = "arn:aws:iam::444455556666:role/IncidentResponder"
    aws.allow_only(["sts:AssumeRole", "iam:ListUsers"])
    given = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="case")["Credentials"]
    there = Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert code(aws.client("iam", there).list_users) == "ok"
    assert code(aws.client("iam", there).list_roles) == "AccessDenied"
    assert {c.by for c in aws.calls()} == {"operator"}


def test_the_log_says_what_was_asked_by_whom_and_whether_it_changes_anything(seeded: AwsSandbox) -> None:
    iam = seeded.client("iam")
    iam.list_access_keys(UserName="payments-bot")
    key = iam.list_access_keys(UserName="payments-bot")["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.get_access_key_last_used(AccessKeyId=key)
    iam.update_access_key(UserName="payments-bot", AccessKeyId=key, Status="Active")
    seeded.client("secretsmanager").get_secret_value(SecretId="payments/aws", VersionStage="AWSCURRENT")
    seeded.client("s3").list_buckets()
    seeded.client("sts").get_session_token()
    shown = [(c.name, c.mutates, c.permission, c.by, c.target) for c in seeded.calls()]
    assert shown == [
        ("iam:ListAccessKeys", False, "iam:ListAccessKeys", "operator", "payments-bot"),
        ("iam:ListAccessKeys", False, "iam:ListAccessKeys", "operator", "payments-bot"),
        ("iam:GetAccessKeyLastUsed", False, "iam:GetAccessKeyLastUsed", "operator", key),
        ("iam:UpdateAccessKey", True, "iam:UpdateAccessKey", "operator", "payments-bot"),
        ("secretsmanager:GetSecretValue", False, "secretsmanager:GetSecretValue", "operator", "payments/aws"),
        ("s3:ListBuckets", False, "s3:ListAllMyBuckets", "operator", ""),
        ("sts:GetSessionToken", False, "", "operator", ""),
    ]
    seeded.forget_calls()
    assert next(d for d in seeded.doors() if d.kind == "assume-role-again").open()
    assert {c.by for c in seeded.calls()} == {"intruder"}
    made = seeded.client("iam").create_user(UserName="fresh")["User"]["UserName"]
    key2 = seeded.client("iam").create_access_key(UserName=made)["AccessKey"]
    from nhi_revoke_aws.sandbox.clients import Held

    seeded.forget_calls()
    seeded.client("sts", Held(key2["AccessKeyId"], key2["SecretAccessKey"])).get_caller_identity()
    assert [c.by for c in seeded.calls()] == ["workload"]
