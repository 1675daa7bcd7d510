"""Rotation: two slots, scopes, and the rollover, in which the workload's key works until the new one is served."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from nhi_revoke.engine.event import Event, StepEvent, WaitEvent
from nhi_revoke_aws.sandbox.clients import Held
from tests.incident.conftest import BOT, USER_REF, WORKER_REF, YES, Incident

LONE = "aws:user/lone-bot"
TO_SECRET = ("--deliver", "aws:access-key=aws-secretsmanager:payments/aws")
FOR_GOOD = 1_000_000


def used(incident: Incident, *keys: tuple[str, str]) -> None:
    """Each key was used once."""
    for key in keys:
        assert incident.works(*key)
        incident.aws.world.moto.key_used(incident.aws.world.account, key[0], "s3", incident.aws.world.region)


# -- two slots -----------------------------------------------------------------------------------------------------


def test_two_full_live_slots(incident: Incident) -> None:
    """Nothing says which one the workload does not need: ended, not replaced, and how to go on."""
    one, two = incident.bot("lone-bot", keys=2)
    used(incident, one, two)
    ran = incident("revoke", LONE, *TO_SECRET, *YES, "-o", "json")
    assert ran.code == 8, ran
    [manual] = ran.data["manual"]
    assert "not replaced: both slots are full" in manual["what"]
    assert f"--free-slot aws:access-key/{one[0]}" in manual["what"]
    assert incident.key_states("lone-bot") == {one[0]: False, two[0]: False}
    assert incident.secret()["AccessKeyId"] == incident.leaked, "the store is as it was"
    assert "iam:DeleteAccessKey" not in incident.mutations


def test_two_full_live_slots_and_one_named(incident: Incident) -> None:
    one, two = incident.bot("lone-bot", keys=2)
    used(incident, one, two)
    named = ("--free-slot", f"aws:access-key/{one[0]}")
    refused = incident("revoke", LONE, *TO_SECRET, *named, "--yes")
    assert refused.code == 7, "a delete counts as irreversible"
    assert incident.mutations == []
    ran = incident("revoke", LONE, *TO_SECRET, *named, "--rotate", "now", *YES, "-o", "json")
    assert ran.code == 0, ran
    served = incident.secret()
    assert incident.key_states("lone-bot") == {two[0]: False, served["AccessKeyId"]: True}
    assert ran.fate(one[0]) == ran.fate(two[0]) == "ended"
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])
    journaled = incident.journal().read_text()
    assert one[0] in journaled
    assert "CreateDate" in journaled, "what was deleted is kept as evidence"


def test_a_slot_that_was_inactive_or_never_used_is_freed(incident: Incident) -> None:
    one, _ = incident.bot("lone-bot", keys=2)
    used(incident, one)
    ran = incident("revoke", LONE, *TO_SECRET, "--rotate", "now", *YES, "-o", "json")
    assert ran.code == 0, ran
    served = incident.secret()
    assert incident.key_states("lone-bot") == {one[0]: False, served["AccessKeyId"]: True}, "the unused one made room"


# -- scopes --------------------------------------------------------------------------------------------------------


def test_scope_sessions(incident: Incident) -> None:
    ran = incident("revoke", BOT, "--scope", "sessions", "--rotate", "no", "--yes")
    assert ran.code == 8
    assert f"--scope sessions leaves access key {incident.leaked} working" in ran.words
    assert incident.key_states() == incident.before_keys()
    doors = incident.doors()
    assert doors["active-key"]
    assert doors["login-profile"]
    assert not any(doors[d] for d in ("get-session-token", "get-federation-token", "console-session", "assume-role"))
    told = incident("report", "@last", "-o", "json")
    assert told.fate(incident.leaked) == "left"
    assert told.data["headline"] == "NOT PROVEN OUT"


def test_scope_keys(incident: Incident) -> None:
    ran = incident("revoke", USER_REF, "--scope", "keys", "--rotate", "no", *YES)
    assert ran.code == 8
    assert "--scope keys leaves every session of user payments-bot working" in ran.words
    assert incident.key_states() == {incident.leaked: False, incident.spare: False}
    doors = incident.doors()
    assert not doors["active-key"]
    assert not doors["login-profile"]
    assert doors["get-session-token"], "the very mistake; and it is said"
    assert incident("report", "@last", "-o", "json").fate(f"{BOT}/*") == "left"
    assert "NHIRevoke" not in incident.inline(BOT)


def test_scope_of_one_access(incident: Incident) -> None:
    one, two = incident.bot("lone-bot", keys=2)
    ran = incident("revoke", LONE, "--scope", f"aws:access-key/{one[0]}", "--yes", "-o", "json")
    assert ran.code == 8
    assert incident.key_states("lone-bot") == {one[0]: False, two[0]: True}
    assert (ran.fate(one[0]), ran.fate(two[0])) == ("ended", "left")
    assert incident.works(*two)


def test_what_the_scope_leaves_is_red_on_a_terminal(incident: Incident) -> None:
    ran = incident("revoke", BOT, "--scope", "sessions", "--rotate", "no", tty=True, typed="n\n")
    assert ran.code == 7
    marked = ran.err.split("--scope sessions leaves access key")[0]
    assert marked.rstrip().endswith("\x1b[1;31mDANGER:")


# -- rollover ------------------------------------------------------------------------------------------------------


def test_the_old_key_works_until_the_new_one_is_served(incident: Incident) -> None:
    [old] = incident.bot("lone-bot")
    seen: list[tuple[str, bool, str]] = []

    def heard(event: Event) -> None:
        if isinstance(event, StepEvent) and event.what == "settled":
            seen.append((event.phase, incident.works(*old), incident.secret().get("AccessKeyId", "")))

    ran = incident("rotate", LONE, *TO_SECRET, "--yes", "-o", "json", on_event=heard)
    assert ran.code == 0, ran
    served = incident.secret()
    assert [phase for phase, _, _ in seen] == ["mint", "deliver", "prove", "serve", "end", "seal"]
    assert [works for _, works, _ in seen] == [True, True, True, True, False, False]
    assert [current == served["AccessKeyId"] for _, _, current in seen] == [False, False, False, True, True, True]
    assert incident.key_states("lone-bot") == {old[0]: False, served["AccessKeyId"]: True}
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])
    assert served["WebhookSigningKey"]
    assert ran.data["replacements"][0]["proof"] == "enforced"


def test_the_grace_lets_both_work(incident: Incident) -> None:
    [old] = incident.bot("lone-bot")
    ran = incident("rotate", LONE, *TO_SECRET, "--grace", "10m", "--yes", "-o", "json")
    assert ran.code == 0, ran
    at = {s["phase"]: s["at"] for s in ran.data["steps"]}
    assert datetime.fromisoformat(at["end"]) - datetime.fromisoformat(at["serve"]) >= timedelta(minutes=10)
    assert "grace" in ran.err
    assert not incident.works(*old)


def test_the_old_key_ends_once_nobody_uses_it(incident: Incident) -> None:
    [old] = incident.bot("lone-bot")
    uses: list[datetime] = []

    def heard(event: Event) -> None:
        if isinstance(event, WaitEvent) and "use" in event.why and len(uses) < 2:
            used(incident, old)  # somebody whom the delivery did not reach
            uses.append(event.now)

    ran = incident(
        "rotate", LONE, *TO_SECRET, "--grace", "5m", "--until-unused", "10m", "--yes", "-o", "json", on_event=heard
    )
    assert ran.code == 0, ran
    at = {s["phase"]: datetime.fromisoformat(s["at"]) for s in ran.data["steps"]}
    assert len(uses) == 2
    assert at["end"] - uses[1] >= timedelta(minutes=9, seconds=59)  # a last use is told by whole seconds
    assert uses[1] - at["serve"] >= timedelta(minutes=10)
    assert f"access key {old[0]} is still in use: last at" in ran.err
    assert not incident.works(*old)


def test_until_unused_is_not_longer_than_the_process_waits(incident: Incident) -> None:
    ran = incident("rotate", LONE, *TO_SECRET, "--until-unused", "25h", "--yes")
    assert ran.code == 2
    assert "--until-unused waits for 24 h at most" in ran.words
    assert incident.mutations == []


def test_until_unused_belongs_to_rotate(incident: Incident) -> None:
    ran = incident("revoke", LONE, "--until-unused", "10m", "--yes")
    assert ran.code == 2
    assert "--until-unused belongs to rotate. Nothing was done." in ran.words
    assert incident.mutations == []


def test_the_sessions_of_the_old_key_end_with_it(incident: Incident) -> None:
    ran = incident("rotate", BOT, *YES, "-o", "json")
    assert ran.code == 8  # the ledger's session is the next plan
    doors = incident.doors()
    assert {k for k, is_open in doors.items() if is_open} <= {"chained", "login-profile"}
    assert not doors["get-session-token"]
    assert not doors["assume-role"]


def test_keep_sessions_is_said(incident: Incident) -> None:
    ran = incident("rotate", USER_REF, *TO_SECRET, *YES, "--keep-sessions")
    assert ran.code == 8
    assert "sessions of the old credential were kept: --keep-sessions" in ran.words
    assert incident.doors()["get-session-token"]
    assert not incident.doors()["active-key"]


def test_rotate_without_a_target(incident: Incident) -> None:
    ran = incident("rotate", f"aws:user/{BOT}", *YES)
    assert ran.code == 2
    assert "nothing of aws:user/payments-bot has a delivery target" in ran.words
    assert incident.aws.calls() == ()


CALLS = (
    "iam:CreateAccessKey",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)


@pytest.mark.parametrize("fault", ["denied", "timeout"])
@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_fails_leaves_the_old_key_working(incident: Incident, call: str, fault: str) -> None:
    """Whatever step fails: the workload goes on with what it has, and no new key is left over."""
    [old] = incident.bot("lone-bot")
    was = incident.secret()
    incident.aws.fault(call, fault, times=FOR_GOOD)  # type: ignore[arg-type]  # one of the names
    ran = incident("rotate", LONE, *TO_SECRET, "--yes", "-o", "json")
    incident.aws.world.gate.faults.clear()
    assert ran.code in (1, 5), ran
    assert incident.works(*old)
    assert incident.secret() == was
    assert ran.data["replacements"][0]["result"] != "served"
    assert incident.key_states("lone-bot") == {old[0]: True}, "an orphan key is left"
    assert "NHIRevoke" not in incident.inline("lone-bot"), "nothing was ended"
    assert any(call in e["message"] for e in ran.json["errors"]), ran.json["errors"]

    again = incident("resume", "@last", "-o", "json")
    assert again.code == 0, again
    served = incident.secret()
    assert incident.key_states("lone-bot") == {old[0]: False, served["AccessKeyId"]: True}
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])


@pytest.mark.parametrize("fault", ["lost", "500"])
@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_stumbles_once(incident: Incident, call: str, fault: str) -> None:
    [old] = incident.bot("lone-bot")
    incident.aws.fault(call, fault)  # type: ignore[arg-type]  # one of the names
    ran = incident("rotate", LONE, *TO_SECRET, "--yes", "-o", "json")
    assert ran.code == 0, ran
    assert incident.aws.world.gate.faults.pending() == 0
    served = incident.secret()
    assert incident.key_states("lone-bot") == {old[0]: False, served["AccessKeyId"]: True}
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])


def test_a_secret_that_does_not_exist(incident: Incident) -> None:
    [old] = incident.bot("lone-bot")
    ran = incident("rotate", LONE, "--deliver", "aws:access-key=aws-secretsmanager:no/such", "--yes")
    assert ran.code in (1, 5)
    assert "there is no secret no/such" in ran.words
    assert "aws secretsmanager create-secret" in ran.words
    assert incident.works(*old)
    assert incident.key_states("lone-bot") == {old[0]: True}


def test_a_new_key_that_is_never_proven(incident: Incident) -> None:
    """The store's current version stays the old one, which stays alive."""
    [old] = incident.bot("lone-bot")
    was = incident.secret()
    incident.aws.lag(10_000, 300)  # nothing is obeyed for hours: the new key is never accepted
    ran = incident("rotate", LONE, *TO_SECRET, "--yes", "-o", "json")
    assert ran.code in (1, 5, 8), ran
    assert incident.secret() == was
    assert incident.key_states("lone-bot") == {old[0]: True}, "an orphan key is left"


