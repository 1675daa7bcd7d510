"""Which principal is meant: unknown, two of one name, key ids, assumed roles, other accounts, bare principals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT
from tests.incident.conftest import BOT, USER_REF, WORKER, WORKER_REF, YES, Incident

RESPONDER = f"arn:aws:iam::{OTHER_ACCOUNT}:role/IncidentResponder"


@pytest.mark.parametrize("command", ["list", "plan", "revoke", "rotate", "audit"])
def test_an_identity_that_is_nowhere(incident: Incident, command: str) -> None:
    ran = incident(command, "paymnts-bot")
    assert ran.code == 3
    assert "'paymnts-bot' is neither an identity of the map nor a principal" in ran.words
    assert f"Did you mean {BOT}?" in ran.words
    assert incident.aws.calls() == ()


def test_a_principal_that_does_not_exist(incident: Incident) -> None:
    ran = incident("revoke", "aws:user/no-such-bot", *YES)
    assert ran.code == 3
    assert "aws:user/no-such-bot: no such user" in ran.words
    assert "Nothing was changed" in ran.words
    assert incident.mutations == []
    told = incident("revoke", "aws:user/no-such-bot", *YES, "-o", "json").json
    assert (told["status"], told["data"]) == ("error", None)
    assert [e["code"] for e in told["errors"]] == ["not-found"]


def test_a_leaked_session_key_leads_to_all_that_its_role_has(incident: Incident) -> None:
    """Its id is all that the responder has; an empty plan, or a revoke of nothing, would read as if all were well."""
    incident.doors()  # what the session does is in the logs
    incident.aws.advance(1200)
    key = incident.aws.loot().worker.key_id
    ran = incident("revoke", key, *YES, "--rotate", "no", "-o", "json")
    assert ran.fate(f"{WORKER}/*") == "ended"
    assert [step["result"] for step in ran.data["steps"]] == ["done"]
    assert "NHIRevoke" in incident.inline(WORKER, role=True)
    assert not incident.doors()["assume-role"]


def test_a_user_and_a_role_of_one_name(incident: Incident) -> None:
    incident.bot("deployer")
    incident.role("deployer", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    ran = incident("revoke", "aws:deployer", *YES)
    assert ran.code == 3
    assert "aws:deployer is a user and a role: nothing was looked at" in ran.words
    assert "Type aws:user/deployer or aws:role/deployer" in ran.words
    assert incident.mutations == []

    role = incident.inline("deployer", role=True)
    ran = incident("revoke", "aws:user/deployer", *YES, "-o", "json")
    assert ran.code == 0, ran
    assert set(incident.key_states("deployer").values()) == {False}
    assert incident.inline("deployer", role=True) == role, "the role was not meant"


def test_an_access_key_id_names_its_user(incident: Incident) -> None:
    [(key, secret)] = incident.bot("lone-bot")
    ran = incident("revoke", key, *YES, "-o", "json")
    assert ran.code == 0, ran
    assert ran.data["principals"][0]["ref"]["id"] == f"arn:aws:iam::{ACCOUNT}:user/bots/lone-bot"
    assert ran.fate(key) == "ended"
    assert not incident.works(key, secret)


def test_an_access_key_id_that_nobody_has(incident: Incident) -> None:
    ran = incident("revoke", "AKIAIOSFODNN7EXAMPLE", *YES)
    assert ran.code == 3
    assert "no access key of this id exists in account" in ran.words
    assert incident.mutations == []


def test_an_assumed_role_arn_names_its_role_whatever_the_path(incident: Incident) -> None:
    ran = incident("revoke", f"arn:aws:sts::{ACCOUNT}:assumed-role/{WORKER}/nightly", "--yes", "-o", "json")
    assert ran.data["principals"][0]["ref"]["id"] == WORKER_REF.removeprefix("aws:")
    assert ran.fate(f"{WORKER}/*") == "ended"
    assert not incident.doors()["assume-role"]
    assert incident.inline(BOT) == {n: d for n, d in incident.inline(BOT).items() if not n.startswith("NHIRevoke")}
    assert incident.key_states() == incident.before_keys(), "only the role was named"


def other_bot(incident: Incident) -> tuple[str, str, str]:
    """A bot of the other account: ARN, key id, secret."""
    iam = incident.aws.admin("iam", OTHER_ACCOUNT)
    arn = iam.create_user(UserName="far-bot", Path="/")["User"]["Arn"]
    from nhi_revoke_aws.sandbox.seed import allow

    iam.put_user_policy(UserName="far-bot", PolicyName="data", PolicyDocument=allow("s3:*"))
    key = iam.create_access_key(UserName="far-bot")["AccessKey"]
    incident.touchable.add("far-bot")
    incident.settled()
    return arn, key["AccessKeyId"], key["SecretAccessKey"]


def test_an_arn_of_another_account_without_a_way_there(incident: Incident) -> None:
    arn, key, secret = other_bot(incident)
    incident.bot("far-bot")  # the same name here must not be taken for it
    mine = incident.key_states("far-bot")
    ran = incident("revoke", arn, *YES)
    assert ran.code == 3
    assert f"is in account {OTHER_ACCOUNT}; these credentials reach account {ACCOUNT} only" in ran.words
    assert "[[aws.accounts]]" in ran.words
    assert incident.mutations == []
    assert incident.key_states("far-bot") == mine
    assert incident.works(key, secret)


@pytest.mark.parametrize(
    "settings",
    [
        {"assume_role": "arn:aws:iam::{account}:role/IncidentResponder"},
        {"accounts": [{"id": OTHER_ACCOUNT, "name": "prod", "assume_role": RESPONDER}]},
    ],
    ids=["template", "listed"],
)
def test_an_arn_of_another_account_by_assume_role(incident: Incident, settings: dict[str, Any]) -> None:
    arn, key, secret = other_bot(incident)
    incident.settings |= settings
    ran = incident("revoke", arn, *YES, "-o", "json")
    assert ran.code == 0, ran
    assert ran.data["principals"][0]["scope"] == OTHER_ACCOUNT
    assert ran.fate(key) == "ended"
    assert not incident.works(key, secret)
    assert f"aws:{RESPONDER}" in ran.data["operator"], "the assumed role belongs to the operator's chain"


def test_a_role_that_cannot_be_assumed(incident: Incident) -> None:
    arn, key, secret = other_bot(incident)
    incident.settings["accounts"] = [{"id": OTHER_ACCOUNT, "assume_role": RESPONDER + "s"}]
    ran = incident("revoke", arn, *YES)
    assert ran.code == 4
    assert f"the operator cannot assume {RESPONDER}s" in ran.words
    assert f"nothing of account {OTHER_ACCOUNT} was looked at" in ran.words
    assert "trust policy" in ran.words
    assert incident.mutations == []
    assert incident.works(key, secret)


def test_a_bare_principal_with_a_file_to_deliver_to(incident: Incident) -> None:
    [(key, secret)] = incident.bot("lone-bot")
    target = incident.folder / "run" / "bot-key"
    target.parent.mkdir(mode=0o700)
    ran = incident(
        "revoke", "aws:user/lone-bot", "--deliver", f"aws:access-key=file:{target}",
        "--rotate", "now", *YES, "-o", "json",
    )  # fmt: skip
    assert ran.code == 0, ran
    [made] = ran.data["replacements"]
    assert (made["result"], made["proof"]) == ("served", "enforced")
    delivered = json.loads(target.read_text())
    assert made["access"] == f"aws:access-key/{delivered['AccessKeyId']}"
    assert incident.works(delivered["AccessKeyId"], delivered["SecretAccessKey"])
    assert not incident.works(key, secret)
    assert incident.key_states("lone-bot") == {key: False, delivered["AccessKeyId"]: True}
    assert target.stat().st_mode & 0o777 == 0o600
    assert delivered["SecretAccessKey"] not in ran.out + ran.err


def test_a_delivery_to_a_store_that_does_not_exist(incident: Incident) -> None:
    ran = incident("rotate", USER_REF, "--deliver", "aws:access-key=vlt:payments", *YES)
    assert ran.code == 2
    assert "vlt" in ran.words
    assert incident.aws.calls() == ()
