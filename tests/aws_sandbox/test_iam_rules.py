"""What IAM refuses and moto would take, and the vendor's own simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of

Code = Callable[[Callable[[], Any]], str]
BOT = "arn:aws:iam::111122223333:user/bot"


@pytest.fixture
def iam(aws: AwsSandbox) -> Any:
    client = aws.client("iam")
    client.create_user(UserName="bot")
    client.create_role(RoleName="worker", AssumeRolePolicyDocument=trust_of({"AWS": BOT}))
    return client


def padded(size: int, spaces: int = 0) -> str:
    """A policy of exactly this many characters that are not white space."""
    bare = json.dumps(json.loads(allow("s3:x")), separators=(",", ":"))
    return bare.replace("s3:x", "s3:" + "x" * (size - len(bare) + 1)) + " " * spaces


@pytest.mark.parametrize(("kind", "name", "quota"), [("user", "bot", 2048), ("role", "worker", 10_240)])
def test_the_quota_is_of_all_inline_policies_and_spares_white_space(
    iam: Any, code: Code, kind: str, name: str, quota: int
) -> None:
    def put(policy: str, document: str) -> str:
        call = getattr(iam, f"put_{kind}_policy")
        return code(lambda: call(**{f"{kind.title()}Name": name, "PolicyName": policy, "PolicyDocument": document}))

    assert put("big", padded(quota - 200, spaces=500)) == "ok"
    assert put("small", padded(201)) == "LimitExceeded"
    assert put("small", padded(200)) == "ok"
    assert put("big", padded(quota - 200)) == "ok", "a policy is not counted against its own replacement"
    names = getattr(iam, f"list_{kind}_policies")(**{f"{kind.title()}Name": name})["PolicyNames"]
    assert names == ["big", "small"]


def test_a_managed_policy_is_the_way_out(iam: Any, code: Code) -> None:
    iam.put_user_policy(UserName="bot", PolicyName="big", PolicyDocument=padded(2048))
    made = iam.create_policy(PolicyName="cut", PolicyDocument=padded(6144))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="bot", PolicyArn=made)
    assert code(lambda: iam.create_policy(PolicyName="big", PolicyDocument=padded(6145))) == "LimitExceeded"


def test_ten_managed_policies_at_most(iam: Any, code: Code) -> None:
    def attach(n: int) -> str:
        made = iam.create_policy(PolicyName=f"p{n}", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
        return code(lambda: iam.attach_user_policy(UserName="bot", PolicyArn=made))

    assert [attach(n) for n in range(11)] == ["ok"] * 10 + ["LimitExceeded"]


def test_two_access_keys_at_most_inactive_ones_count(iam: Any, code: Code) -> None:
    first = iam.create_access_key(UserName="bot")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="bot", AccessKeyId=first, Status="Inactive")
    iam.create_access_key(UserName="bot")
    assert code(lambda: iam.create_access_key(UserName="bot")) == "LimitExceeded"
    assert len(iam.list_access_keys(UserName="bot")["AccessKeyMetadata"]) == 2


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("AWSServiceRoleForSupport", "/aws-service-role/support.amazonaws.com/"),
        ("AWSReservedSSO_Admin_0123456789abcdef", "/aws-reserved/sso.amazonaws.com/eu-west-1/"),
    ],
)
def test_the_vendors_own_roles_cannot_be_changed(iam: Any, code: Code, name: str, path: str) -> None:
    trust = trust_of({"Service": "support.amazonaws.com"})
    iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)
    put = {"RoleName": name, "PolicyName": "x", "PolicyDocument": allow("*")}
    assert code(lambda: iam.put_role_policy(**put)) == "UnmodifiableEntity"
    assert code(lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)) == "UnmodifiableEntity"
    deny_all = "arn:aws:iam::aws:policy/AWSDenyAll"
    assert code(lambda: iam.attach_role_policy(RoleName=name, PolicyArn=deny_all)) == "UnmodifiableEntity"
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []


def test_a_real_service_linked_role_is_protected_too(iam: Any, code: Code) -> None:
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")["Role"]["RoleName"]
    put = {"RoleName": made, "PolicyName": "x", "PolicyDocument": allow("*")}
    assert code(lambda: iam.put_role_policy(**put)) == "UnmodifiableEntity"


@pytest.mark.parametrize(
    "written", ["[policy creation time]", "2026-11-23T12:00:00+00:00", "2026-11-23T12:00:00.123456"]
)
def test_dates_that_are_none_are_refused(iam: Any, code: Code, written: str) -> None:
    condition = {"DateLessThan": {"aws:TokenIssueTime": written}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = {"UserName": "bot", "PolicyName": "x", "PolicyDocument": document}
    assert code(lambda: iam.put_user_policy(**put)) == "MalformedPolicyDocument"
    assert iam.list_user_policies(UserName="bot")["PolicyNames"] == []


def test_a_user_with_something_left_cannot_be_deleted(iam: Any, code: Code) -> None:
    iam.create_access_key(UserName="bot")
    assert code(lambda: iam.delete_user(UserName="bot")) == "DeleteConflict"


def test_no_login_profile_is_no_such_entity(iam: Any, code: Code) -> None:
    assert code(lambda: iam.get_login_profile(UserName="bot")) == "NoSuchEntity"
    iam.create_login_profile(UserName="bot", Password="hunter2-hunter2")
    assert code(lambda: iam.get_login_profile(UserName="bot")) == "ok"
    iam.delete_login_profile(UserName="bot")
    assert code(lambda: iam.get_login_profile(UserName="bot")) == "NoSuchEntity"


def test_dates_are_whole_seconds_of_the_sandboxs_clock(aws: AwsSandbox, iam: Any) -> None:
    aws.advance(86_400)
    made = iam.create_access_key(UserName="bot")["AccessKey"]["CreateDate"]
    assert made.microsecond == 0
    assert abs((made - aws.now()).total_seconds()) < 2


# -- SimulatePrincipalPolicy -------------------------------------------------------------------------------------------

DENY_OLDER = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": ["*"],
                "Resource": ["*"],
                "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2026-11-23T12:00:00Z"}},
            }
        ],
    }
)


def simulated(iam: Any, arn: str, issued: str | None) -> dict[str, Any]:
    key = "aws:TokenIssueTime"
    entries = [{"ContextKeyName": key, "ContextKeyValues": [issued], "ContextKeyType": "date"}] if issued else []
    got = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:ListAllMyBuckets"], ContextEntries=entries
    )
    assert got["IsTruncated"] is False
    result: dict[str, Any] = got["EvaluationResults"][0]
    return result


@pytest.mark.parametrize(
    ("issued", "decision"),
    [
        ("2026-11-23T11:59:59Z", "explicitDeny"),
        ("2026-11-23T12:00:00Z", "allowed"),
        (None, "allowed"),
    ],
)
def test_the_simulator_judges_by_issue_time(iam: Any, issued: str | None, decision: str) -> None:
    iam.put_user_policy(UserName="bot", PolicyName="all", PolicyDocument=allow("*"))
    iam.put_user_policy(UserName="bot", PolicyName="NHIRevoke", PolicyDocument=DENY_OLDER)
    result = simulated(iam, BOT, issued)
    assert (result["EvalActionName"], result["EvalDecision"]) == ("s3:ListAllMyBuckets", decision)
    source = "user_bot_NHIRevoke" if decision == "explicitDeny" else "user_bot_all"
    assert [m["SourcePolicyId"] for m in result["MatchedStatements"]] == [source]
    assert result["MissingContextValues"] == ([] if issued else ["aws:TokenIssueTime"])


def test_the_simulator_knows_roles_and_boundaries_and_no_policy_at_all(iam: Any) -> None:
    role = "arn:aws:iam::111122223333:role/worker"
    assert simulated(iam, role, None)["EvalDecision"] == "implicitDeny"
    iam.put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=allow("*"))
    assert simulated(iam, role, None)["EvalDecision"] == "allowed"
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=allow("sts:*"))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=edge)
    assert simulated(iam, role, None)["EvalDecision"] == "implicitDeny"


def test_the_simulator_reads_what_is_recorded_not_what_is_obeyed(aws: AwsSandbox, iam: Any) -> None:
    aws.lag(60, 0)
    iam.put_user_policy(UserName="bot", PolicyName="stop", PolicyDocument=allow("*").replace("Allow", "Deny"))
    assert simulated(iam, BOT, None)["EvalDecision"] == "explicitDeny"


def test_the_simulator_refuses_strangers(iam: Any, code: Code) -> None:
    def ask(arn: str) -> str:
        return code(lambda: iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:*"]))

    assert ask("arn:aws:iam::111122223333:user/nobody") == "NoSuchEntity"
    assert ask("arn:aws:iam::444455556666:user/bot") == "InvalidInput"
    assert ask("arn:aws:sts::111122223333:assumed-role/worker/s1") == "InvalidInput"


def test_a_custom_policy_can_be_simulated(iam: Any) -> None:
    got = iam.simulate_custom_policy(PolicyInputList=[allow("s3:*")], ActionNames=["s3:GetObject", "iam:GetUser"])
    assert [r["EvalDecision"] for r in got["EvaluationResults"]] == ["allowed", "implicitDeny"]
