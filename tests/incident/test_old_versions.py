"""What stores still hold of the old credential, as a responder reads it: in the plan, after rotate, finish and undo."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import BOT, YES, Incident

SECRET = "payments/aws"


def notes(data: dict[str, Any]) -> str:
    return " | ".join(str(n["says"]) for n in data["notices"])


def labels(incident: Incident) -> dict[str, list[str]]:
    rows = incident.aws.admin("secretsmanager").list_secret_version_ids(SecretId=SECRET, IncludeDeprecated=True)
    return {row["VersionId"]: sorted(row.get("VersionStages") or ()) for row in rows["Versions"]}


@pytest.fixture
def backup(incident: Incident) -> str:
    """Somebody wrote the secret anew since, and keeps the version of before under a label of his own."""
    secrets = incident.aws.admin("secretsmanager")
    [former] = labels(incident)
    text = secrets.get_secret_value(SecretId=SECRET, VersionId=former)["SecretString"]
    secrets.put_secret_value(SecretId=SECRET, SecretString=text)
    secrets.update_secret_version_stage(SecretId=SECRET, VersionStage="BACKUP", MoveToVersionId=former)
    return former


def test_the_plan_says_what_keeps_the_old_one(incident: Incident) -> None:
    plan = incident("plan", BOT, "--rotate", "now")
    assert "the version of before keeps the old one, as AWSPREVIOUS, until finish" in plan.words


def test_from_rotate_to_finish_to_undo_and_to_finish_again(incident: Incident, backup: str) -> None:
    leaked = incident.aws.loot().key.secret
    ran = incident("rotate", BOT, *YES, "-o", "json")
    assert [r["result"] for r in ran.data["replacements"]] == ["served"], ran
    [previous] = [version for version, told in labels(incident).items() if told == ["AWSPREVIOUS"]]
    said = notes(ran.data)
    assert f"AWSPREVIOUS of secret {SECRET} (version {previous}) still holds the old credential, until finish" in said
    assert f"version {backup} (AWSPREVIOUS" not in said
    assert f"version {backup} (BACKUP) of secret {SECRET} holds it, too" in said
    assert previous in incident("report", "@last").words, "on the screen as well"

    asked = incident("finish", "@last")
    assert asked.code == 7
    assert f"names every version that does: aws-secretsmanager:{SECRET}" in asked.words, "what finish will do"
    before = labels(incident)
    ran = incident("finish", "@last", *YES, "-o", "json")
    assert ran.code == 0, ran
    assert labels(incident) == {**before, previous: []}
    told = notes(ran.data)
    assert "still holds the old credential, until finish" not in told
    assert f"version {previous} of secret {SECRET} holds the old credential and has no label any more" in told
    assert f"version {backup} of secret {SECRET} holds the old credential and is kept by BACKUP" in told
    assert f"--version-stage BACKUP --remove-from-version-id {backup}" in told
    keys = incident.key_states()

    ran = incident("undo", "@last", *YES, "-o", "json")
    assert [s["does"] for s in ran.data["steps"] if s["result"] == "undone"] == ["aws-secretsmanager/forget"], ran
    assert labels(incident) == before
    assert incident.key_states() == keys, "no key came back"
    assert f"AWSPREVIOUS of secret {SECRET} (version {previous}) still holds the old credential" in notes(ran.data)

    ran = incident("finish", "@last", *YES, "-o", "json")
    assert ran.code == 0, ran
    assert labels(incident)[previous] == []
    assert leaked not in ran.out


def test_versions_that_could_not_be_listed_are_unseen_in_the_report(incident: Incident, backup: str) -> None:
    incident.aws.fault("secretsmanager:ListSecretVersionIds", "denied", times=99)
    ran = incident("rotate", BOT, *YES, "-o", "json")
    incident.aws.world.gate.faults.clear()
    assert [r["result"] for r in ran.data["replacements"]] == ["served"], ran
    assert "versions without a label were not looked at" in notes(ran.data)
    assert backup in notes(ran.data)
