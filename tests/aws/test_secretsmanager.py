"""Delivery to Secrets Manager: staged, read back, served, taken back; other fields and versions kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied, NoAnswer
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.store.secret import parse_address
from nhi_revoke_aws.store.secretsmanager import SecretsManager, token_of

from .conftest import Bench

NAME = "payments/aws"
STORE = SecretsManager()
NEW = Secret("n" * 40, field="SecretAccessKey", public={"AccessKeyId": "AKIANEW"})
WHO = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bots/payments-bot")


def step(phase: Phase, to: str = NAME) -> Step:
    verb = "stage" if phase is Phase.DELIVER else "serve"
    return Step(verb, f"aws-secretsmanager/{verb}", WHO, phase, "", takes="mint", to=to)


def value(bench: Bench, stage: str = "AWSCURRENT", name: str = NAME) -> Any:
    got = bench.sandbox.admin("secretsmanager").get_secret_value(SecretId=name, VersionStage=stage)
    return json.loads(got["SecretString"])


def stages(bench: Bench, name: str = NAME) -> dict[str, list[str]]:
    found = bench.sandbox.admin("secretsmanager").describe_secret(SecretId=name)["VersionIdsToStages"]
    return {v: sorted(labels) for v, labels in found.items()}


def minted(bench: Bench) -> None:
    bench.run.give("mint", NEW)
    bench.run.lefts["mint"] = {"id": "aws:access-key/AKIANEW", "field": NEW.field, "public": NEW.public}


def do(bench: Bench, doer: Any, one: Step) -> Any:
    change = doer.apply(bench.conn, one, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[one.id] = change.left
    return change


@pytest.mark.parametrize("address", [NAME, f"aws-secretsmanager:{NAME}"])
def test_staged_read_back_served_and_taken_back(bench: Bench, address: str) -> None:
    minted(bench)
    old = value(bench)
    stage, serve = step(Phase.DELIVER, address), step(Phase.SERVE, address)
    assert STORE.stage.check(bench.conn, stage) is None
    assert STORE.stage.seen(bench.conn, stage, bench.run) is None
    staged = do(bench, STORE.stage, stage)
    assert isinstance(staged, Done)
    assert staged.left["version"] == token_of(bench.run.id, "stage")
    assert STORE.stage.seen(bench.conn, stage, bench.run) == staged.left
    assert value(bench) == old, "the workload does not read it yet"
    assert value(bench, "AWSPENDING") == {**old, **NEW.fields()}, "other fields are kept"

    assert STORE.serve.seen(bench.conn, serve, bench.run) is None
    served = do(bench, STORE.serve, serve)
    assert isinstance(served, Done)
    assert STORE.serve.seen(bench.conn, serve, bench.run) == served.left
    assert value(bench) == {**old, **NEW.fields()}
    assert stages(bench)[served.left["previous"]] == ["AWSPREVIOUS"], "told: it still holds the leaked key"
    assert isinstance(do(bench, STORE.serve, serve), Already)
    assert STORE.stage.seen(bench.conn, stage, bench.run) == staged.left

    assert isinstance(STORE.serve.undo(bench.conn, serve, served.left, bench.run), Done)
    assert value(bench) == old
    assert isinstance(STORE.serve.undo(bench.conn, serve, served.left, bench.run), Already)
    assert isinstance(STORE.stage.undo(bench.conn, stage, staged.left, bench.run), Done)
    assert not [ls for ls in stages(bench).values() if "AWSPENDING" in ls]
    assert isinstance(STORE.stage.undo(bench.conn, stage, staged.left, bench.run), Already)
    assert value(bench) == old


def test_a_copy_in_another_region_must_serve_the_new_one_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the old key would be ended while a workload there still reads it."""
    minted(bench)
    admin, old = bench.sandbox.admin("secretsmanager"), json.dumps(value(bench))
    admin.replicate_secret_to_regions(SecretId=NAME, AddReplicaRegions=[{"Region": "eu-west-1"}])
    stage, serve = step(Phase.DELIVER), step(Phase.SERVE)
    do(bench, STORE.stage, stage)
    served = do(bench, STORE.serve, serve)
    real, there = AwsConnection.call, [old]

    def call(conn: AwsConnection, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if operation == "GetSecretValue" and params["region"] == "eu-west-1" and there:
            assert params["SecretId"].startswith("arn:aws:secretsmanager:eu-west-1:111122223333:secret:payments/aws-")
            return {"SecretString": there[0]}
        return real(conn, service, operation, **params)

    monkeypatch.setattr(AwsConnection, "call", call)
    assert STORE.serve.seen(bench.conn, serve, bench.run) is None, "the copy still serves the old one"
    there.clear()
    assert STORE.serve.seen(bench.conn, serve, bench.run) == served.left


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("InSync", "unseen: what the copy of secret payments/aws in eu-west-1 serves (AccessDenied"),
        ("Failed", "AWS does not keep the copy of secret payments/aws in eu-west-1 (Failed)"),
    ],
)
def test_a_copy_that_cannot_be_looked_at_is_said_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, status: str, says: str
) -> None:
    minted(bench)
    stage, serve = step(Phase.DELIVER), step(Phase.SERVE)
    do(bench, STORE.stage, stage)
    do(bench, STORE.serve, serve)
    real = AwsConnection.call

    def call(conn: AwsConnection, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if params.get("region") == "eu-west-1":
            raise Denied("no", code="AccessDenied")
        told = real(conn, service, operation, **params)
        copies = [{"Region": "eu-west-1", "Status": status}]
        return {**told, "ReplicationStatus": copies} if operation == "DescribeSecret" else told

    monkeypatch.setattr(AwsConnection, "call", call)
    for _ in range(2):
        bench.run.lefts["serve"] = STORE.serve.seen(bench.conn, serve, bench.run) or {}
    assert bench.run.lefts["serve"]["leaves"].count(says) == 1
    assert "AWSPREVIOUS" in bench.run.lefts["serve"]["leaves"], "what was said before stays"


def test_one_json_key_takes_the_secret_part_alone(bench: Bench) -> None:
    minted(bench)
    old = value(bench)
    stage, serve = step(Phase.DELIVER, f"{NAME}#aws_secret"), step(Phase.SERVE, f"{NAME}#aws_secret")
    do(bench, STORE.stage, stage)
    assert STORE.stage.seen(bench.conn, stage, bench.run)
    do(bench, STORE.serve, serve)
    assert value(bench) == {**old, "aws_secret": NEW.reveal()}


def test_an_arn_tells_its_region_and_key() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a/b-AbCdEf"
    address = parse_address(f"{arn}#k")
    assert (address.secret, address.key, address.region) == (arn, "k", "eu-west-1")


@pytest.mark.parametrize("text", ["plain", '["list"]', "7"])
def test_what_is_no_json_object_is_impossible_beforehand(bench: Bench, text: str) -> None:
    bench.sandbox.admin("secretsmanager").create_secret(Name="other", SecretString=text)
    wrong = STORE.stage.check(bench.conn, step(Phase.DELIVER, "other"))
    assert isinstance(wrong, Impossible)
    assert text not in wrong.why + wrong.manual
    assert isinstance(STORE.stage.check(bench.conn, step(Phase.DELIVER, "other#key")), Impossible)


def test_binary_missing_and_deleted_secrets_are_impossible(bench: Bench) -> None:
    admin = bench.sandbox.admin("secretsmanager")
    admin.create_secret(Name="binary", SecretBinary=b"x")
    assert isinstance(STORE.stage.check(bench.conn, step(Phase.DELIVER, "binary")), Impossible)
    missing = STORE.stage.check(bench.conn, step(Phase.DELIVER, "nowhere"))
    assert isinstance(missing, Impossible)
    assert "create-secret" in missing.manual
    admin.create_secret(Name="going", SecretString="{}")
    admin.delete_secret(SecretId="going", RecoveryWindowInDays=7)
    assert "deletion" in getattr(STORE.stage.check(bench.conn, step(Phase.DELIVER, "going")), "why", "")


def test_a_secret_without_a_value_yet_takes_the_fields(bench: Bench) -> None:
    minted(bench)
    bench.sandbox.admin("secretsmanager").create_secret(Name="empty")
    stage, serve = step(Phase.DELIVER, "empty"), step(Phase.SERVE, "empty")
    assert STORE.stage.check(bench.conn, stage) is None
    do(bench, STORE.stage, stage)
    do(bench, STORE.serve, serve)
    assert value(bench, name="empty") == NEW.fields()


def test_a_denied_check_is_denied(bench: Bench) -> None:
    bench.sandbox.allow_only(["secretsmanager:DescribeSecret"])
    with pytest.raises(Denied) as told:
        STORE.stage.check(bench.conn, step(Phase.DELIVER))
    assert told.value.needs == "secretsmanager:GetSecretValue"


def test_a_lost_answer_is_found_and_nothing_is_stored_twice(bench: Bench) -> None:
    minted(bench)
    before = len(stages(bench))
    bench.sandbox.fault("secretsmanager:PutSecretValue", "lost", times=3)
    with pytest.raises(NoAnswer):
        do(bench, STORE.stage, step(Phase.DELIVER))
    found = STORE.stage.seen(bench.conn, step(Phase.DELIVER), bench.run)
    assert found
    assert found["version"] == token_of(bench.run.id, "stage")
    assert isinstance(do(bench, STORE.stage, step(Phase.DELIVER)), Done | Already)
    assert len(stages(bench)) == before + 1


def test_after_a_crash_the_store_gives_the_secret_back(bench: Bench) -> None:
    minted(bench)
    stage = step(Phase.DELIVER)
    shape = Secret("", field=NEW.field, public=NEW.public)
    assert STORE.recall(bench.conn, stage, bench.run, shape) is None
    do(bench, STORE.stage, stage)
    bench.run.secrets.clear()
    back = STORE.recall(bench.conn, stage, bench.run, shape)
    assert back
    assert back.fingerprint() == NEW.fingerprint()
    assert STORE.stage.seen(bench.conn, stage, bench.run), "by its public part"
    other = Secret("", field=NEW.field, public={"AccessKeyId": "AKIAOTHER"})
    assert STORE.recall(bench.conn, stage, bench.run, other) is None


def test_a_second_mint_of_the_same_step_gets_a_version_of_its_own(bench: Bench) -> None:
    minted(bench)
    stage, serve = step(Phase.DELIVER), step(Phase.SERVE)
    first = do(bench, STORE.stage, stage).left
    STORE.stage.undo(bench.conn, stage, first, bench.run)
    bench.run.lefts.pop("stage")
    again = Secret("m" * 40, field="SecretAccessKey", public={"AccessKeyId": "AKIASECOND"})
    bench.run.give("mint", again)
    second = do(bench, STORE.stage, stage).left
    assert second["version"] != first["version"]
    assert STORE.stage.seen(bench.conn, stage, bench.run) == second
    do(bench, STORE.serve, serve)
    assert value(bench)["AccessKeyId"] == "AKIASECOND"
    assert STORE.recall(bench.conn, stage, bench.run, Secret("", field=NEW.field, public=again.public))


def test_somebody_elses_rotation_gets_its_label_back(bench: Bench) -> None:
    minted(bench)
    admin = bench.sandbox.admin("secretsmanager")
    theirs = admin.put_secret_value(SecretId=NAME, SecretString='{"x": 1}', VersionStages=["AWSPENDING"])["VersionId"]
    stage = step(Phase.DELIVER)
    left = do(bench, STORE.stage, stage).left
    assert left["pending"] == theirs
    STORE.stage.undo(bench.conn, stage, left, bench.run)
    assert stages(bench)[theirs] == ["AWSPENDING"]


def test_serve_refuses_what_this_run_did_not_stage(bench: Bench) -> None:
    minted(bench)
    old = value(bench)
    assert isinstance(do(bench, STORE.serve, step(Phase.SERVE)), Failed)
    admin = bench.sandbox.admin("secretsmanager")
    admin.put_secret_value(SecretId=NAME, SecretString='{"AccessKeyId": "AKIAEVIL"}', VersionStages=["AWSPENDING"])
    assert isinstance(do(bench, STORE.serve, step(Phase.SERVE)), Failed)
    bench.run.secrets.clear()
    assert isinstance(do(bench, STORE.serve, step(Phase.SERVE)), Failed)
    assert value(bench) == old


def test_undo_of_serve_leaves_a_newer_version(bench: Bench) -> None:
    minted(bench)
    do(bench, STORE.stage, step(Phase.DELIVER))
    left = do(bench, STORE.serve, step(Phase.SERVE)).left
    admin = bench.sandbox.admin("secretsmanager")
    newer = admin.put_secret_value(SecretId=NAME, SecretString='{"newer": 1}', VersionStages=["THEIRS"])["VersionId"]
    admin.update_secret_version_stage(
        SecretId=NAME, VersionStage="AWSCURRENT", MoveToVersionId=newer, RemoveFromVersionId=left["version"]
    )
    assert isinstance(STORE.serve.undo(bench.conn, step(Phase.SERVE), left, bench.run), Failed)
    assert value(bench) == {"newer": 1}


# -- the old secret, afterwards --------------------------------------------------------------------------------------


def forget_step(to: str = NAME) -> Step:
    return Step("finish-serve", "aws-secretsmanager/forget", WHO, Phase.FINISH, "", takes="mint", to=to)


def labelled(bench: Bench) -> dict[str, list[str]]:
    """Versions that have labels: AWS shows no others."""
    return {version: labels for version, labels in stages(bench).items() if labels}


def served(bench: Bench) -> Any:
    minted(bench)
    do(bench, STORE.stage, step(Phase.DELIVER))
    return do(bench, STORE.serve, step(Phase.SERVE)).left


def test_what_a_served_secret_still_holds_is_named_and_forgotten_at_finish(bench: Bench) -> None:
    left = served(bench)
    assert f"AWSPREVIOUS of secret {NAME} (version {left['previous']}) still holds the old credential" in left["leaves"]
    current = value(bench)
    leaked = bench.sandbox.loot().key.secret
    assert value(bench, "AWSPREVIOUS")["SecretAccessKey"] == leaked
    assert STORE.forget is not None
    assert STORE.forget.seen(bench.conn, forget_step(), bench.run) is None
    change = do(bench, STORE.forget, forget_step())
    assert isinstance(change, Done)
    assert STORE.forget.seen(bench.conn, forget_step(), bench.run) == change.left
    assert labelled(bench) == {left["version"]: ["AWSCURRENT", "AWSPENDING"]}
    assert value(bench) == current
    assert "no label any more: its id reads it until Secrets Manager deletes it" in change.left["leaves"]
    assert leaked not in json.dumps([left, change.left])
    assert isinstance(do(bench, STORE.forget, forget_step()), Already)
    assert STORE.forget.reversible, "the label can go back for as long as AWS keeps the version"
    assert bench.writes().count("secretsmanager:UpdateSecretVersionStage") == 2, "one to serve, one to forget"


def test_a_version_that_is_current_again_is_left_alone(bench: Bench) -> None:
    left = served(bench)
    bench.sandbox.admin("secretsmanager").update_secret_version_stage(
        SecretId=NAME, VersionStage="AWSCURRENT", MoveToVersionId=left["previous"], RemoveFromVersionId=left["version"]
    )
    before = stages(bench)
    assert STORE.forget is not None
    assert isinstance(do(bench, STORE.forget, forget_step()), Failed)
    assert STORE.forget.seen(bench.conn, forget_step(), bench.run) is None
    assert stages(bench) == before


def test_awsprevious_of_somebody_elses_rotation_since_is_not_touched(bench: Bench) -> None:
    left = served(bench)
    admin = bench.sandbox.admin("secretsmanager")
    theirs = admin.put_secret_value(SecretId=NAME, SecretString='{"x": 1}', VersionStages=["AWSPENDING"])["VersionId"]
    admin.update_secret_version_stage(
        SecretId=NAME, VersionStage="AWSCURRENT", MoveToVersionId=theirs, RemoveFromVersionId=left["version"]
    )
    rotated = labelled(bench)
    assert rotated == {theirs: ["AWSCURRENT", "AWSPENDING"], left["version"]: ["AWSPREVIOUS"]}
    assert STORE.forget is not None
    assert isinstance(do(bench, STORE.forget, forget_step()), Already), "the old version has no label any more"
    assert labelled(bench) == rotated


def test_a_label_of_somebodys_own_keeps_the_old_version_and_is_named(bench: Bench) -> None:
    left = served(bench)
    bench.sandbox.admin("secretsmanager").update_secret_version_stage(
        SecretId=NAME, VersionStage="BACKUP", MoveToVersionId=left["previous"]
    )
    assert STORE.forget is not None
    told = do(bench, STORE.forget, forget_step()).left
    assert "is kept by BACKUP" in told["leaves"]
    assert labelled(bench)[left["previous"]] == ["BACKUP"]


def test_a_secret_that_was_empty_leaves_nothing(bench: Bench) -> None:
    minted(bench)
    bench.sandbox.admin("secretsmanager").create_secret(Name="empty")
    do(bench, STORE.stage, step(Phase.DELIVER, "empty"))
    left = do(bench, STORE.serve, step(Phase.SERVE, "empty")).left
    assert "leaves" not in left
    assert STORE.forget is not None
    assert isinstance(do(bench, STORE.forget, forget_step("empty")), Already)


def test_every_public_part_of_another_kind_is_delivered_and_compared(bench: Bench) -> None:
    """A service-specific credential has a user name of its own beside its id."""
    public = {"ServiceUserName": "bot-at-1", "ServiceSpecificCredentialId": "ACCA1"}
    secret = Secret("p" * 40, field="ServicePassword", public=public)
    bench.run.give("mint", secret)
    bench.run.lefts["mint"] = {"id": "aws:service-credential/ACCA1", "field": secret.field, "public": public}
    old = value(bench)
    stage, serve = step(Phase.DELIVER), step(Phase.SERVE)
    first = do(bench, STORE.stage, stage).left
    assert value(bench, "AWSPENDING") == {**old, **secret.fields()}
    bench.run.secrets.clear()
    assert STORE.stage.seen(bench.conn, stage, bench.run) == first, "by its public parts"
    shape = Secret("", field=secret.field, public=dict(reversed(public.items())))
    back = STORE.recall(bench.conn, stage, bench.run, shape)
    assert back is not None
    assert back.fingerprint() == secret.fingerprint()
    do(bench, STORE.serve, serve)
    assert STORE.serve.seen(bench.conn, serve, bench.run) is not None
    bench.run.lefts["mint"]["public"] = {**public, "ServiceUserName": "bot-at-2"}
    assert STORE.serve.seen(bench.conn, serve, bench.run) is None, "one part differs"


def test_a_second_mint_with_several_public_parts_is_found_whatever_their_order(bench: Bench) -> None:
    """A journal may give a mint's parts back in another order."""
    minted(bench)
    stage = step(Phase.DELIVER)
    STORE.stage.undo(bench.conn, stage, do(bench, STORE.stage, stage).left, bench.run)
    public = {"b": "2", "a": "1"}
    again = Secret("q" * 40, field="ServicePassword", public=public)
    bench.run.give("mint", again)
    bench.run.lefts.pop("stage")
    second = do(bench, STORE.stage, stage).left
    shape = Secret("", field=again.field, public={"a": "1", "b": "2"})
    back = STORE.recall(bench.conn, stage, bench.run, shape)
    assert back is not None
    assert back.fingerprint() == again.fingerprint()
    assert second["version"] == token_of(bench.run.id, "stage", "1/2")
