"""Old versions of a secret after a delivery: compared, named by their ids, AWSPREVIOUS taken off and put back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.store import secret_copies
from nhi_revoke_aws.store.secretsmanager import SecretsManager

from .conftest import Bench

NAME = "payments/aws"
STORE = SecretsManager()
NEW = Secret("n" * 40, field="SecretAccessKey", public={"AccessKeyId": "AKIANEW"})
WHO = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bots/payments-bot")
PHASES = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}


def doer(verb: str) -> Doer[Any]:
    found = getattr(STORE, verb)
    assert isinstance(found, Doer)
    return found


def step(verb: str, to: str = NAME) -> Step:
    step_id = "finish-serve" if verb == "forget" else verb
    return Step(step_id, f"aws-secretsmanager/{verb}", WHO, PHASES[verb], "", takes="mint", to=to)


def do(bench: Bench, verb: str, to: str = NAME) -> Any:
    one = step(verb, to)
    change = doer(verb).apply(bench.conn, one, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[one.id] = change.left
    return change


def undo(bench: Bench, to: str = NAME) -> Any:
    one = step("forget", to)
    return doer("forget").undo(bench.conn, one, bench.run.left(one.id), bench.run)


def admin(bench: Bench) -> Any:
    return bench.sandbox.admin("secretsmanager")


def text(bench: Bench, version: str) -> dict[str, Any]:
    got = json.loads(admin(bench).get_secret_value(SecretId=NAME, VersionId=version)["SecretString"])
    assert isinstance(got, dict)
    return got


def labels(bench: Bench) -> dict[str, list[str]]:
    """Of every version that has a value."""
    rows = admin(bench).list_secret_version_ids(SecretId=NAME, IncludeDeprecated=True)["Versions"]
    return {row["VersionId"]: sorted(row.get("VersionStages") or ()) for row in rows}


def current(bench: Bench) -> str:
    return next(version for version, told in labels(bench).items() if "AWSCURRENT" in told)


def rewritten(bench: Bench, label: str = "", **changes: Any) -> str:
    """Somebody writes a new current value; the former current version, which `label` is put on."""
    former = current(bench)
    value = {**text(bench, former), **changes}
    admin(bench).put_secret_value(SecretId=NAME, SecretString=json.dumps(value))
    if label:
        admin(bench).update_secret_version_stage(SecretId=NAME, VersionStage=label, MoveToVersionId=former)
    return former


def served(bench: Bench, to: str = NAME) -> dict[str, Any]:
    bench.run.give("mint", NEW)
    bench.run.lefts["mint"] = {"id": "aws:access-key/AKIANEW", "field": NEW.field, "public": NEW.public}
    do(bench, "stage", to)
    left: dict[str, Any] = do(bench, "serve", to).left
    return left


def test_every_version_with_the_old_credential_is_named_and_no_other(bench: Bench) -> None:
    """Three versions hold it; one of an earlier rotation holds another's."""
    earlier = rewritten(bench)
    admin(bench).put_secret_value(
        SecretId=NAME,
        SecretString=json.dumps({**text(bench, earlier), "SecretAccessKey": "e" * 40}),
        VersionStages=["EARLIER"],
    )
    another = next(v for v, told in labels(bench).items() if told == ["EARLIER"])
    labelled = rewritten(bench, "BACKUP", WebhookSigningKey="whsec2")
    left = served(bench)
    said = left["leaves"]
    assert (
        f"AWSPREVIOUS of secret {NAME} (version {left['previous']}) still holds the old credential, until fin" in said
    )
    assert f"version {earlier} (without a label) of secret {NAME} holds it, too" in said
    assert f"version {labelled} (BACKUP) of secret {NAME} holds it, too" in said
    assert another not in said, "what an earlier rotation left is not this run's"
    assert left["version"] not in said
    for version in (earlier, labelled, left["previous"]):
        assert text(bench, version)["SecretAccessKey"] not in json.dumps(left)

    before = labels(bench)
    assert isinstance(do(bench, "forget"), Done)
    forgotten = bench.run.left("finish-serve")
    assert labels(bench) == {**before, left["previous"]: []}, "nothing but AWSPREVIOUS came off"
    told = forgotten["leaves"]
    bare = told.partition(" no label any more")[0]
    assert earlier in bare
    assert left["previous"] in bare
    assert labelled not in bare
    off = f"--secret-id {NAME} --version-stage BACKUP --remove-from-version-id {labelled}"
    assert f"aws secretsmanager update-secret-version-stage {off}" in told
    assert another not in told
    assert "who may secretsmanager:GetSecretValue can" in told
    assert text(bench, left["previous"])["SecretAccessKey"], "as told: its id still reads it"


def test_undo_of_finish_puts_the_label_back(bench: Bench) -> None:
    left = served(bench)
    before = labels(bench)
    do(bench, "forget")
    assert doer("forget").seen(bench.conn, step("forget"), bench.run) is not None
    assert isinstance(undo(bench), Done)
    assert labels(bench) == before
    assert doer("forget").seen(bench.conn, step("forget"), bench.run) is None, "the engine sees that it is taken back"
    assert isinstance(undo(bench), Already)
    assert isinstance(do(bench, "forget"), Done), "and it can be finished again"
    assert labels(bench)[left["previous"]] == []


def test_undo_never_takes_the_label_from_somebody_elses_rotation(bench: Bench) -> None:
    served(bench)
    do(bench, "forget")
    rewritten(bench)
    after = labels(bench)
    assert isinstance(undo(bench), Failed)
    assert labels(bench) == after


