"""The seeded world: doors, meddling, accounts, secrets, settings, life."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of

Code = Callable[[Callable[[], Any]], str]
BOT = "payments-bot"
Doors = Callable[[AwsSandbox], dict[str, bool]]


def deny_older(aws: AwsSandbox, cutoff: datetime, *also: str) -> str:
    condition = {"DateLessThan": {"aws:TokenIssueTime": cutoff.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    statements: list[dict[str, Any]] = [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]
    if also:
        statements.append({"Effect": "Deny", "Action": list(also), "Resource": "*"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def key_of(aws: AwsSandbox, status: str = "Active") -> str:
    keys = aws.client("iam").list_access_keys(UserName=BOT)["AccessKeyMetadata"]
    return next(str(k["AccessKeyId"]) for k in keys if k["Status"] == status)


def test_it_is_a_sandbox_of_the_contract(aws: AwsSandbox) -> None:
    sandbox: Sandbox = aws
    assert sandbox.control.startswith("http://127.0.0.1:")


def test_the_doors_before(seeded: AwsSandbox, doors: Doors, open_before: dict[str, bool]) -> None:
    assert doors(seeded) == open_before
    assert doors(seeded) == open_before, "trying a door does not shut it"
    assert len({d.id for d in seeded.doors()}) == len(open_before)


def test_every_door_stands_for_an_access_or_a_lead(seeded: AwsSandbox, doors: Doors) -> None:
    where = {d.kind: d.access for d in seeded.doors()}
    user, worker = "aws:user-session/111122223333/payments-bot/*", "aws:role-session/111122223333/payments-worker/*"
    key = f"aws:access-key/{key_of(seeded)}"
    assert where == {
        "active-key": key,
        "inactive-key": f"aws:access-key/{key_of(seeded, 'Inactive')}",
        "get-session-token": user,
        "get-federation-token": user,
        "login-profile": "aws:login-profile/111122223333/payments-bot",
        "console-session": user,
        "aws-login": user,
        "assume-role": worker,
        "assume-role-again": key,
        "minted-after": user,
        "chained": "aws:arn:aws:iam::111122223333:role/payments-ledger",
    }


def test_each_blow_shuts_its_own_doors_and_no_other(
    seeded: AwsSandbox, doors: Doors, open_before: dict[str, bool]
) -> None:
    """The whole job by hand: what each step ends is what the intruder loses by it."""
    iam = seeded.client("iam")
    now = open_before.copy()

    def shut(*kinds: str) -> None:
        now.update(dict.fromkeys(kinds, False))
        assert doors(seeded) == now

    iam.update_access_key(UserName=BOT, AccessKeyId=key_of(seeded), Status="Inactive")
    shut("active-key", "assume-role-again")
    iam.delete_login_profile(UserName=BOT)
    shut("login-profile")
    seeded.advance(5)
    cutoff = seeded.now()
    iam.put_user_policy(UserName=BOT, PolicyName="NHIRevoke", PolicyDocument=deny_older(seeded, cutoff))
    shut("get-session-token", "get-federation-token", "console-session", "minted-after")
    sign_in = ("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token")
    iam.put_user_policy(UserName=BOT, PolicyName="NHIRevoke", PolicyDocument=deny_older(seeded, cutoff, *sign_in))
    shut("aws-login")
    iam.put_role_policy(RoleName="payments-worker", PolicyName="NHIRevoke", PolicyDocument=deny_older(seeded, cutoff))
    shut("assume-role")
    assert [kind for kind, is_open in now.items() if is_open] == ["chained"]
    iam.put_role_policy(RoleName="payments-ledger", PolicyName="NHIRevoke", PolicyDocument=deny_older(seeded, cutoff))
    shut("chained")


def test_a_deny_of_everything_does_not_stop_a_named_trust_of_old_role_sessions(
    seeded: AwsSandbox, doors: Doors
) -> None:
    deny = allow("*").replace("Allow", "Deny")
    seeded.client("iam").put_user_policy(UserName=BOT, PolicyName="NHIRevoke", PolicyDocument=deny)
    assert [kind for kind, is_open in doors(seeded).items() if is_open] == ["assume-role", "chained"]


def test_the_aws_login_chain_ends_after_twelve_hours(seeded: AwsSandbox, doors: Doors) -> None:
    door = next(d for d in seeded.doors() if d.kind == "aws-login")
    seeded.advance(11 * 3600)
    assert door.open()
    seeded.advance(3600)
    assert not door.open()


def test_an_unclear_door_raises(seeded: AwsSandbox, doors: Doors) -> None:
    door = next(d for d in seeded.doors() if d.kind == "active-key")
    seeded.world.gate.parties.stolen.clear()  # so that the fault hits
    seeded.fault("s3:ListBuckets", "500")
    with pytest.raises(Exception, match="ServiceUnavailable"):
        door.open()


# -- meddling ----------------------------------------------------------------------------------------------------------


def test_the_intruder_makes_a_key(seeded: AwsSandbox, doors: Doors) -> None:
    before = {k["AccessKeyId"] for k in seeded.client("iam").list_access_keys(UserName=BOT)["AccessKeyMetadata"]}
    seeded.meddle("new-key")
    after = {k["AccessKeyId"] for k in seeded.client("iam").list_access_keys(UserName=BOT)["AccessKeyMetadata"]}
    (new,) = after - before
    door = next(d for d in seeded.doors() if d.kind == "new-key")
    assert (door.access, door.open()) == (f"aws:access-key/{new}", True)
    events = seeded.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateAccessKey"}]
    )["Events"]
    assert [e["Username"] for e in events] == [BOT]
    assert [c.name for c in seeded.calls() if c.mutates] == [], "what the intruder does is not the tool's doing"


def test_the_intruder_takes_our_cuts_off_and_nothing_else(
    seeded: AwsSandbox, doors: Doors, open_before: dict[str, bool]
) -> None:
    iam = seeded.client("iam")
    deny = allow("*").replace("Allow", "Deny")
    for name in ("NHIRevoke", "NHIRevoke-2"):
        iam.put_user_policy(UserName=BOT, PolicyName=name, PolicyDocument=deny)
    iam.put_role_policy(RoleName="payments-worker", PolicyName="NHIRevoke", PolicyDocument=deny)
    arn = iam.create_policy(PolicyName="NHIRevoke-managed", PolicyDocument=deny)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=BOT, PolicyArn=arn)
    seeded.meddle("detach-cut")
    assert iam.list_user_policies(UserName=BOT)["PolicyNames"] == ["payments-data", "payments-reach"]
    assert iam.list_role_policies(RoleName="payments-worker")["PolicyNames"] == ["payments-worker-data"]
    assert iam.list_attached_user_policies(UserName=BOT)["AttachedPolicies"] == []
    assert doors(seeded) == open_before


def test_the_intruder_re_enables_the_key(seeded: AwsSandbox, doors: Doors) -> None:
    key = key_of(seeded)
    seeded.client("iam").update_access_key(UserName=BOT, AccessKeyId=key, Status="Inactive")
    assert not doors(seeded)["active-key"]
    seeded.meddle("reenable-key")
    assert key_of(seeded) == key
    assert doors(seeded)["active-key"]


def test_the_intruder_leaves_a_policy_of_our_name(seeded: AwsSandbox) -> None:
    seeded.meddle("foreign-policy")
    iam = seeded.client("iam")
    for found in (
        iam.get_user_policy(UserName=BOT, PolicyName="NHIRevoke"),
        iam.get_role_policy(RoleName="payments-worker", PolicyName="NHIRevoke"),
    ):
        assert found["PolicyDocument"]["Statement"][0]["Effect"] == "Allow"


def test_the_intruder_opens_a_trust_to_anyone(seeded: AwsSandbox) -> None:
    seeded.meddle("trust-anyone")
    trust = seeded.client("iam").get_role(RoleName="payments-worker")["Role"]["AssumeRolePolicyDocument"]
    assert [s["Principal"]["AWS"] for s in trust["Statement"]][-1] == "*"
    stranger = "arn:aws:iam::111122223333:role/bots/payments-worker"
    assert seeded.client("sts").assume_role(RoleArn=stranger, RoleSessionName="any")["AssumedRoleUser"]


def test_the_intruder_mints_while_the_responder_works(seeded: AwsSandbox, doors: Doors) -> None:
    seeded.meddle("mint-session")
    door = next(d for d in seeded.doors() if d.kind == "minted-meanwhile")
    assert door.open()


def test_meddling_lags_like_every_write(seeded: AwsSandbox, doors: Doors) -> None:
    seeded.lag(4, 300)
    seeded.meddle("new-key")
    door = next(d for d in seeded.doors() if d.kind == "new-key")
    assert not door.open()
    seeded.advance(4)
    assert door.open()


def test_unknown_meddling_is_refused(seeded: AwsSandbox) -> None:
    with pytest.raises(ValueError, match="new-key"):
        seeded.meddle("nonsense")


# -- accounts, secrets, settings ---------------------------------------------------------------------------------------


def test_two_accounts_are_apart_and_the_operator_reaches_both(aws: AwsSandbox, code: Code) -> None:
    aws.admin("iam", "444455556666").create_user(UserName="over-there")
    role = "arn:aws:iam::444455556666:role/IncidentResponder"
    given = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="case-7")["Credentials"]
    there = Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert aws.client("sts", there).get_caller_identity()["Account"] == "444455556666"
    names = [u["UserName"] for u in aws.client("iam", there).list_users()["Users"]]
    assert names == ["over-there"]
    assert "over-there" not in [u["UserName"] for u in aws.client("iam").list_users()["Users"]]
    aws.client("secretsmanager", there).create_secret(Name="theirs", SecretString="x")
    ours = aws.client("secretsmanager").get_secret_value
    assert code(lambda: ours(SecretId="theirs", VersionStage="AWSCURRENT")) == "ResourceNotFoundException"


def test_across_accounts_the_trust_alone_is_not_enough(aws: AwsSandbox, code: Code) -> None:
    iam = aws.admin("iam")
    iam.create_user(UserName="bot")
    iam.put_user_policy(UserName="bot", PolicyName="p", PolicyDocument=allow("s3:*"))
    key = iam.create_access_key(UserName="bot")["AccessKey"]
    bot = Held(key["AccessKeyId"], key["SecretAccessKey"])
    trust = trust_of({"AWS": "arn:aws:iam::111122223333:user/bot"})
    there = aws.admin("iam", "444455556666")
    role = there.create_role(RoleName="guest", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assume = lambda: aws.client("sts", bot).assume_role(RoleArn=role, RoleSessionName="s1")  # noqa: E731
    assert code(assume) == "AccessDenied"
    iam.put_user_policy(UserName="bot", PolicyName="p", PolicyDocument=allow("sts:AssumeRole"))
    assert code(assume) == "ok"


def test_access_key_info_tells_the_account_whatever_the_state(seeded: AwsSandbox) -> None:
    sts = seeded.client("sts")
    assert sts.get_access_key_info(AccessKeyId=key_of(seeded, "Inactive"))["Account"] == "111122223333"


def test_secret_stages_move_as_the_vendors_do(seeded: AwsSandbox) -> None:
    sm = seeded.client("secretsmanager")

    def value(stage: str) -> dict[str, str]:
        got = sm.get_secret_value(SecretId="payments/aws", VersionStage=stage)["SecretString"]
        loaded: dict[str, str] = json.loads(got)
        return loaded

    old = value("AWSCURRENT")
    assert old["AccessKeyId"] == key_of(seeded)
    assert set(old) == {"AccessKeyId", "SecretAccessKey", "WebhookSigningKey"}
    token = "0c5d3ad4-6ff2-5c2e-9a52-0d3f5a4a1f11"
    put = {"SecretId": "payments/aws", "ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
    sm.put_secret_value(**put, SecretString=json.dumps({**old, "AccessKeyId": "AKIANEW"}))
    assert (value("AWSCURRENT"), value("AWSPENDING")["AccessKeyId"]) == (old, "AKIANEW")
    stages = sm.describe_secret(SecretId="payments/aws")["VersionIdsToStages"]
    (before,) = (v for v, s in stages.items() if "AWSCURRENT" in s)
    move = {"SecretId": "payments/aws", "VersionStage": "AWSCURRENT"}
    sm.update_secret_version_stage(**move, MoveToVersionId=token, RemoveFromVersionId=before)
    assert value("AWSCURRENT")["AccessKeyId"] == "AKIANEW"
    assert value("AWSPREVIOUS") == old


def test_the_bot_reads_its_own_secret(seeded: AwsSandbox, code: Code) -> None:
    loot = seeded.loot()
    read = seeded.client("secretsmanager", loot.key).get_secret_value
    assert code(lambda: read(SecretId="payments/aws", VersionStage="AWSCURRENT")) == "ok"


def test_settings_reach_it_with_the_vendors_own_client(seeded: AwsSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    settings = seeded.settings()
    assert set(settings) == {"endpoint_url", "credentials_file", "profile", "region", "regions"}
    assert settings["regions"] == [settings["region"]] == ["us-east-1"]
    path = settings["credentials_file"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", path)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    session = boto3.Session(profile_name=settings["profile"], region_name=settings["region"])
    sts = session.client("sts", endpoint_url=settings["endpoint_url"])
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/incident-responder"
    sts.close()


def test_seeding_twice_replaces_the_file(aws: AwsSandbox, tmp_path: Path) -> None:
    aws.seed(str(tmp_path))
    first = Path(aws.settings()["credentials_file"]).read_text()
    aws.reset()
    aws.seed(str(tmp_path))
    second = Path(aws.settings()["credentials_file"]).read_text()
    assert first != second
    assert aws.operator().key_id in second


def test_the_map_names_what_was_seeded(aws: AwsSandbox, tmp_path: Path) -> None:
    seeded = aws.seed(str(tmp_path))
    table = tomllib.loads(seeded.map)["identity"][seeded.name]
    assert tuple(table["principals"]) == seeded.principals
    refs = [PrincipalRef.parse(p) for p in seeded.principals]
    assert [str(r) for r in refs] == list(seeded.principals)
    assert table["deliver"] == [{"from": "aws:access-key", "to": "aws-secretsmanager:payments/aws"}]
    assert "payments-ledger" not in seeded.map


def test_what_was_seeded_has_an_age_and_a_history(seeded: AwsSandbox) -> None:
    iam = seeded.client("iam")
    keys = {k["Status"]: k for k in iam.list_access_keys(UserName=BOT)["AccessKeyMetadata"]}
    assert seeded.now() - keys["Active"]["CreateDate"] > timedelta(days=400)
    last = {s: iam.get_access_key_last_used(AccessKeyId=k["AccessKeyId"])["AccessKeyLastUsed"] for s, k in keys.items()}
    assert timedelta(minutes=39) < seeded.now() - last["Active"]["LastUsedDate"] < timedelta(minutes=41)
    assert "LastUsedDate" not in last["Inactive"]
    assert iam.get_user(UserName=BOT)["User"]["Arn"] == "arn:aws:iam::111122223333:user/bots/payments-bot"


def test_canaries_are_all_secrets_past_and_present(seeded: AwsSandbox, doors: Doors) -> None:
    iam = seeded.client("iam")
    iam.create_user(UserName="fresh")
    made = iam.create_access_key(UserName="fresh")["AccessKey"]
    iam.delete_access_key(UserName="fresh", AccessKeyId=made["AccessKeyId"])
    doors(seeded)
    loot = seeded.loot()
    canaries = set(seeded.canaries())
    wanted = {made["SecretAccessKey"], seeded.operator().secret, loot.password, loot.refresh_token, loot.key.secret}
    wanted |= {h.token for h in (loot.session_token, loot.federation_token, loot.worker, loot.ledger) if h.token}
    secret = seeded.client("secretsmanager").get_secret_value(SecretId="payments/aws", VersionStage="AWSCURRENT")
    wanted.add(json.loads(secret["SecretString"])["WebhookSigningKey"])
    assert wanted <= canaries
    assert all(len(c) >= 16 for c in canaries), "a short canary is found by chance"
    assert not any(c.startswith(("AKIA", "ASIA")) for c in canaries), "ids are no secrets"


def test_nothing_of_it_shows_its_secrets(seeded: AwsSandbox, doors: Doors) -> None:
    shown = repr((seeded.loot(), seeded.operator(), seeded.world.history.recorded("111122223333")))
    shown += repr([list(seeded.world.sessions.all()), seeded.doors(), seeded.calls()])
    assert not [c for c in seeded.canaries() if c in shown]
