"""A key is found in a log: what it is, whose, and with one more word the whole containment."""

from __future__ import annotations

import json

from tests.incident.conftest import BOT, USER_REF, YES, Incident
from tests.triage.test_reading import hog, leak


def test_from_a_leaked_key_to_the_end_of_it(incident: Incident) -> None:
    key = incident.aws.loot().key
    text = f"[default]\naws_access_key_id = {key.key_id}\naws_secret_access_key = {key.secret}\n"
    ran = incident("triage", "--revoke", *YES, "--rotate", "no", "-o", "json", typed=text)
    proofs = {o["access"]["id"]: o["proof"] for o in ran.data["outcomes"]}
    assert proofs[f"aws:access-key/{key.key_id}"] == "enforced", "the key itself was tried, and AWS refused it"
    assert not any(incident.key_states().values())
    assert "ALIVE 1" in ran.err
    assert key.secret not in ran.out + ran.err
    later = incident("triage", "-o", "json", "--no-look", typed=text)
    assert later.code == 0
    [suspect] = later.data["suspects"]
    assert (suspect["liveness"]["state"], suspect["identity"]) == ("dead", BOT)


def test_an_id_alone_is_looked_up_and_not_tried(incident: Incident) -> None:
    key = incident.aws.loot().key
    before = len(incident.aws.calls())
    rows = json.dumps([leak(key.key_id, RuleID="aws-access-token")])
    ran = incident("triage", "--no-logs", "-o", "json", typed=rows)
    assert ran.code == 9
    [suspect] = ran.data["suspects"]
    assert (suspect["held"], suspect["liveness"]["state"]) == (False, "unknown")
    assert suspect["listed"] == "live", "its owner's list tells what no try can"
    assert suspect["owner_by"] == "looked up with your login"
    assert f"{suspect['owner']['provider']}:{suspect['owner']['id']}" == USER_REF
    assert suspect["next"] == f"nhi-revoke revoke {BOT}"
    assert suspect["look"]["live"] >= 1
    assert {call.by for call in incident.aws.calls()[before:]} == {"operator"}
    assert not incident.mutations


def test_an_id_alone_stops_nobody_by_a_script(incident: Incident) -> None:
    """Whoever writes somebody's key id into a log does not have its secret."""
    key = incident.aws.loot().key
    rows = json.dumps([leak(key.key_id, RuleID="aws-access-token")])
    ran = incident("triage", "--revoke", "--yes", "--allow-irreversible", "--no-logs", "-o", "json", typed=rows)
    assert ran.code == 9
    [problem] = json.loads(ran.out)["errors"]
    assert problem["code"] == "not-tried"
    assert f"{BOT} was not touched" in problem["message"]
    assert problem["hint"] == f"nhi-revoke revoke {BOT}, or --confirm {BOT} instead of --yes"
    assert not incident.mutations


def test_a_report_of_keys_of_one_user_is_one_look(incident: Incident) -> None:
    [(one, secret), (two, other)] = incident.bot("second-bot", 2)
    rows = "\n".join(json.dumps(hog(i, f"{i}:{s}")) for i, s in ((one, secret), (two, other)))
    ran = incident("triage", "--no-logs", "-o", "json", typed=rows)
    assert ran.code == 8
    assert [each["liveness"]["state"] for each in ran.data["suspects"]] == ["alive", "alive"]
    looks = {json.dumps(each["look"], sort_keys=True) for each in ran.data["suspects"]}
    assert len(looks) == 1
    asked = [call.name for call in incident.aws.calls() if call.by == "operator"]
    assert asked.count("iam:ListAccessKeys") == 1
    assert secret not in ran.out + ran.err