def test_undo_tells_when_aws_has_deleted_the_version(bench: Bench) -> None:
    left = served(bench)
    do(bench, "forget")
    from moto.secretsmanager.models import secretsmanager_backends

    backend: Any = secretsmanager_backends["111122223333"]["us-east-1"]
    del backend.secrets[NAME].versions[left["previous"]]
    change = undo(bench)
    assert isinstance(change, Impossible)
    assert left["previous"] in change.why


def test_after_a_lost_answer_undo_says_that_it_does_not_know(bench: Bench) -> None:
    left = served(bench)
    bench.sandbox.fault("secretsmanager:UpdateSecretVersionStage", "lost")
    with pytest.raises(NoAnswer):
        do(bench, "forget")
    found = doer("forget").seen(bench.conn, step("forget"), bench.run)
    assert found is not None
    assert "no label any more" in found["leaves"]
    bench.run.lefts["finish-serve"] = found
    change = undo(bench)
    assert isinstance(change, Impossible)
    assert f"--version-stage AWSPREVIOUS --move-to-version-id {left['previous']}" in change.manual


def test_a_denied_list_is_a_blind_spot_and_finish_does_what_it_can(bench: Bench) -> None:
    hidden = rewritten(bench, WebhookSigningKey="whsec2")
    labelled = rewritten(bench, "BACKUP", WebhookSigningKey="whsec3")
    bench.sandbox.fault("secretsmanager:ListSecretVersionIds", "denied", times=9)
    left = served(bench)
    assert hidden not in left["leaves"]
    assert "versions without a label were not looked at" in left["leaves"]
    assert "secretsmanager:ListSecretVersionIds" in left["leaves"]
    assert f"version {labelled} (BACKUP)" in left["leaves"], "labels are told by another right"
    assert isinstance(do(bench, "forget"), Done)
    told = bench.run.left("finish-serve")["leaves"]
    assert "versions without a label were not looked at" in told
    assert labels(bench)[left["previous"]] == []


def test_a_denied_value_at_finish_is_told_and_the_label_comes_off_all_the_same(bench: Bench) -> None:
    other = rewritten(bench, "BACKUP")
    left = served(bench)
    bench.sandbox.fault("secretsmanager:GetSecretValue", "denied", times=9)
    assert isinstance(do(bench, "forget"), Done), "which version stood there before is known without reading it"
    told = bench.run.left("finish-serve")["leaves"]
    assert f"could not be compared, and may hold it: version {other} of secret" in told
    assert labels(bench)[left["previous"]] == []
    assert labels(bench)[other] == ["BACKUP"]


def test_what_refuses_to_be_looked_at_never_fails_a_delivery(bench: Bench) -> None:
    bench.sandbox.fault("secretsmanager:ListSecretVersionIds", "500", times=9)
    left = served(bench)
    assert text(bench, current(bench))["AccessKeyId"] == "AKIANEW"
    assert "unseen in secret" in left["leaves"]


def test_every_page_is_read(bench: Bench) -> None:
    old = [rewritten(bench, WebhookSigningKey=str(number)) for number in range(4)]
    bench.sandbox.page_size(1)
    said = served(bench)["leaves"]
    assert all(version in said for version in old)
    assert bench.reads().count("secretsmanager:ListSecretVersionIds") == 6


def test_more_versions_than_are_looked_at_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        rewritten(bench, WebhookSigningKey=str(number))
    monkeypatch.setattr(secret_copies, "LOOKED", 2)
    assert "older than the 2 newest were not looked at" in served(bench)["leaves"]


def test_a_binary_version_could_not_be_compared(bench: Bench) -> None:
    admin(bench).put_secret_value(SecretId=NAME, SecretBinary=b"\x00old", VersionStages=["BLOB"])
    binary = next(v for v, told in labels(bench).items() if told == ["BLOB"])
    assert f"could not be compared, and may hold it: version {binary}" in served(bench)["leaves"]


def test_where_no_credential_stood_before_nothing_is_said_to_hold_it(bench: Bench) -> None:
    admin(bench).put_secret_value(SecretId=NAME, SecretString='{"WebhookSigningKey": "whsec"}')
    left = served(bench)
    assert left["previous"]
    assert "leaves" not in left
    before = labels(bench)
    assert isinstance(do(bench, "forget"), Already)
    assert labels(bench) == before, "AWSPREVIOUS is the workload's: no old credential is in it"
    assert "leaves" not in bench.run.left("finish-serve")
    assert isinstance(undo(bench), Already)


def test_one_json_key_is_compared_alone(bench: Bench) -> None:
    to = f"{NAME}#SecretAccessKey"
    same = rewritten(bench, AccessKeyId="AKIAELSE", WebhookSigningKey="other")
    assert f"version {same} (without a label)" in served(bench, to)["leaves"]


def test_the_old_credential_current_again_in_a_later_version_stops_finish(bench: Bench) -> None:
    """Somebody put the old one back after the rotation: that is no old version."""
    left = served(bench)
    back = text(bench, left["previous"])
    admin(bench).put_secret_value(SecretId=NAME, SecretString=json.dumps(back))
    before = labels(bench)
    change = do(bench, "forget")
    assert isinstance(change, Failed)
    assert f"version {current(bench)} of secret {NAME} is AWSCURRENT and holds the old credential again" in change.why
    assert labels(bench) == before


def test_exactly_the_declared_rights_are_enough(bench: Bench) -> None:
    rewritten(bench, "BACKUP")
    bench.sandbox.allow_only(sorted({*STORE.stage.permissions, *STORE.serve.permissions, *doer("forget").permissions}))
    left = served(bench)
    do(bench, "forget")
    assert "unseen" not in left["leaves"] + bench.run.left("finish-serve")["leaves"]
    assert isinstance(undo(bench), Done)