def test_a_json_key_takes_the_secret_part_alone(incident: Incident) -> None:
    [old] = incident.bot("lone-bot")
    was = incident.secret()
    to = "aws:access-key=aws-secretsmanager:payments/aws#BotSecret"
    ran = incident("rotate", LONE, "--deliver", to, "--yes", "-o", "json")
    assert ran.code == 0, ran
    now = incident.secret()
    assert {k: v for k, v in now.items() if k != "BotSecret"} == was
    new = ran.data["replacements"][0]["access"].rpartition("/")[2]
    assert incident.works(new, now["BotSecret"])
    assert not incident.works(*old)


def test_a_file_that_is_no_json_object(incident: Incident) -> None:
    [old] = incident.bot("lone-bot")
    target = incident.folder / "run" / "key"
    target.parent.mkdir(mode=0o700)
    target.write_text(json.dumps(["not", "an", "object"]))
    ran = incident("rotate", LONE, "--deliver", f"aws:access-key=file:{target}", "--yes")
    assert ran.code in (1, 5)
    assert "object" in ran.words
    assert json.loads(target.read_text()) == ["not", "an", "object"]
    assert incident.key_states("lone-bot") == {old[0]: True}
    assert incident.works(*old)


def test_workers_sessions_of_the_new_key_live(incident: Incident) -> None:
    """The seal of the role comes after the new key is served; whoever assumes it again is in."""
    incident("rotate", BOT, *YES)
    served = incident.secret()
    new = Held(served["AccessKeyId"], served["SecretAccessKey"])
    got = incident.aws.client("sts", new).assume_role(RoleArn=WORKER_REF.removeprefix("aws:"), RoleSessionName="again")
    keys = (got["Credentials"][k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    incident.aws.client("s3", Held(*keys)).list_buckets()  # raises where it is denied
