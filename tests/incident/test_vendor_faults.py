"""The vendor, or the way to it, fails: credentials, denials, throttling, an endpoint that is down, a lost answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT
from tests.incident.conftest import BOT, USER_REF, YES, Incident, whole

FOR_GOOD = 1_000_000


def with_credentials(incident: Incident, held: Held) -> None:
    """The operator uses these instead."""
    text = f"[sandbox-operator]\naws_access_key_id = {held.key_id}\naws_secret_access_key = {held.secret}\n"
    Path(incident.settings["credentials_file"]).write_text(text + f"aws_session_token = {held.token}\n")


# -- credentials ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["list", "plan", "revoke"])
def test_no_credentials_at_all(incident: Incident, command: str) -> None:
    for key in ("credentials_file", "profile"):
        incident.settings.pop(key)
    ran = incident(command, BOT)
    assert ran.code == 4
    assert "the operator's AWS credentials could not be had (NoCredentialsError)" in ran.words
    assert incident.aws.calls() == ()
    told = incident(command, BOT, "-o", "json").json
    assert told["status"] == "error"
    assert told["errors"][0]["code"] == "no-credentials"
    assert told["errors"][0]["hint"], "what to do next is missing"


def test_a_profile_that_does_not_exist(incident: Incident) -> None:
    incident.settings["profile"] = "respnder"
    ran = incident("revoke", BOT, *YES)
    assert ran.code == 4
    assert "(ProfileNotFound: respnder)" in ran.words
    assert incident.aws.calls() == ()


def expired(incident: Incident) -> None:
    got = incident.aws.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    with_credentials(incident, Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]))
    incident.aws.advance(1000)


def test_an_operator_token_that_expired(incident: Incident) -> None:
    expired(incident)
    ran = incident("revoke", BOT, *YES)
    assert ran.code == 4
    assert "AWS does not accept the operator's credentials" in ran.words
    assert "ExpiredToken" in ran.words
    assert incident.mutations == []
    assert incident.key_states() == incident.before_keys()
    assert incident("list", BOT, "-o", "json").json["errors"][0]["code"] == "no-credentials"


def test_an_operator_token_that_expires_midway(incident: Incident) -> None:
    """Half a containment beats none: what was asked stays, the journal is whole, and `resume` finishes it."""
    arn = incident.role("responder", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    got = incident.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="ir", DurationSeconds=900)["Credentials"]
    good = Path(incident.settings["credentials_file"]).read_text()
    with_credentials(incident, Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]))
    incident.aws.advance(900 - 30)  # it ends while the first cut settles
    ran = incident("revoke", BOT, *YES, "--rotate", "no", "-o", "json")
    assert ran.code == 5
    assert "ExpiredToken" in ran.err, "why the second look failed"
    assert any("was not seen to hold" in e["message"] and "resume" in e["hint"] for e in ran.json["errors"])
    assert "NHIRevoke" in incident.inline(BOT), "the deny-all fails closed"
    assert ran.data["next"][0].startswith("nhi-revoke resume ")
    Path(incident.settings["credentials_file"]).write_text(good)
    again = incident("resume", "@last", "-o", "json")
    assert again.code == 8, again  # the ledger's session is the next plan
    assert again.fate(incident.leaked) == "ended"
    assert {k for k, is_open in incident.doors().items() if is_open} == {"chained"}


# -- rights --------------------------------------------------------------------------------------------------------

LISTS = {
    "iam:ListAccessKeys": "aws:access-key",
    "iam:GetLoginProfile": "aws:login-profile",
    "iam:GetUserPolicy": "aws:user-session",
    "iam:ListAttachedUserPolicies": "aws:user-session",
    "cloudtrail:LookupEvents": "aws:lineage",
}


@pytest.mark.parametrize("call", LISTS)
def test_a_denied_list_is_unseen_and_never_none(incident: Incident, call: str) -> None:
    incident.aws.fault(call, "denied", times=FOR_GOOD)
    screen = incident("list", USER_REF)
    assert screen.code == 0
    assert call in screen.words
    assert "UNSEEN" in screen.words
    found = incident("list", USER_REF, "-o", "json").data
    assert found["counts"]["unseen"] > 0
    spots = [b for b in found["inventory"]["blind"] if b["kind"] == LISTS[call]]
    assert spots
    assert any(call in b["needs"] or call in b["why"] for b in spots)
    assert incident.mutations == []


def test_an_audit_that_may_not_list_never_passes(incident: Incident) -> None:
    incident.aws.fault("iam:ListAccessKeys", "denied", times=FOR_GOOD)
    assert incident("audit", USER_REF).code in (8, 9)


def test_keys_that_cannot_be_listed_are_still_cut_off(incident: Incident) -> None:
    """The deny-all needs no listing; but nobody claims that the keys are gone."""
    incident.aws.fault("iam:ListAccessKeys", "denied", times=FOR_GOOD)
    ran = incident("revoke", USER_REF, *YES, "--rotate", "no", "--brake", "on", "-o", "json")
    assert "iam:PutUserPolicy" in incident.mutations
    assert ran.code in (8, 9)
    assert any(b["kind"] == "aws:access-key" for b in ran.data["blind"])
    doors = incident.doors()
    assert not doors["active-key"], "the brake holds what was not listed"
    assert ran.data["headline"] != "OUT"


def test_nothing_may_be_read_at_all(incident: Incident) -> None:
    incident.aws.allow_only([])
    ran = incident("revoke", BOT, *YES)
    assert ran.code == 4
    assert "iam:GetUser" in ran.words
    assert "denied" in ran.words
    assert incident.key_states() == incident.before_keys()
    assert set(incident.inline(BOT)) == {"payments-data", "payments-reach"}


def test_a_write_denied_halfway(incident: Incident) -> None:
    """One step fails and says which right is missing; the others run; `resume` finishes when the right is there."""
    incident.aws.fault("iam:UpdateAccessKey", "denied", times=1)
    ran = incident("revoke", BOT, *YES, "--rotate", "no", "-o", "json")
    assert ran.code == 5
    assert ran.json["status"] == "partial"
    [problem] = [e for e in ran.json["errors"] if e["code"] == "step-failed"]
    assert "iam:UpdateAccessKey" in problem["message"]
    assert problem["hint"] == f"nhi-revoke resume {ran.data['run']}"
    assert incident.key_states()[incident.leaked] is True
    assert incident.inline(BOT)["NHIRevoke"]["Statement"][0].get("Condition") is None, "the deny-all stays: no seal yet"
    doors = incident.doors()
    assert not any(doors[d] for d in ("active-key", "get-session-token", "login-profile", "assume-role-again"))
    assert ran.data["state"] == "partial"

    again = incident("resume", "@last", "-o", "json")
    assert again.code == 8  # the ledger's session is the next plan
    assert again.fate(incident.leaked) == "ended"
    assert incident.key_states()[incident.leaked] is False
    assert {k for k, is_open in incident.doors().items() if is_open} == {"chained"}


def test_the_first_cut_denied(incident: Incident) -> None:
    """Keys are still set inactive: one missing right does not stop what does not depend on it."""
    incident.aws.fault("iam:PutUserPolicy", "denied", times=FOR_GOOD)
    ran = incident("revoke", USER_REF, *YES, "--rotate", "no")
    assert ran.code == 5
    assert "iam:PutUserPolicy" in ran.words
    assert "NOT PROVEN OUT" in ran.words
    assert incident.key_states()[incident.leaked] is False
    assert incident.doors()["get-session-token"], "and the report must not say otherwise:"
    told = incident("report", "@last", "-o", "json")
    assert told.fate(f"{BOT}/*") in ("failed", "open")


def test_every_write_denied(incident: Incident) -> None:
    incident.aws.allow_only(["iam:Get*", "iam:List*", "cloudtrail:*", "iam:Simulate*", "secretsmanager:Get*", "sts:*"])
    ran = incident("revoke", USER_REF, *YES, "--rotate", "no")
    assert ran.code == 1
    assert "NOTHING CHANGED" in ran.words
    assert incident.now() == incident.before[ACCOUNT]
    assert {k for k, is_open in incident.doors().items() if not is_open} == {"inactive-key"}


# -- the network ---------------------------------------------------------------------------------------------------


def test_throttled_again_and_again(incident: Incident) -> None:
    for call in ("iam:ListAccessKeys", "iam:UpdateAccessKey", "iam:PutUserPolicy", "cloudtrail:LookupEvents"):
        incident.aws.fault(call, "429", times=4)
    ran = incident("revoke", BOT, *YES, "--rotate", "no", "-o", "json")
    assert ran.code == 8, ran  # only the ledger's session is left
    assert incident.aws.world.gate.faults.pending() == 0, "not every throttled call was asked again"
    assert {k for k, is_open in incident.doors().items() if is_open} == {"chained"}
    unseen = [b["why"] for b in ran.data["blind"] if b["counts"]]
    assert len(unseen) == 2, unseen
    assert all("CloudTrail shows events up to 15 minutes late" in why for why in unseen), "all else was read in the end"


def test_throttled_without_end(incident: Incident) -> None:
    incident.aws.fault("iam:UpdateAccessKey", "429", times=FOR_GOOD)
    ran = incident("revoke", USER_REF, *YES, "--rotate", "no", "-o", "json")
    assert ran.code == 5
    assert any("throttle" in e["message"] for e in ran.json["errors"])
    assert not incident.doors()["active-key"], "the deny-all holds"
    asked = sum(c.name == "iam:UpdateAccessKey" for c in incident.aws.calls())
    assert asked < 30, "a throttled vendor is not hammered"


def test_the_endpoint_is_down(incident: Incident) -> None:
    incident.settings["endpoint_url"] = "http://127.0.0.1:1"
    ran = incident("revoke", BOT, *YES)
    assert ran.code == 4
    assert "could not be reached" in ran.words
    told = incident("list", BOT, "-o", "json").json
    assert told["errors"][0]["code"] == "unavailable"
    assert incident.aws.calls() == ()


def test_the_endpoint_goes_down_midway(incident: Incident) -> None:
    """From the first settle on nothing answers; afterwards `resume` finishes."""
    run_again = iter(range(10))

    def down(event: object) -> None:
        if type(event).__name__ == "WaitEvent" and next(run_again) == 0:
            incident.aws.fault("*", "down", times=FOR_GOOD)

    ran = incident("revoke", BOT, *YES, "--rotate", "no", "-o", "json", on_event=down)
    assert ran.code == 5
    assert ran.data["next"][0].startswith("nhi-revoke resume ")
    incident.aws.world.gate.faults.clear()
    assert not incident.doors()["active-key"]
    again = incident("resume", "@last", "-o", "json")
    assert again.code == 8  # the ledger's session
    assert {k for k, is_open in incident.doors().items() if is_open} == {"chained"}


@pytest.mark.parametrize("fault", ["lost", "timeout", "500"])
def test_no_answer_to_a_create(incident: Incident, fault: str) -> None:
    """A key whose secret nobody received is destroyed; exactly one new one lives, and the store serves it."""
    incident.aws.fault("iam:CreateAccessKey", fault)  # type: ignore[arg-type]  # one of the names
    ran = incident("revoke", BOT, *YES, "--rotate", "now", "-o", "json")
    assert ran.code == 8  # the ledger's session
    assert incident.aws.world.gate.faults.pending() == 0
    served = incident.secret()
    keys = incident.key_states()
    assert keys == {incident.leaked: False, served["AccessKeyId"]: True}, "an orphan key is left"
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])
    assert ran.data["replacements"][0]["result"] == "served"
    assert served["WebhookSigningKey"], "other fields are kept"
    assert incident.secret("AWSPENDING") in ({}, served)


def test_a_create_that_never_answers(incident: Incident) -> None:
    incident.aws.fault("iam:CreateAccessKey", "lost", times=FOR_GOOD)
    was = incident.secret()
    ran = incident("revoke", BOT, *YES, "--rotate", "now", "-o", "json")
    assert ran.code == 5
    assert ran.data["replacements"][0]["result"] != "served"
    assert not any(incident.key_states().values()), "a key that nobody holds the secret of is left active"
    assert len(incident.key_states()) == 1, "the spare made room, and every orphan was destroyed"
    assert incident.secret() == was


def test_a_store_that_denies_after_the_mint(incident: Incident) -> None:
    incident.aws.fault("secretsmanager:PutSecretValue", "denied", times=FOR_GOOD)
    was = incident.secret()
    ran = incident("revoke", BOT, *YES, "--rotate", "now", "-o", "json")
    assert ran.code == 5
    assert any("secretsmanager:PutSecretValue" in e["message"] for e in ran.json["errors"])
    assert not any(incident.key_states().values()), "a new key that no store has must not stay"
    assert incident.secret() == was
    incident.aws.world.gate.faults.clear()
    again = incident("resume", "@last", "-o", "json")
    assert again.data["replacements"][0]["result"] == "served", again
    served = incident.secret()
    assert incident.key_states() == {incident.leaked: False, served["AccessKeyId"]: True}
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])


def test_logs_that_cannot_be_read_forbid_a_mint(incident: Incident) -> None:
    incident.aws.fault("cloudtrail:LookupEvents", "denied", times=FOR_GOOD)
    ran = incident("revoke", BOT, *YES, "-o", "json")
    assert ran.code == 8
    [made] = ran.data["replacements"]
    assert made["result"] == "not-replaced"
    assert "--rotate now overrides" in made["why"]
    assert "iam:CreateAccessKey" not in incident.mutations
    assert incident.key_states() == {incident.leaked: False, incident.spare: False}


def test_the_wait_for_logs_ends_at_the_time_it_said(incident: Incident) -> None:
    """`--rotate wait`: minted only when the logs cover the seal, at most 15 minutes later."""
    whole(incident)
    ran = incident("revoke", BOT, *YES, "-o", "json")
    assert ran.code == 6, ran
    assert "the logs to cover the seal" in ran.err
    assert not any(incident.doors().values())
    times = ran.data["times"]
    sealed, served = (datetime.fromisoformat(times[k]) for k in ("sealed", "served"))
    assert timedelta(minutes=4) < served - sealed < timedelta(minutes=16)
