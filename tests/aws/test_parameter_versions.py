"""Old versions of a parameter after a delivery: compared, named by their numbers and labels; none can be disabled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.store import parameter_copies
from nhi_revoke_aws.store.ssm import ParameterStore

from .conftest import Bench

NAME = "/payments/aws"
STORE = ParameterStore()
NEW = Secret("n" * 40, field="SecretAccessKey", public={"AccessKeyId": "AKIANEW"})
OLD = {"AccessKeyId": "AKIAOLD", "SecretAccessKey": "o" * 40, "WebhookSigningKey": "whsec"}
WHO = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bots/payments-bot")
PHASES = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}


def doer(verb: str) -> Doer[Any]:
    found = getattr(STORE, verb)
    assert isinstance(found, Doer)
    return found


def step(verb: str, to: str = NAME) -> Step:
    step_id = "finish-serve" if verb == "forget" else verb
    return Step(step_id, f"aws-ssm/{verb}", WHO, PHASES[verb], "", takes="mint", to=to)


def do(bench: Bench, verb: str, to: str = NAME) -> Any:
    one = step(verb, to)
    change = doer(verb).apply(bench.conn, one, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[one.id] = change.left
    return change


def ssm(bench: Bench) -> Any:
    return bench.sandbox.admin("ssm")


def written(bench: Bench, *values: dict[str, Any]) -> None:
    for value in values:
        ssm(bench).put_parameter(Name=NAME, Value=json.dumps(value), Type="SecureString", Overwrite=True)


def history(bench: Bench) -> list[tuple[int, dict[str, Any], list[str]]]:
    rows = ssm(bench).get_parameter_history(Name=NAME, WithDecryption=True)["Parameters"]
    return [(row["Version"], json.loads(row["Value"]), row["Labels"]) for row in rows]


def served(bench: Bench, to: str = NAME) -> str:
    bench.run.give("mint", NEW)
    bench.run.lefts["mint"] = {"id": "aws:access-key/AKIANEW", "field": NEW.field, "public": NEW.public}
    do(bench, "stage", to)
    return str(do(bench, "serve", to).left.get("leaves") or "")


def test_versions_are_named_by_number_and_label_before_and_after_finish(bench: Bench) -> None:
    """Version 2 is an earlier rotation's, and holds another credential."""
    written(bench, OLD, {**OLD, "SecretAccessKey": "e" * 40}, {**OLD, "WebhookSigningKey": "whsec2"}, OLD)
    ssm(bench).label_parameter_version(Name=NAME, ParameterVersion=3, Labels=["prod", "eu"])
    ssm(bench).label_parameter_version(Name=NAME, ParameterVersion=2, Labels=["earlier"])
    said = served(bench)
    assert f"the history of SSM parameter {NAME} still holds the old credential in version 1, 3, 4: who may" in said
    assert f"ssm:GetParameterHistory, or ssm:GetParameter ({NAME}:4), reads it" in said
    assert "the last of these goes when version 104 is written" in said
    assert f"version 3 is read as {NAME}:prod and {NAME}:eu as well" in said
    off = f"aws ssm unlabel-parameter-version --name {NAME} --parameter-version 3 --labels prod eu"
    assert off in said
    assert "earlier" not in said, "what an earlier rotation left is not this run's"
    assert "o" * 40 not in said

    before = history(bench)
    assert [number for number, _, _ in before] == [1, 2, 3, 4, 5]
    wrote = len(bench.writes())
    assert isinstance(do(bench, "forget"), Already)
    assert history(bench) == before, "no version and no label was touched"
    assert bench.writes()[wrote:] == ["ssm:DeleteParameter"], "of what is staged, which is gone by now"
    assert bench.run.left("finish-serve")["leaves"] == said
    assert f"aws ssm delete-parameter --name {NAME}" in said, "by hand, and for good"


def test_what_was_written_later_with_the_old_credential_is_named(bench: Bench) -> None:
    written(bench, OLD)
    served(bench)
    written(bench, {**OLD, "WebhookSigningKey": "later"})
    do(bench, "forget")
    assert "in version 1, 3:" in bench.run.left("finish-serve")["leaves"]


def test_every_page_of_the_history_is_read(bench: Bench) -> None:
    written(bench, OLD, OLD, OLD, OLD)
    bench.sandbox.page_size(1)
    assert "in version 1, 2, 3, 4:" in served(bench)
    assert bench.reads().count("ssm:GetParameterHistory") == 5


def test_a_denied_history_is_a_blind_spot_and_versions_are_looked_at_by_number(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameter_copies, "LOOKED", 2)
    written(bench, OLD, OLD, OLD)
    bench.sandbox.fault("ssm:GetParameterHistory", "denied", times=9)
    said = served(bench)
    assert "still holds the old credential in version 2, 3:" in said
    assert f"unseen in the history of SSM parameter {NAME}: labels, and versions older than the 2 before" in said
    assert "ssm:GetParameterHistory" in said.partition("unseen")[2]


def test_where_nothing_may_be_read_at_finish_the_version_of_before_is_named_all_the_same(bench: Bench) -> None:
    written(bench, OLD, OLD)
    served(bench)
    bench.sandbox.fault("ssm:GetParameterHistory", "denied", times=9)
    bench.sandbox.fault("ssm:GetParameter", "denied", times=99, after=1)
    assert isinstance(do(bench, "forget"), Already | Done)
    said = bench.run.left("finish-serve")["leaves"]
    assert "in version 2:" in said, "it stood there before this run wrote"
    assert "unseen" in said


def test_a_version_that_was_pushed_out_is_not_said_to_hold_anything(bench: Bench) -> None:
    """AWS keeps the newest 100 versions."""
    written(bench, OLD)
    served(bench)
    written(bench, *({"number": number} for number in range(100)))
    assert min(number for number, _, _ in _all(bench)) == 3
    do(bench, "forget")
    said = bench.run.left("finish-serve")["leaves"]
    assert "still holds" not in said
    assert "version 1 is not there any more" in said


def test_where_no_credential_stood_before_nothing_is_said_to_hold_it(bench: Bench) -> None:
    written(bench, {"WebhookSigningKey": "whsec"})
    assert served(bench) == ""
    do(bench, "forget")
    assert "leaves" not in bench.run.left("finish-serve")


def test_one_json_key_is_compared_alone(bench: Bench) -> None:
    written(bench, {**OLD, "AccessKeyId": "AKIAELSE"}, OLD)
    assert "in version 1, 2:" in served(bench, f"{NAME}#SecretAccessKey")


def _all(bench: Bench) -> list[tuple[int, dict[str, Any], list[str]]]:
    rows: list[tuple[int, dict[str, Any], list[str]]] = []
    for page in ssm(bench).get_paginator("get_parameter_history").paginate(Name=NAME, WithDecryption=True):
        rows += [(row["Version"], json.loads(row["Value"]), row["Labels"]) for row in page["Parameters"]]
    return rows
