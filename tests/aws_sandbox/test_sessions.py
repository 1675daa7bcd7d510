"""Temporary credentials: what they may do, how they end, and what does not end them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of

Code = Callable[[Callable[[], Any]], str]
BOT = "arn:aws:iam::111122223333:user/bot"
ROLE = "arn:aws:iam::111122223333:role/bots/worker"


def held(given: dict[str, Any]) -> Held:
    return Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.fixture
def bot(aws: AwsSandbox) -> Held:
    iam = aws.admin("iam")
    iam.create_user(UserName="bot")
    iam.put_user_policy(UserName="bot", PolicyName="all", PolicyDocument=allow("*"))
    key = iam.create_access_key(UserName="bot")["AccessKey"]
    return Held(key["AccessKeyId"], key["SecretAccessKey"])


def role(aws: AwsSandbox, name: str, principal: dict[str, Any] | str, *actions: str, **more: Any) -> str:
    """A role that this principal may assume, with these rights."""
    iam = aws.admin("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_of(principal), **more)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=allow(*(actions or ("*",))))
    return str(made)


def assume(aws: AwsSandbox, who: Held, arn: str, **more: Any) -> Held:
    return held(aws.client("sts", who).assume_role(RoleArn=arn, RoleSessionName="s1", **more)["Credentials"])


def cut(aws: AwsSandbox, kind: str, name: str, before: datetime) -> None:
    """The console's own document (AWS docs: id_roles_use_revoke-sessions)."""
    condition = {"DateLessThan": {"aws:TokenIssueTime": before.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = getattr(aws.client("iam"), f"put_{kind}_policy")
    put(**{f"{kind.title()}Name": name, "PolicyName": "AWSRevokeOlderSessions", "PolicyDocument": document})


def test_a_deny_by_issue_time_ends_older_sessions_and_no_newer_and_no_key(
    aws: AwsSandbox, bot: Held, code: Code
) -> None:
    sts = aws.client("sts", bot)
    everything = allow("*")
    older = [
        held(sts.get_session_token()["Credentials"]),
        held(sts.get_federation_token(Name="bot", Policy=everything)["Credentials"]),
    ]
    assert [code(aws.client("s3", s).list_buckets) for s in older] == ["ok", "ok"]
    aws.advance(2)
    cutoff = aws.now().replace(microsecond=0) + timedelta(seconds=1)
    aws.advance(1)
    at_cutoff = held(sts.get_session_token()["Credentials"])
    cut(aws, "user", "bot", cutoff)
    assert [code(aws.client("s3", s).list_buckets) for s in older] == ["AccessDenied", "AccessDenied"]
    assert code(aws.client("s3", at_cutoff).list_buckets) == "ok", "the comparison is strict"
    assert code(aws.client("s3", bot).list_buckets) == "ok", "a long-term key has no issue time"


def test_who_is_denied_may_still_ask_who_they_are(aws: AwsSandbox, bot: Held, code: Code) -> None:
    session = held(aws.client("sts", bot).get_session_token()["Credentials"])
    deny = allow("*").replace("Allow", "Deny")
    aws.client("iam").put_user_policy(UserName="bot", PolicyName="stop", PolicyDocument=deny)
    for who in (bot, session):
        assert code(aws.client("s3", who).list_buckets) == "AccessDenied"
        assert aws.client("sts", who).get_caller_identity()["Arn"] == BOT


def test_a_denied_key_still_gets_session_tokens_that_are_denied(aws: AwsSandbox, bot: Held, code: Code) -> None:
    deny = allow("*").replace("Allow", "Deny")
    aws.client("iam").put_user_policy(UserName="bot", PolicyName="stop", PolicyDocument=deny)
    session = held(aws.client("sts", bot).get_session_token()["Credentials"])
    assert code(aws.client("s3", session).list_buckets) == "AccessDenied"
    federate = aws.client("sts", bot).get_federation_token
    assert code(lambda: federate(Name="bot")) == "AccessDenied"


def test_limits_of_a_session_token(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    session = held(aws.client("sts", bot).get_session_token()["Credentials"])
    sts = aws.client("sts", session)
    assert code(aws.client("iam", session).list_users) == "AccessDenied"
    assert code(sts.get_session_token) == "AccessDenied"
    assert code(lambda: sts.get_federation_token(Name="bot")) == "AccessDenied"
    assert code(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="s1")) == "ok"
    assert sts.get_caller_identity()["Arn"] == BOT


def test_limits_of_a_federation_token(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    got = aws.client("sts", bot).get_federation_token(Name="robot", Policy=allow("s3:*", "sts:*", "iam:*"))
    assert got["FederatedUser"]["Arn"] == "arn:aws:sts::111122223333:federated-user/robot"
    session = held(got["Credentials"])
    sts = aws.client("sts", session)
    assert code(aws.client("s3", session).list_buckets) == "ok"
    assert code(aws.client("secretsmanager", session).list_secrets) == "AccessDeniedException"
    assert code(aws.client("iam", session).list_users) == "AccessDenied"
    assert code(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="s1")) == "AccessDenied"
    who = sts.get_caller_identity()
    assert (who["Arn"], who["UserId"]) == (got["FederatedUser"]["Arn"], "111122223333:robot")
    bare = held(aws.client("sts", bot).get_federation_token(Name="robot")["Credentials"])
    assert code(aws.client("s3", bare).list_buckets) == "AccessDenied", "without a session policy: nothing"


def test_session_tokens_last_what_was_asked(aws: AwsSandbox, bot: Held, code: Code) -> None:
    sts = aws.client("sts", bot)
    for asked, hours in (({}, 12), ({"DurationSeconds": 129_600}, 36)):
        ends = sts.get_session_token(**asked)["Credentials"]["Expiration"]
        assert abs(ends - aws.now() - timedelta(hours=hours)) < timedelta(seconds=2)
    assert code(lambda: sts.get_session_token(DurationSeconds=129_601)) == "ValidationError"


# -- roles -------------------------------------------------------------------------------------------------------------


def test_a_role_session_has_no_path_in_its_arn(aws: AwsSandbox, bot: Held) -> None:
    arn = role(aws, "worker", {"AWS": BOT}, Path="/bots/")
    assert arn == ROLE
    who = aws.client("sts", assume(aws, bot, arn)).get_caller_identity()
    assert who["Arn"] == "arn:aws:sts::111122223333:assumed-role/worker/s1"
    role_id = aws.client("iam").get_role(RoleName="worker")["Role"]["RoleId"]
    assert who["UserId"] == f"{role_id}:s1"
    assert role_id.startswith("AROA")


@pytest.mark.parametrize(
    ("principal", "rights", "wanted"),
    [
        ({"AWS": BOT}, ("s3:*",), "ok"),  # named: the trust alone suffices
        ({"AWS": BOT}, ("sts:AssumeRole",), "ok"),
        ({"AWS": "arn:aws:iam::111122223333:root"}, ("s3:*",), "AccessDenied"),
        ({"AWS": "arn:aws:iam::111122223333:root"}, ("sts:AssumeRole",), "ok"),
        ({"AWS": "111122223333"}, ("sts:AssumeRole",), "ok"),
        ({"AWS": "*"}, ("sts:AssumeRole",), "ok"),
        ({"AWS": "*"}, ("s3:*",), "AccessDenied"),
        ({"AWS": "arn:aws:iam::111122223333:user/other"}, ("*",), "AccessDenied"),
        ({"AWS": "arn:aws:iam::999999999999:root"}, ("*",), "AccessDenied"),
        ({"Service": "ec2.amazonaws.com"}, ("*",), "AccessDenied"),
        ({"Federated": "cognito-identity.amazonaws.com"}, ("*",), "AccessDenied"),
    ],
)
def test_who_may_assume_a_role(
    aws: AwsSandbox, bot: Held, code: Code, principal: dict[str, str], rights: tuple[str, ...], wanted: str
) -> None:
    arn = role(aws, "worker", principal, Path="/bots/")
    aws.admin("iam").put_user_policy(UserName="bot", PolicyName="all", PolicyDocument=allow(*rights))
    assert code(lambda: assume(aws, bot, arn)) == wanted


def test_a_deny_stops_even_a_named_principal(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    deny = allow("sts:AssumeRole").replace("Allow", "Deny")
    aws.client("iam").put_user_policy(UserName="bot", PolicyName="no", PolicyDocument=deny)
    assert code(lambda: assume(aws, bot, arn)) == "AccessDenied"


def test_a_condition_of_the_trust_counts(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    trust = json.loads(trust_of({"AWS": BOT}))
    trust["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "e1"}}
    aws.client("iam").update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps(trust))
    assert code(lambda: assume(aws, bot, arn)) == "AccessDenied"
    assert code(lambda: assume(aws, bot, arn, ExternalId="e1")) == "ok"


def test_a_role_that_does_not_exist_or_has_another_path_is_denied(aws: AwsSandbox, bot: Held, code: Code) -> None:
    role(aws, "worker", {"AWS": BOT}, Path="/bots/")
    assert code(lambda: assume(aws, bot, "arn:aws:iam::111122223333:role/nobody")) == "AccessDenied"
    assert code(lambda: assume(aws, bot, "arn:aws:iam::111122223333:role/worker")) == "AccessDenied"
    assert code(lambda: assume(aws, bot, "arn:aws-cn:iam::111122223333:role/bots/worker")) == "ValidationError"


def test_a_trust_edit_stops_new_sessions_only(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    session = assume(aws, bot, arn)
    trust = trust_of({"Service": "ec2.amazonaws.com"})
    aws.client("iam").update_assume_role_policy(RoleName="worker", PolicyDocument=trust)
    assert code(lambda: assume(aws, bot, arn)) == "AccessDenied"
    assert code(aws.client("s3", session).list_buckets) == "ok"


def test_role_sessions_last_no_longer_than_the_role_says(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT}, MaxSessionDuration=7200)
    got = aws.client("sts", bot).assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]
    assert abs(got["Expiration"] - aws.now() - timedelta(hours=1)) < timedelta(seconds=2)
    assert code(lambda: assume(aws, bot, arn, DurationSeconds=7200)) == "ok"
    assert code(lambda: assume(aws, bot, arn, DurationSeconds=7201)) == "ValidationError"


def test_a_chained_session_is_governed_by_its_own_role_and_lasts_an_hour(
    aws: AwsSandbox, bot: Held, code: Code
) -> None:
    first = role(aws, "first", {"AWS": BOT}, MaxSessionDuration=43_200)
    second = role(aws, "second", {"AWS": first}, MaxSessionDuration=43_200)
    parent = assume(aws, bot, first)
    child = assume(aws, parent, second)
    assert code(lambda: assume(aws, parent, second, DurationSeconds=3601)) == "ValidationError"
    assert code(lambda: assume(aws, bot, second)) == "AccessDenied"
    aws.advance(2)
    cut(aws, "role", "first", aws.now())
    assert code(aws.client("s3", parent).list_buckets) == "AccessDenied"
    assert code(lambda: assume(aws, parent, second)) == "AccessDenied"
    assert code(aws.client("s3", child).list_buckets) == "ok", "a deny on the parent's role does not touch the child"
    cut(aws, "role", "second", aws.now())
    assert code(aws.client("s3", child).list_buckets) == "AccessDenied"


def test_one_session_can_be_denied_by_its_name(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    sts = aws.client("sts", bot)
    one, two = (held(sts.assume_role(RoleArn=arn, RoleSessionName=n)["Credentials"]) for n in ("one", "two"))
    role_id = aws.client("iam").get_role(RoleName="worker")["Role"]["RoleId"]
    condition = {"StringEquals": {"aws:userid": f"{role_id}:one"}}
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition},
    }
    aws.client("iam").put_role_policy(RoleName="worker", PolicyName="one", PolicyDocument=json.dumps(document))
    assert code(aws.client("s3", one).list_buckets) == "AccessDenied"
    assert code(aws.client("s3", two).list_buckets) == "ok"


def test_a_boundary_with_a_deny_ends_sessions_too(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    session = assume(aws, bot, arn)
    iam = aws.client("iam")
    narrow = iam.create_policy(PolicyName="edge", PolicyDocument=allow("sts:*"))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=narrow)
    assert code(aws.client("s3", session).list_buckets) == "AccessDenied"
    iam.delete_role_permissions_boundary(RoleName="worker")
    assert code(aws.client("s3", session).list_buckets) == "ok"


def test_group_and_managed_policies_govern(aws: AwsSandbox, bot: Held, code: Code) -> None:
    iam = aws.client("iam")
    iam.delete_user_policy(UserName="bot", PolicyName="all")
    assert code(aws.client("s3", bot).list_buckets) == "AccessDenied"
    iam.create_group(GroupName="bots")
    iam.put_group_policy(GroupName="bots", PolicyName="g", PolicyDocument=allow("s3:*"))
    iam.add_user_to_group(GroupName="bots", UserName="bot")
    assert code(aws.client("s3", bot).list_buckets) == "ok"
    iam.attach_user_policy(UserName="bot", PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    assert code(aws.client("s3", bot).list_buckets) == "AccessDenied"


def test_the_vendors_quarantine_policy_is_no_containment(aws: AwsSandbox, bot: Held, code: Code) -> None:
    quarantine = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"
    aws.client("iam").attach_user_policy(UserName="bot", PolicyArn=quarantine)
    assert code(aws.client("cloudtrail", bot).lookup_events) == "AccessDeniedException"
    assert code(lambda: aws.client("iam", bot).create_access_key(UserName="bot")) == "AccessDenied"
    assert code(aws.client("s3", bot).list_buckets) == "ok"


def test_a_used_role_shows_when(aws: AwsSandbox, bot: Held) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    session = assume(aws, bot, arn)
    aws.client("s3", session, "eu-west-1").list_buckets()
    used = aws.client("iam").get_role(RoleName="worker")["Role"]["RoleLastUsed"]
    assert abs(used["LastUsedDate"] - aws.now()) < timedelta(seconds=2)
    assert used["Region"] == "eu-west-1"


def test_key_last_used_is_of_the_sandboxs_clock(aws: AwsSandbox, bot: Held) -> None:
    iam = aws.client("iam")
    assert "LastUsedDate" not in iam.get_access_key_last_used(AccessKeyId=bot.key_id)["AccessKeyLastUsed"]
    aws.advance(3600)
    aws.client("s3", bot).list_buckets()
    seen = iam.get_access_key_last_used(AccessKeyId=bot.key_id)
    assert seen["UserName"] == "bot"
    assert abs(seen["AccessKeyLastUsed"]["LastUsedDate"] - aws.now()) < timedelta(seconds=2)


def test_a_session_policy_only_narrows(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT}, "s3:*")
    narrow = assume(aws, bot, arn, Policy=allow("sts:*"))
    wide = assume(aws, bot, arn, Policy=allow("*"))
    assert code(aws.client("s3", narrow).list_buckets) == "AccessDenied"
    assert code(aws.client("s3", wide).list_buckets) == "ok"
    assert code(aws.client("secretsmanager", wide).list_secrets) == "AccessDeniedException"
    assert code(lambda: assume(aws, bot, arn, Policy="{")) == "MalformedPolicyDocument"


def test_a_source_identity_is_inherited_down_the_chain_and_can_be_denied(
    aws: AwsSandbox, bot: Held, code: Code
) -> None:
    first = role(aws, "first", {"AWS": BOT})
    second = role(aws, "second", {"AWS": first})
    mine, other = (assume(aws, bot, first, SourceIdentity=name) for name in ("mallory", "alice"))
    child, innocent = assume(aws, mine, second), assume(aws, other, second)
    condition = {"StringEquals": {"aws:SourceIdentity": "mallory"}}
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    aws.client("iam").put_role_policy(RoleName="second", PolicyName="cut", PolicyDocument=document)
    assert code(aws.client("s3", child).list_buckets) == "AccessDenied"
    assert code(aws.client("s3", innocent).list_buckets) == "ok"


def test_a_deny_in_a_trust_wins(aws: AwsSandbox, bot: Held, code: Code) -> None:
    arn = role(aws, "worker", {"AWS": BOT})
    trust = json.loads(trust_of({"AWS": "111122223333"}))
    trust["Statement"].append({"Effect": "Deny", "Principal": {"AWS": BOT}, "Action": "sts:AssumeRole"})
    aws.client("iam").update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps(trust))
    assert code(lambda: assume(aws, bot, arn)) == "AccessDenied"


def test_policies_reach_only_their_resources(aws: AwsSandbox, bot: Held, code: Code) -> None:
    admin = aws.admin("s3")
    for bucket in ("mine", "theirs"):
        admin.create_bucket(Bucket=bucket)
    admin.put_object(Bucket="mine", Key="a/b", Body=b"1")
    sm = aws.admin("secretsmanager")
    arn = sm.create_secret(Name="bot/own", SecretString="x" * 20)["ARN"]
    sm.create_secret(Name="other", SecretString="y" * 20)
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"]},
        {
            "Effect": "Allow",
            "Action": "secretsmanager:*",
            "Resource": "arn:aws:secretsmanager:*:*:secret:bot/own-??????",
        },
        {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::*:user/${aws:username}"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    aws.admin("iam").put_user_policy(UserName="bot", PolicyName="all", PolicyDocument=document)
    s3, secrets, iam = (aws.client(service, bot) for service in ("s3", "secretsmanager", "iam"))
    assert s3.get_object(Bucket="mine", Key="a/b")["Body"].read() == b"1"
    assert code(lambda: s3.list_objects_v2(Bucket="mine")) == "ok"
    assert code(lambda: s3.list_objects_v2(Bucket="theirs")) == "AccessDenied"
    assert code(s3.list_buckets) == "AccessDenied"
    assert [secrets.describe_secret(SecretId=name)["Name"] for name in ("bot/own", arn)] == ["bot/own"] * 2
    assert code(lambda: secrets.describe_secret(SecretId="other")) == "AccessDeniedException"
    assert code(lambda: iam.list_access_keys(UserName="bot")) == "ok"
    assert code(lambda: iam.list_access_keys(UserName="incident-responder")) == "AccessDenied"
