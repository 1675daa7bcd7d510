"""CloudTrail: records, lineage, lag, paging, Regions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow

Code = Callable[[Callable[[], Any]], str]
USER = "arn:aws:iam::111122223333:user/bots/payments-bot"
WORKER = "arn:aws:iam::111122223333:role/bots/payments-worker"
LEDGER = "arn:aws:iam::111122223333:role/payments-ledger"
EXPIRES = "%b %d, %Y, %I:%M:%S %p"


def lookup(aws: AwsSandbox, key: str, value: str, **more: Any) -> list[dict[str, Any]]:
    pages = aws.client("cloudtrail", region=more.pop("region", None)).get_paginator("lookup_events")
    wanted = [{"AttributeKey": key, "AttributeValue": value}]
    return [e for page in pages.paginate(LookupAttributes=wanted, **more) for e in page["Events"]]


def inside(event: dict[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(event["CloudTrailEvent"])
    return loaded


def bot_key(aws: AwsSandbox) -> str:
    keys = aws.client("iam").list_access_keys(UserName="payments-bot")["AccessKeyMetadata"]
    return next(str(k["AccessKeyId"]) for k in keys if k["Status"] == "Active")


def test_the_lineage_of_a_leaked_key_can_be_walked(everything: AwsSandbox) -> None:
    found: dict[str, str] = {}
    todo = [bot_key(everything)]
    while todo:
        for event in lookup(everything, "AccessKeyId", todo.pop()):
            given = inside(event)["responseElements"]
            if given and "credentials" in given:
                child = given["credentials"]["accessKeyId"]
                found[child] = event["EventName"]
                todo.append(child)
    assert sorted(found.values()) == [*["AssumeRole"] * 3, "GetFederationToken", "GetSessionToken"], (
        "the worker, the ledger and another account's role"
    )
    assert all(child.startswith("ASIA") for child in found)


def test_an_assume_role_record_has_what_the_vendors_has(seeded: AwsSandbox) -> None:
    event = next(e for e in lookup(seeded, "ResourceName", WORKER) if e["EventName"] == "AssumeRole")
    assert (event["EventSource"], event["Username"], event["ReadOnly"]) == ("sts.amazonaws.com", "payments-bot", "true")
    assert {"ResourceType": "AWS::IAM::Role", "ResourceName": WORKER} in event["Resources"]
    record = inside(event)
    who = record["userIdentity"]
    assert (who["type"], who["arn"], who["userName"]) == ("IAMUser", USER, "payments-bot")
    assert who["accessKeyId"] == bot_key(seeded)
    assert who["principalId"].startswith("AIDA")
    assert record["requestParameters"] == {
        "roleArn": WORKER,
        "roleSessionName": "nightly",
        "durationSeconds": 43_200,
    }
    given = record["responseElements"]
    assert given["assumedRoleUser"]["arn"] == "arn:aws:sts::111122223333:assumed-role/payments-worker/nightly"
    expires = given["credentials"]["expiration"]
    assert re.fullmatch(r"[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M", expires)
    ends = datetime.strptime(expires, EXPIRES).replace(tzinfo=event["EventTime"].tzinfo)
    started = datetime.fromisoformat(record["eventTime"])
    assert abs(ends.replace(tzinfo=started.tzinfo) - started - timedelta(hours=12)) <= timedelta(seconds=1)


def test_a_session_is_named_with_its_issuer_and_issue_time(seeded: AwsSandbox) -> None:
    event = next(e for e in lookup(seeded, "ResourceName", LEDGER) if e["EventName"] == "AssumeRole")
    who = inside(event)["userIdentity"]
    assert (who["type"], event["Username"]) == ("AssumedRole", "nightly")
    context = who["sessionContext"]
    assert context["sessionIssuer"]["arn"] == WORKER
    issued = datetime.fromisoformat(context["attributes"]["creationDate"])
    assert timedelta(minutes=39) < seeded.now() - issued < timedelta(minutes=41)


def test_a_console_session_shows_only_by_what_it_does(seeded: AwsSandbox) -> None:
    keys = {e.get("AccessKeyId", "") for e in lookup(seeded, "Username", "payments-bot")}
    loot = seeded.loot()
    assert keys == {loot.key.key_id, loot.console.key_id}
    (event,) = lookup(seeded, "AccessKeyId", loot.console.key_id)
    who = inside(event)["userIdentity"]
    assert (who["type"], who["arn"], who["accessKeyId"]) == ("IAMUser", USER, loot.console.key_id)
    assert who["sessionContext"]["attributes"]["creationDate"] <= inside(event)["eventTime"]


def test_events_are_found_only_after_the_lag(aws: AwsSandbox) -> None:
    aws.lag(0, 300)
    aws.client("iam").create_user(UserName="late")
    assert lookup(aws, "EventName", "CreateUser") == []
    aws.advance(299)
    assert lookup(aws, "EventName", "CreateUser") == []
    aws.advance(2)
    found = lookup(aws, "EventName", "CreateUser")
    assert [inside(e)["requestParameters"] for e in found] == [{"userName": "late"}]


def test_a_failed_call_has_an_error_code_and_no_response(aws: AwsSandbox, code: Code) -> None:
    role = "arn:aws:iam::111122223333:role/nobody"
    assert code(lambda: aws.client("sts").assume_role(RoleArn=role, RoleSessionName="s1")) == "AccessDenied"
    record = inside(lookup(aws, "EventName", "AssumeRole")[0])
    assert (record["errorCode"], record["responseElements"]) == ("AccessDenied", None)
    assert code(lambda: aws.client("iam").get_user(UserName="nobody")) == "NoSuchEntity"
    record = inside(lookup(aws, "EventName", "GetUser")[0])
    assert (record["errorCode"], record["responseElements"]) == ("NoSuchEntity", None)


def test_a_created_key_is_in_the_record_and_its_secret_is_not(aws: AwsSandbox) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bot")
    made = iam.create_access_key(UserName="bot")["AccessKey"]
    iam.create_login_profile(UserName="bot", Password="hunter2-hunter2")
    event = lookup(aws, "EventName", "CreateAccessKey")[0]
    assert inside(event)["responseElements"]["accessKey"]["accessKeyId"] == made["AccessKeyId"]
    assert event["Username"] == "incident-responder"
    assert lookup(aws, "ResourceName", made["AccessKeyId"])[0]["EventId"] == event["EventId"]
    everything = json.dumps([e["CloudTrailEvent"] for e in lookup(aws, "Username", "incident-responder")])
    assert made["SecretAccessKey"] not in everything
    assert "hunter2" not in everything


def test_one_attribute_at_most_and_only_known_ones(aws: AwsSandbox, code: Code) -> None:
    trail = aws.client("cloudtrail")
    two = [{"AttributeKey": k, "AttributeValue": "x"} for k in ("EventName", "Username")]
    assert code(lambda: trail.lookup_events(LookupAttributes=two)) == "InvalidLookupAttributesException"


@pytest.mark.parametrize(("size", "pages"), [(1, 7), (3, 3), (50, 1)])
def test_pages_and_tokens(aws: AwsSandbox, size: int, pages: int) -> None:
    for n in range(7):
        aws.client("iam").create_user(UserName=f"u{n}")
    aws.page_size(size)
    trail = aws.client("cloudtrail").get_paginator("lookup_events")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]
    got = [
        [inside(e)["requestParameters"]["userName"] for e in p["Events"]]
        for p in trail.paginate(LookupAttributes=wanted)
    ]
    assert [name for page in got for name in page] == [f"u{n}" for n in reversed(range(7))], "newest first"
    assert len(got) == pages


def test_a_token_is_bound_to_its_question(aws: AwsSandbox, code: Code) -> None:
    for n in range(3):
        aws.client("iam").create_user(UserName=f"u{n}")
    trail = aws.client("cloudtrail")
    first = [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]
    token = trail.lookup_events(LookupAttributes=first, MaxResults=1)["NextToken"]
    assert code(lambda: trail.lookup_events(LookupAttributes=first, NextToken=token)) == "ok"
    other = [{"AttributeKey": "Username", "AttributeValue": "incident-responder"}]
    assert code(lambda: trail.lookup_events(LookupAttributes=other, NextToken=token)) == "InvalidNextTokenException"


def test_start_and_end_bound_what_is_found(aws: AwsSandbox, code: Code) -> None:
    aws.client("iam").create_user(UserName="early")
    aws.advance(3600)
    middle = aws.now() - timedelta(minutes=30)
    aws.client("iam").create_user(UserName="late")
    names = [
        inside(e)["requestParameters"]["userName"] for e in lookup(aws, "EventName", "CreateUser", StartTime=middle)
    ]
    assert names == ["late"]
    names = [inside(e)["requestParameters"]["userName"] for e in lookup(aws, "EventName", "CreateUser", EndTime=middle)]
    assert names == ["early"]
    trail = aws.client("cloudtrail")
    backwards = code(lambda: trail.lookup_events(StartTime=aws.now(), EndTime=middle))
    assert backwards == "InvalidTimeRangeException"
    aws.advance(91 * 86_400)
    assert lookup(aws, "EventName", "CreateUser") == []


def test_events_lie_in_the_region_they_belong_to(aws: AwsSandbox) -> None:
    aws.client("sts", region="eu-west-1").get_session_token()
    aws.client("iam", region="eu-west-1").create_user(UserName="global")
    assert [e["EventName"] for e in lookup(aws, "EventName", "GetSessionToken", region="eu-west-1")] == [
        "GetSessionToken"
    ]
    assert lookup(aws, "EventName", "GetSessionToken") == []
    assert len(lookup(aws, "EventName", "CreateUser", region="us-east-1")) == 1
    assert lookup(aws, "EventName", "CreateUser", region="eu-west-1") == []


def test_across_accounts_both_sides_see_it_and_the_owner_sees_less(aws: AwsSandbox) -> None:
    role = "arn:aws:iam::444455556666:role/IncidentResponder"
    given = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="case-7")["Credentials"]
    there = Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    ours = inside(lookup(aws, "EventName", "AssumeRole")[0])
    events = aws.client("cloudtrail", there).lookup_events()["Events"]
    theirs = next(inside(e) for e in events if e["EventName"] == "AssumeRole")
    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert ours["userIdentity"]["type"] == "IAMUser"
    assert theirs["userIdentity"]["type"] == "AWSAccount"
    assert set(theirs["userIdentity"]) == {"type", "principalId", "accountId"}
    assert theirs["responseElements"]["credentials"]["accessKeyId"] == there.key_id


def test_the_rate_can_be_enforced(aws: AwsSandbox, code: Code) -> None:
    aws.throttle_lookups()
    trail = aws.client("cloudtrail")
    assert [code(trail.lookup_events) for _ in range(3)] == ["ok", "ok", "ThrottlingException"]
    aws.advance(1)
    assert code(trail.lookup_events) == "ok"


def test_setting_up_leaves_no_record(aws: AwsSandbox) -> None:
    aws.admin("iam").create_user(UserName="bot")
    aws.admin("iam").put_user_policy(UserName="bot", PolicyName="p", PolicyDocument=allow("*"))
    assert aws.client("cloudtrail").lookup_events()["Events"] == []
    assert [c.name for c in aws.calls()] == ["cloudtrail:LookupEvents"]


# -- what changes answer -------------------------------------------------------------------------------------------


def answer_of(aws: AwsSandbox, name: str, **more: Any) -> Any:
    event, *_ = lookup(aws, "EventName", name, **more)
    return inside(event)["responseElements"]


def test_what_was_made_is_in_the_record_as_the_vendor_writes_it(aws: AwsSandbox) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bot", Path="/bots/")
    user = answer_of(aws, "CreateUser")["user"]
    assert (user["userName"], user["path"], user["arn"]) == ("bot", "/bots/", USER.replace("payments-bot", "bot"))
    assert re.fullmatch(EXPIRES_LIKE, user["createDate"])
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="r", Path="/x/", AssumeRolePolicyDocument=trust)
    assert answer_of(aws, "CreateRole")["role"]["arn"] == "arn:aws:iam::111122223333:role/x/r"
    made = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    assert answer_of(aws, "CreatePolicy")["policy"]["arn"] == made
    iam.create_policy_version(PolicyArn=made, PolicyDocument=allow("*"), SetAsDefault=True)
    assert answer_of(aws, "CreatePolicyVersion")["policyVersion"]["versionId"] == "v2"
    iam.create_instance_profile(InstanceProfileName="ip")
    assert answer_of(aws, "CreateInstanceProfile")["instanceProfile"]["arn"].endswith(":instance-profile/ip")
    url = "https://evil.example"
    iam.create_open_id_connect_provider(Url=url, ThumbprintList=["0" * 40])
    assert answer_of(aws, "CreateOpenIDConnectProvider")["openIDConnectProviderArn"].endswith("/evil.example")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]["SerialNumber"]
    assert answer_of(aws, "CreateVirtualMFADevice")["virtualMFADevice"]["serialNumber"] == device


EXPIRES_LIKE = r"[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M"


def test_changes_that_answer_nothing_and_reads_have_null(aws: AwsSandbox) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bot")
    iam.put_user_policy(UserName="bot", PolicyName="p", PolicyDocument=allow("*"))
    iam.get_user(UserName="bot")
    assert answer_of(aws, "PutUserPolicy") is None
    assert answer_of(aws, "GetUser") is None


def test_no_secret_is_in_what_a_change_answered(aws: AwsSandbox) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bot")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    iam.enable_mfa_device(
        UserName="bot", SerialNumber=device["SerialNumber"], AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    credential = iam.create_service_specific_credential(UserName="bot", ServiceName="codecommit.amazonaws.com")
    made = credential["ServiceSpecificCredential"]
    answered = answer_of(aws, "CreateServiceSpecificCredential")["serviceSpecificCredential"]
    assert answered["serviceSpecificCredentialId"] == made["ServiceSpecificCredentialId"]
    everything = json.dumps([e["CloudTrailEvent"] for e in lookup(aws, "Username", "incident-responder")])
    for secret in (made["ServicePassword"], device["Base32StringSeed"].decode(), "123456", "654321"):
        assert secret not in everything


def test_lambdas_names_have_the_version_of_its_api(aws: AwsSandbox, code: Code) -> None:
    aws.client("lambda").list_functions()
    code(lambda: aws.client("lambda").delete_function(FunctionName="f"))
    names = {e["EventName"] for e in lookup(aws, "Username", "incident-responder")}
    assert "DeleteFunction20150331" in names
    assert "DeleteFunction" not in names


def test_the_newest_comes_first_whenever_it_was_written(everything: AwsSandbox) -> None:
    times = [e["EventTime"] for e in lookup(everything, "AccessKeyId", bot_key(everything))]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) > 1


def test_the_planted_user_is_in_the_records_under_the_leaked_key(everything: AwsSandbox) -> None:
    event, *_ = lookup(everything, "EventName", "CreateUser")
    assert inside(event)["userIdentity"]["accessKeyId"] == bot_key(everything)
    assert inside(event)["responseElements"]["user"]["arn"] == "arn:aws:iam::111122223333:user/support-sync"
    [key] = everything.admin("iam").list_access_keys(UserName="support-sync")["AccessKeyMetadata"]
    assert answer_of(everything, "CreateAccessKey")["accessKey"]["accessKeyId"] == key["AccessKeyId"]
    assert timedelta(minutes=30) < everything.now() - event["EventTime"] < timedelta(minutes=32)
    [door] = [d for d in everything.doors() if d.kind == "planted-user-key"]
    assert door.open()
    everything.meddle("delete-planted-user")
    everything.world.settle()
    assert not door.open()
    assert lookup(everything, "EventName", "DeleteUser")
