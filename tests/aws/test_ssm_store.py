"""Delivery to Parameter Store: staged beside, read back, served under the same key and tier, taken back, told."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied, NoAnswer, Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.store.parameter import Version, parse_address
from nhi_revoke_aws.store.ssm import ParameterStore

from .conftest import Bench

NAME = "/payments/aws"
STORE = ParameterStore()
NEW = Secret("n" * 40, field="SecretAccessKey", public={"AccessKeyId": "AKIANEW"})
OLD = {"AccessKeyId": "AKIAOLD", "SecretAccessKey": "o" * 40, "WebhookSigningKey": "whsec"}
WHO = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bots/payments-bot")
PHASES = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}
KEY = "arn:aws:kms:us-east-1:111122223333:key/mine"


def step(verb: str, to: str = NAME) -> Step:
    step_id = "finish-serve" if verb == "forget" else verb
    return Step(step_id, f"aws-ssm/{verb}", WHO, PHASES[verb], "", takes="mint", to=to)


def ssm(bench: Bench) -> Any:
    return bench.sandbox.admin("ssm")


def parameter(bench: Bench, name: str = NAME, value: Any = None, **more: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(OLD if value is None else value)
    settings: dict[str, Any] = {"Type": "SecureString", "KeyId": KEY, "Tier": "Advanced", **more}
    if settings["Type"] != "SecureString":
        del settings["KeyId"]
    ssm(bench).put_parameter(Name=name, Value=text, Description="the bot's key", **settings)


def value(bench: Bench, name: str = NAME) -> Any:
    return json.loads(ssm(bench).get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def described(bench: Bench) -> dict[str, dict[str, Any]]:
    rows = ssm(bench).describe_parameters()["Parameters"]
    return {r["Name"]: {k: v for k, v in r.items() if k not in ("LastModifiedDate", "Version")} for r in rows}


def staged(bench: Bench) -> list[str]:
    return [name for name in described(bench) if "nhi-revoke-pending" in name]


def minted(bench: Bench, secret: Secret = NEW) -> None:
    bench.run.give("mint", secret)
    bench.run.lefts["mint"] = {"id": "aws:access-key/AKIANEW", "field": secret.field, "public": secret.public}


def doer(verb: str) -> Any:
    return getattr(STORE, verb)


def do(bench: Bench, verb: str, to: str = NAME) -> Any:
    one = step(verb, to)
    change = doer(verb).apply(bench.conn, one, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[one.id] = change.left
    return change


def seen(bench: Bench, verb: str, to: str = NAME) -> Any:
    return doer(verb).seen(bench.conn, step(verb, to), bench.run)


def undo(bench: Bench, verb: str, to: str = NAME) -> Any:
    one = step(verb, to)
    return doer(verb).undo(bench.conn, one, bench.run.left(one.id), bench.run)


@pytest.mark.parametrize("address", [NAME, f"aws-ssm:{NAME}", f"arn:aws:ssm:us-east-1:111122223333:parameter{NAME}"])
def test_staged_read_back_served_and_taken_back(bench: Bench, address: str) -> None:
    minted(bench)
    parameter(bench)
    was = described(bench)
    assert STORE.stage.check(bench.conn, step("stage", address)) is None
    assert seen(bench, "stage", address) is None
    change = do(bench, "stage", address)
    assert isinstance(change, Done)
    assert seen(bench, "stage", address) == change.left
    assert value(bench) == OLD, "the workload does not read it yet"
    [beside] = staged(bench)
    assert beside == change.left["pending"]
    assert value(bench, beside) == {**OLD, **NEW.fields()}, "other fields are kept"
    assert described(bench)[beside]["Type"] == "SecureString"
    assert described(bench)[beside]["KeyId"] == KEY, "under the same key"
    assert bench.run.id in described(bench)[beside]["Description"]

    assert seen(bench, "serve", address) is None
    served = do(bench, "serve", address)
    assert isinstance(served, Done)
    assert seen(bench, "serve", address) == served.left
    assert (served.left["version"], served.left["previous"]) == (2, 1)
    assert value(bench) == {**OLD, **NEW.fields()}
    assert staged(bench) == [], "no second copy of a live key is left"
    assert described(bench) == was, "key, tier, type, description as they were"
    assert seen(bench, "stage", address) == change.left, "once served, the parameter itself holds it"
    assert isinstance(do(bench, "serve", address), Already)

    assert isinstance(undo(bench, "serve", address), Done)
    assert value(bench) == OLD
    assert described(bench) == was
    assert isinstance(undo(bench, "serve", address), Already)
    assert isinstance(undo(bench, "stage", address), Already)


def test_what_is_staged_is_taken_away(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    do(bench, "stage")
    assert isinstance(undo(bench, "stage"), Done)
    assert staged(bench) == []
    assert isinstance(undo(bench, "stage"), Already)
    assert value(bench) == OLD
    assert seen(bench, "stage") is None


def test_the_key_would_change_if_it_were_not_said_again(bench: Bench) -> None:
    """What the sandbox does as AWS documents; the other test shows that the store says it."""
    parameter(bench)
    ssm(bench).put_parameter(Name=NAME, Value="{}", Overwrite=True, Tier="Advanced")
    assert described(bench)[NAME]["KeyId"] == "alias/aws/ssm"


def test_one_json_key_takes_the_secret_part_alone(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    to = f"{NAME}#aws_secret"
    do(bench, "stage", to)
    assert seen(bench, "stage", to)
    do(bench, "serve", to)
    assert seen(bench, "serve", to)
    assert value(bench) == {**OLD, "aws_secret": NEW.reveal()}
    assert "AKIANEW" not in json.dumps(value(bench))


def test_a_field_that_somebody_added_after_the_staging_is_kept(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    do(bench, "stage")
    ssm(bench).put_parameter(
        Name=NAME, Value=json.dumps({**OLD, "added": 1}), Overwrite=True, Tier="Advanced", KeyId=KEY
    )
    do(bench, "serve")
    assert value(bench) == {**OLD, "added": 1, **NEW.fields()}


def test_a_write_between_our_read_and_our_write_is_told(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    do(bench, "stage")
    call = bench.conn.call

    def meddled(service: str, operation: str, /, **params: Any) -> Any:
        if operation == "PutParameter":
            theirs = json.dumps({**OLD, "theirs": 1})
            ssm(bench).put_parameter(Name=NAME, Value=theirs, Overwrite=True, Tier="Advanced", KeyId=KEY)
        return call(service, operation, **params)

    bench.conn.call = meddled  # type: ignore[method-assign]  # Parameter Store has no lock
    left = do(bench, "serve").left
    assert "version 2 was written by somebody else" in left["leaves"]
    assert left["previous"] == 1


def test_the_history_keeps_the_old_key_and_it_is_named(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    do(bench, "stage")
    left = do(bench, "serve").left
    assert f"the history of SSM parameter {NAME} still holds the old credential in version 1: who may" in left["leaves"]
    history = ssm(bench).get_parameter_history(Name=NAME, WithDecryption=True)["Parameters"]
    assert [json.loads(p["Value"])["AccessKeyId"] for p in history] == ["AKIAOLD", "AKIANEW"]
    assert isinstance(do(bench, "forget"), Already), "nothing is staged any more"
    told = seen(bench, "forget")
    assert "old credential in version 1:" in told["leaves"], "still: AWS deletes no version alone"
    assert OLD["SecretAccessKey"] not in msgspec.json.encode([left, told]).decode()


def test_a_staged_copy_that_could_not_be_removed_goes_at_finish(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    do(bench, "stage")
    bench.sandbox.fault("ssm:DeleteParameter", "denied")
    left = do(bench, "serve").left
    assert left["pending"] == staged(bench)[0]
    assert seen(bench, "serve") == left
    assert seen(bench, "forget") is None
    assert isinstance(do(bench, "forget"), Done)
    assert staged(bench) == []
    assert seen(bench, "forget") is not None
    assert value(bench) == {**OLD, **NEW.fields()}


def test_an_unencrypted_parameter_stays_one_and_is_told(bench: Bench) -> None:
    minted(bench)
    parameter(bench, Type="String", Tier="Standard")
    do(bench, "stage")
    assert described(bench)[staged(bench)[0]]["Type"] == "SecureString", "what is staged is not"
    left = do(bench, "serve").left
    assert "of type String: the new credential is stored unencrypted" in left["leaves"]
    assert described(bench)[NAME]["Type"] == "String"


# -- what cannot work ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"), [("plain", "SecureString"), ('["x"]', "SecureString"), ("a,b", "StringList")]
)
def test_what_is_no_json_object_is_impossible_beforehand(bench: Bench, text: str, kind: str) -> None:
    parameter(bench, "/other", text, Type=kind)
    wrong = STORE.stage.check(bench.conn, step("stage", "/other"))
    assert isinstance(wrong, Impossible)
    assert text not in wrong.why
    assert isinstance(STORE.stage.check(bench.conn, step("stage", "/other#key")), Impossible)
    minted(bench)
    if kind == "SecureString":
        with pytest.raises(Rejected):
            do(bench, "stage", "/other")
    assert bench.writes() == []


def test_a_parameter_that_is_not_there_is_never_made(bench: Bench) -> None:
    wrong = STORE.stage.check(bench.conn, step("stage", "/nowhere"))
    assert isinstance(wrong, Impossible)
    assert "put-parameter" in wrong.manual
    assert bench.writes() == []


def test_denied_reads_and_writes_say_the_right(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    bench.sandbox.allow_only(["ssm:DescribeParameters"])
    with pytest.raises(Denied) as told:
        STORE.stage.check(bench.conn, step("stage"))
    assert told.value.needs == "ssm:GetParameter"
    bench.sandbox.allow_only(["ssm:DescribeParameters", "ssm:GetParameter"])
    with pytest.raises(Denied) as told:
        do(bench, "stage")
    assert told.value.needs == "ssm:PutParameter"
    bench.sandbox.allow_only(sorted(STORE.stage.permissions))
    do(bench, "stage")
    assert isinstance(do(bench, "serve"), Done)


def test_serve_refuses_what_this_run_did_not_stage(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    assert isinstance(do(bench, "serve"), Failed), "nothing is staged"
    do(bench, "stage")
    ssm(bench).put_parameter(
        Name=staged(bench)[0], Value='{"AccessKeyId": "AKIAEVIL"}', Overwrite=True, Tier="Advanced"
    )
    assert isinstance(do(bench, "serve"), Failed)
    bench.run.secrets.clear()
    assert isinstance(do(bench, "serve"), Failed)
    assert value(bench) == OLD


def test_undo_leaves_a_newer_version(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    do(bench, "stage")
    do(bench, "serve")
    ssm(bench).put_parameter(Name=NAME, Value='{"newer": 1}', Overwrite=True, Tier="Advanced", KeyId=KEY)
    assert isinstance(undo(bench, "serve"), Failed)
    assert value(bench) == {"newer": 1}


# -- crashes -------------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_found(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    bench.sandbox.fault("ssm:PutParameter", "lost")
    assert isinstance(do(bench, "stage"), Done), "what is staged may be written twice"
    assert len(staged(bench)) == 1
    bench.sandbox.fault("ssm:PutParameter", "lost")
    with pytest.raises(NoAnswer):
        do(bench, "serve")
    found = seen(bench, "serve")
    assert found is not None
    assert (found["version"], found["previous"]) == (2, 1), "written once: a version is never pushed out for nothing"
    bench.run.lefts["serve"] = found
    assert isinstance(undo(bench, "serve"), Done)
    assert value(bench) == OLD


def test_after_a_crash_the_store_gives_the_secret_back_and_serves_it(bench: Bench) -> None:
    minted(bench)
    parameter(bench)
    shape = Secret("", field=NEW.field, public=NEW.public)
    assert STORE.recall(bench.conn, step("stage"), bench.run, shape) is None
    do(bench, "stage")
    bench.run.secrets.clear()
    assert seen(bench, "stage") is not None, "by its public parts"
    back = STORE.recall(bench.conn, step("stage"), bench.run, shape)
    assert back is not None
    assert back.fingerprint() == NEW.fingerprint()
    assert isinstance(do(bench, "serve"), Done)
    assert value(bench) == {**OLD, **NEW.fields()}
    assert seen(bench, "serve") is not None
    back = STORE.recall(bench.conn, step("stage"), bench.run, shape)
    assert back is not None, "also once it was served, and what was staged is gone"
    assert back.fingerprint() == NEW.fingerprint()


def test_a_key_of_its_own_never_gives_the_old_secret_back_as_the_new_one(bench: Bench) -> None:
    minted(bench)
    parameter(bench, value={"aws_secret": "o" * 40})
    to = f"{NAME}#aws_secret"
    shape = Secret("", field=NEW.field, public=NEW.public)
    bench.run.lefts["stage"] = {"parameter": NAME, "pending": "gone", "base": 1}
    assert STORE.recall(bench.conn, step("stage", to), bench.run, shape) is None
    bench.run.lefts.pop("stage")
    do(bench, "stage", to)
    bench.run.secrets.clear()
    assert seen(bench, "serve", to) is None, "the old value is no proof that the new one is served"
    back = STORE.recall(bench.conn, step("stage", to), bench.run, shape)
    assert back is not None
    assert back.fingerprint() == NEW.fingerprint()
    do(bench, "serve", to)
    assert seen(bench, "serve", to) is not None
    assert STORE.recall(bench.conn, step("stage", to), bench.run, shape) is not None


def test_a_second_mint_of_the_same_step_is_staged_under_another_name(bench: Bench) -> None:
    """A name that was deleted cannot be used again for 30 seconds (AWS docs: API_DeleteParameter)."""
    minted(bench)
    parameter(bench)
    first = do(bench, "stage").left
    undo(bench, "stage")
    bench.run.lefts.pop("stage")
    minted(bench, Secret("m" * 40, field="SecretAccessKey", public={"AccessKeyId": "AKIASECOND"}))
    assert do(bench, "stage").left["pending"] != first["pending"]
    do(bench, "serve")
    assert value(bench)["AccessKeyId"] == "AKIASECOND"


def test_every_public_part_of_another_kind_is_delivered_and_compared(bench: Bench) -> None:
    public = {"ServiceUserName": "bot-at-1", "ServiceSpecificCredentialId": "ACCA1"}
    minted(bench, Secret("p" * 40, field="ServicePassword", public=public))
    parameter(bench, value={})
    do(bench, "stage")
    do(bench, "serve")
    assert value(bench) == {**public, "ServicePassword": "p" * 40}
    bench.run.secrets.clear()
    assert seen(bench, "serve") is not None
    bench.run.lefts["mint"]["public"] = {**public, "ServiceSpecificCredentialId": "ACCA2"}
    assert seen(bench, "serve") is None, "one part differs"


def test_every_page_of_descriptions_is_read(bench: Bench) -> None:
    parameter(bench)
    call = bench.conn.call

    def paged(service: str, operation: str, /, **params: Any) -> Any:
        token = params.pop("NextToken", None)
        if operation == "DescribeParameters" and not token:
            return {"Parameters": [], "NextToken": "more"}
        return call(service, operation, **params)

    bench.conn.call = paged  # type: ignore[method-assign]  # "on a best-effort basis": a page may be empty
    assert STORE.stage.check(bench.conn, step("stage")) is None


def test_addresses() -> None:
    arn = "arn:aws:ssm:eu-west-1:111122223333:parameter"
    assert (parse_address(f"{arn}/a/b#k").name, parse_address(f"{arn}/a/b#k").key) == ("/a/b", "k")
    assert parse_address(f"{arn}/a/b").region == "eu-west-1"
    assert parse_address(f"{arn}/flat").name == "flat"
    assert parse_address("aws-ssm:flat").name == "flat"


def test_a_version_never_shows_its_text() -> None:
    assert "secret" not in repr(Version("secret", 1))
