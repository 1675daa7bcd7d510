"""Delegations, outbound tokens, shells and KMS grants in the sandbox: as AWS documents them, what survives included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow

PLANTED = ("delegated-session", "outbound-jwt", "ssm-session", "kms-grant")
DOORS = {"delegated-session": True, "outbound-jwt": True, "ssm-session": True}
Refused = Callable[[Callable[[], Any]], str]


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[AwsSandbox]:
    sandbox = AwsSandbox(entropy=1, planted=PLANTED)
    sandbox.start(MovableClock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    yield sandbox
    sandbox.close()


def doors(sandbox: AwsSandbox) -> dict[str, bool]:
    return {d.kind: d.open() for d in sandbox.doors() if d.kind in DOORS}


def service(sandbox: AwsSandbox, name: str) -> Any:
    return next(s for s in sandbox.world.own.services if s.name == name)


def test_keys_and_policies_close_none_of_these_doors(seeded: AwsSandbox) -> None:
    assert doors(seeded) == DOORS
    iam = seeded.admin("iam")
    deny = allow("*").replace("Allow", "Deny")
    iam.put_user_policy(UserName="payments-bot", PolicyName="stop", PolicyDocument=deny)
    iam.put_role_policy(RoleName="payments-worker", PolicyName="stop", PolicyDocument=deny)
    for key in iam.list_access_keys(UserName="payments-bot")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="payments-bot", AccessKeyId=key["AccessKeyId"])
    assert doors(seeded) == DOORS


def test_each_ends_in_its_own_way(seeded: AwsSandbox) -> None:
    seeded.advance(3601)
    assert doors(seeded) == {**DOORS, "outbound-jwt": False}, "a token is worth an hour at the most"
    [shell] = seeded.client("ssm").describe_sessions(State="Active")["Sessions"]
    seeded.client("ssm").terminate_session(SessionId=shell["SessionId"])
    assert doors(seeded) == {**DOORS, "outbound-jwt": False, "ssm-session": False}
    seeded.advance(12 * 3600)
    assert not any(doors(seeded).values())


def test_the_consoles_own_action_ends_a_delegated_session(seeded: AwsSandbox) -> None:
    requests = service(seeded, "delegated-session").requests
    service(seeded, "delegated-session").revoke_access(next(i for i, r in requests.items() if r.token))
    assert doors(seeded) == {**DOORS, "delegated-session": False}


# -- delegation --------------------------------------------------------------------------------------------------------


def test_a_delegation_goes_its_documented_way(seeded: AwsSandbox, code: Refused) -> None:
    iam = seeded.client("iam")
    book = service(seeded, "delegated-session")
    owner = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
    made = book.file(ACCOUNT, owner, "ASSIGNED", seeded.now()).id

    def state() -> str:
        return str(iam.get_delegation_request(DelegationRequestId=made)["DelegationRequest"]["State"])

    assert code(lambda: iam.send_delegation_token(DelegationRequestId=made)) == "InvalidInput"
    iam.accept_delegation_request(DelegationRequestId=made)
    assert state() == "ACCEPTED"
    seeded.advance(60)
    iam.send_delegation_token(DelegationRequestId=made)
    row = iam.get_delegation_request(DelegationRequestId=made)["DelegationRequest"]
    assert (row["State"], row["OwnerId"]) == ("FINALIZED", owner)
    assert row["ApproverId"] == f"arn:aws:iam::{ACCOUNT}:user/incident-responder"
    assert timedelta(seconds=60) <= row["UpdatedTime"] - row["CreateDate"] < timedelta(seconds=90)
    assert code(lambda: iam.reject_delegation_request(DelegationRequestId=made)) == "InvalidInput"
    assert state() == "FINALIZED"
    assert code(lambda: iam.get_delegation_request(DelegationRequestId="0" * 36)) == "NoSuchEntity"


@pytest.mark.parametrize("state", ["ASSIGNED", "PENDING_APPROVAL", "ACCEPTED"])
def test_a_rejected_one_can_be_accepted_no_more(seeded: AwsSandbox, code: Refused, state: str) -> None:
    iam = seeded.client("iam")
    owner = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
    made = service(seeded, "delegated-session").file(ACCOUNT, owner, state, seeded.now()).id
    iam.reject_delegation_request(DelegationRequestId=made, Notes="not ours")
    row = iam.get_delegation_request(DelegationRequestId=made)["DelegationRequest"]
    assert (row["State"], row["RejectionReason"]) == ("REJECTED", "not ours")
    assert code(lambda: iam.accept_delegation_request(DelegationRequestId=made)) == "InvalidInput"


@pytest.mark.parametrize(("state", "days"), [("UNASSIGNED", 1), ("ASSIGNED", 7), ("ACCEPTED", 7), ("FINALIZED", 7)])
def test_requests_expire_by_themselves(seeded: AwsSandbox, state: str, days: int) -> None:
    made = service(seeded, "delegated-session").file(ACCOUNT, "", state, seeded.now())
    assert made.at(seeded.now() + timedelta(days=days, seconds=-1)) == state
    assert made.at(seeded.now() + timedelta(days=days)) == "EXPIRED"


def test_the_list_is_paged_and_leaves_out_what_nobody_claimed(seeded: AwsSandbox) -> None:
    book = service(seeded, "delegated-session")
    book.file(ACCOUNT, "", "UNASSIGNED", seeded.now())
    iam = seeded.client("iam")
    first = iam.list_delegation_requests(MaxItems=1)
    assert first["isTruncated"] is True
    rest = iam.list_delegation_requests(MaxItems=1, Marker=first["Marker"])
    assert rest["isTruncated"] is False
    assert "Marker" not in rest
    assert {r["State"] for p in (first, rest) for r in p["DelegationRequests"]} == {"FINALIZED", "PENDING_APPROVAL"}
    other = iam.list_delegation_requests(OwnerId=f"arn:aws:iam::{ACCOUNT}:user/somebody-else")
    assert other["DelegationRequests"] == []


# -- outbound web identity ---------------------------------------------------------------------------------------------


def fetch(sandbox: AwsSandbox, held: Held, seconds: int = 300) -> str:
    wanted = {"Audience": ["https://ours.example"], "SigningAlgorithm": "ES384", "DurationSeconds": seconds}
    return str(sandbox.client("sts", held).get_web_identity_token(**wanted)["WebIdentityToken"])


def test_a_token_is_signed_by_the_issuer_and_names_the_principal(seeded: AwsSandbox) -> None:
    token = fetch(seeded, seeded.loot().worker)
    claims = service(seeded, "outbound-jwt").issuer.verified(token)
    info = seeded.client("iam").get_outbound_web_identity_federation_info()
    assert claims["iss"] == info["IssuerIdentifier"]
    assert claims["sub"] == f"arn:aws:iam::{ACCOUNT}:role/bots/payments-worker"
    assert claims["exp"] - claims["iat"] == 300
    head, _, signature = token.rpartition(".")
    forged = f"{head[:-2]}xx.{signature}"
    with pytest.raises(ValueError, match="signature"):
        service(seeded, "outbound-jwt").issuer.verified(forged)
    assert token in seeded.canaries()


def test_disabling_the_feature_stops_new_ones_only(seeded: AwsSandbox, code: Refused) -> None:
    iam, worker = seeded.client("iam"), seeded.loot().worker
    iam.disable_outbound_web_identity_federation()
    assert doors(seeded)["outbound-jwt"]
    disabled = "OutboundWebIdentityFederationDisabledException"
    assert code(lambda: fetch(seeded, worker)) == disabled
    assert iam.get_outbound_web_identity_federation_info()["JwtVendingEnabled"] is False
    assert code(iam.disable_outbound_web_identity_federation) == "FeatureDisabled"
    iam.enable_outbound_web_identity_federation()
    assert code(lambda: fetch(seeded, worker)) == "ok"


def test_an_account_that_never_enabled_it(aws_without: AwsSandbox, code: Refused) -> None:
    iam = aws_without.client("iam")
    assert code(iam.get_outbound_web_identity_federation_info) == "FeatureDisabled"


@pytest.fixture
def aws_without() -> Iterator[AwsSandbox]:
    sandbox = AwsSandbox(entropy=1, planted=PLANTED)
    sandbox.start(MovableClock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    yield sandbox
    sandbox.close()


def test_who_may_not_and_how_long(seeded: AwsSandbox, code: Refused) -> None:
    loot = seeded.loot()
    assert code(lambda: fetch(seeded, loot.key)) == "AccessDenied", "the user's policies do not allow it"
    assert code(lambda: fetch(seeded, loot.session_token)) == "AccessDenied"
    assert code(lambda: fetch(seeded, loot.worker, 3601)) == "ValidationError"
    seeded.advance(12 * 3600 - 45 * 60)  # the worker's session of 12 hours is about to end
    assert code(lambda: fetch(seeded, loot.worker, 3600)) == "SessionDurationEscalationException"
    assert code(lambda: fetch(seeded, loot.worker, 60)) == "ok"


# -- Session Manager ---------------------------------------------------------------------------------------------------


def test_sessions_are_listed_by_state_and_filter_and_paged(seeded: AwsSandbox, code: Refused) -> None:
    book, ssm = service(seeded, "ssm-session"), seeded.client("ssm")
    owner = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
    ended = book.open(ACCOUNT, "us-east-1", owner, "i-1", seeded.now())
    book.open(ACCOUNT, "eu-central-1", owner, "i-1", seeded.now())
    book.open(ACCOUNT, "us-east-1", owner, "i-2", seeded.now())

    def ids(**wanted: Any) -> list[str]:
        return [s["SessionId"] for s in ssm.describe_sessions(**wanted)["Sessions"]]

    assert len(ids(State="Active")) == 3
    assert ssm.terminate_session(SessionId=ended.id)["SessionId"] == ended.id
    assert ids(State="History") == [ended.id]
    assert len(ids(State="Active")) == 2
    assert len(ids(State="Active", Filters=[{"key": "Owner", "value": owner}])) == 1
    assert ids(State="Active", Filters=[{"key": "Owner", "value": owner[:-1]}]) == [], "the whole ARN or nothing"
    assert ids(State="Active", Filters=[{"key": "SessionId", "value": ended.id}]) == []
    first = ssm.describe_sessions(State="Active", MaxResults=1)
    assert len(ssm.describe_sessions(State="Active", MaxResults=1, NextToken=first["NextToken"])["Sessions"]) == 1


def test_terminating_is_well_answered_whatever_is_named(seeded: AwsSandbox) -> None:
    away = seeded.client("ssm", region="eu-central-1")
    [shell] = seeded.client("ssm").describe_sessions(State="Active")["Sessions"]
    assert away.terminate_session(SessionId=shell["SessionId"])["SessionId"] == shell["SessionId"]
    assert away.terminate_session(SessionId="nobody-0")["SessionId"] == "nobody-0"
    assert doors(seeded) == DOORS, "nothing of that ended anything"


# -- KMS ---------------------------------------------------------------------------------------------------------------


def test_grants_are_filtered_paged_and_found_by_name(seeded: AwsSandbox, code: Refused) -> None:
    kms = seeded.client("kms")
    [key] = kms.list_keys()["Keys"]
    [first] = kms.list_grants(KeyId=key["KeyArn"])["Grants"]
    assert first["Name"] == "payments-ledger"
    user = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
    rights: dict[str, Any] = {"KeyId": key["KeyId"], "GranteePrincipal": user, "Operations": ["Decrypt"]}
    named = {kms.create_grant(**rights, Name="once")["GrantId"] for _ in range(2)}
    assert len(named) == 1, "with a name it may be asked for twice"
    assert len({kms.create_grant(**rights)["GrantId"] for _ in range(2)}) == 2, "without one each is new"
    mine = kms.list_grants(KeyId=key["KeyId"], GranteePrincipal=user)["Grants"]
    assert len(mine) == 3
    page = kms.list_grants(KeyId=key["KeyId"], Limit=3)
    assert page["Truncated"] is True
    rest = kms.list_grants(KeyId=key["KeyId"], Limit=3, Marker=page["NextMarker"])
    assert (rest["Truncated"], len(rest["Grants"])) == (False, 1)
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=first["GrantId"])
    assert kms.list_grants(KeyId=key["KeyId"], GrantId=first["GrantId"])["Grants"] == []
    gone = code(lambda: kms.revoke_grant(KeyId=key["KeyId"], GrantId=first["GrantId"]))
    assert gone == "NotFoundException"


def test_two_lives_of_one_sandbox_plant_the_same(aws_without: AwsSandbox, tmp_path: Path) -> None:
    """They can be compared: a key that was made in one is not kept for the next."""
    lives = []
    for _ in range(2):
        aws_without._random.seed(1)  # as the kept sandbox of the conformance tests does
        aws_without.reset()
        aws_without.seed(str(tmp_path))
        lives.append(planted(aws_without))
    assert lives[0] == lives[1]
    assert all(lives[0].values())


def planted(sandbox: AwsSandbox) -> dict[str, list[str]]:
    return {
        "requests": sorted(service(sandbox, "delegated-session").requests),
        "shells": sorted(service(sandbox, "ssm-session").shells),
        "grants": sorted(service(sandbox, "kms-grant").grants),
        "keys": sorted(k["KeyArn"] for k in sandbox.admin("kms").list_keys()["Keys"]),
        "issuer": list(service(sandbox, "outbound-jwt").issuer.urls.values()),
    }


def test_an_unsigned_request_gets_nothing(seeded: AwsSandbox) -> None:
    wrong = Held(seeded.loot().key.key_id, "x" * 40)
    for name, call in (("kms", "list_keys"), ("iam", "list_delegation_requests")):
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
            getattr(seeded.client(name, wrong), call)()
