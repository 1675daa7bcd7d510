"""Whether a principal could repair itself: the rights that undo what this tool does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.access.iam_rights import KIND, OVER_ITSELF
from nhi_revoke_aws.policy import Deny
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of
from nhi_revoke_aws.simulate import PERMISSION
from tests.aws.conftest import START, USER, WORKER, Bench, filled

BOT = f"arn:aws:iam::{ACCOUNT}:user/bots/bot"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bots/bot"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Bench]:
    """A user and a role, both called `bot`, who may do nothing."""
    aws = AwsSandbox(entropy=1, planted=())
    aws.start(MovableClock(START))
    aws.lag(0, 0)
    aws.seed(str(tmp_path))
    iam = aws.admin("iam")
    iam.create_user(UserName="bot", Path="/bots/")
    iam.create_role(RoleName="bot", Path="/bots/", AssumeRolePolicyDocument=trust_of({"AWS": BOT}))
    yield Bench(aws, aws.settings())
    aws.close()


def look(bench: Bench, text: str) -> list[Found]:
    who = bench.resolve(text)
    return [filled(f, who) for f in bench.kinds[KIND].collect(bench.conn, bench.ref(text), bench.io)]


def rights(bench: Bench, text: str) -> list[str]:
    found = [f for f in look(bench, text) if isinstance(f, Access)]
    assert len(found) <= 1
    return list(found[0].before["actions"]) if found else []


def may(bench: Bench, document: str, word: str = "user", name: str = "may") -> None:
    iam = bench.sandbox.admin("iam")
    named: dict[str, str] = {f"{word.capitalize()}Name": "bot"}
    getattr(iam, f"put_{word}_policy")(**named, PolicyName=name, PolicyDocument=document)


def on(resource: str, *actions: str, effect: str = "Allow", **more: Any) -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_who_has_none_of_them_has_no_such_access(empty: Bench) -> None:
    assert look(empty, USER) == []
    assert look(empty, WORKER) == []
    assert empty.writes() == []


@pytest.mark.parametrize("action", OVER_ITSELF["user"])
def test_each_right_of_a_user_over_itself(empty: Bench, action: str) -> None:
    may(empty, on(BOT, action))
    assert rights(empty, "user/bots/bot") == [action]
    assert rights(empty, "role/bot") == []


@pytest.mark.parametrize("action", OVER_ITSELF["role"])
def test_each_right_of_a_role_over_itself(empty: Bench, action: str) -> None:
    may(empty, on(ROLE, action), "role")
    assert rights(empty, "role/bot") == [action]
    assert rights(empty, "user/bot") == []


def test_what_is_told_of_it(empty: Bench) -> None:
    may(empty, on("*", "iam:UpdateAccessKey", "iam:CreateAccessKey"))
    (found,) = look(empty, "user/bot")
    assert isinstance(found, Access)
    assert found.id == f"{KIND}/{ACCOUNT}/user/bot"
    assert (found.kind, found.family, found.state, found.opens) == (KIND, "grant", "live", False)
    assert found.label == "user bot could repair itself: iam:CreateAccessKey, iam:UpdateAccessKey"
    assert found.before == {"actions": ["iam:CreateAccessKey", "iam:UpdateAccessKey"]}
    assert found.evidence == PERMISSION


def test_it_lets_nobody_in_and_nothing_is_planned_for_it(empty: Bench) -> None:
    may(empty, allow("*"))
    view = empty.view("user/bot")
    assert len(view.of(KIND)) == 1
    assert list(empty.kinds[KIND].draft(view, Intent())) == []


def test_a_user_and_a_role_of_one_name_are_told_apart(empty: Bench) -> None:
    for word in ("user", "role"):
        may(empty, allow("iam:*"), word)
    ids = {f.id for text in ("user/bot", "role/bot") for f in look(empty, text) if isinstance(f, Access)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    "document",
    [
        on("*", "iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AddUserToGroup", "iam:PassRole"),
        on("*", "iam:Get*", "iam:List*", "iam:TagUser", "s3:*"),
        on("*", "iam:CreateUser"),
        on(f"{BOT}-2", "iam:*"),
        on(ROLE, "iam:*"),
    ],
)
def test_what_repairs_nothing_is_not_among_them(empty: Bench, document: str) -> None:
    may(empty, document)
    assert look(empty, "user/bot") == []


def test_another_user_with_a_key_takes_both_rights(empty: Bench) -> None:
    may(empty, on("*", "iam:CreateUser", "iam:CreateAccessKey"), "role")
    assert rights(empty, "role/bot") == ["iam:CreateUser", "iam:CreateAccessKey"]
    may(empty, on("*", "iam:CreateAccessKey"), "role")
    assert rights(empty, "role/bot") == []


def test_our_managed_policy_can_be_made_to_say_something_else(empty: Bench) -> None:
    may(empty, on("*", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"))
    assert rights(empty, "user/bot") == ["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"]


def test_an_explicit_deny_leaves_none(empty: Bench) -> None:
    may(empty, allow("*"))
    may(empty, on("*", "iam:*", effect="Deny"), name="no")
    assert look(empty, "user/bot") == []


@pytest.mark.parametrize("held", [True, False])
def test_beneath_our_own_deny_it_is_unknown_and_never_none(empty: Bench, held: bool) -> None:
    if held:
        may(empty, allow("*"))
    may(empty, json.dumps(Deny("20261123T120000Z7f3a").document()), name="NHIRevoke")
    (found,) = look(empty, "user/bot")
    assert isinstance(found, Access)
    assert (found.state, found.before, found.opens) == ("unknown", {"actions": []}, False)
    assert "not told while our own deny stands" in found.label


def test_our_cut_off_hides_nothing(empty: Bench) -> None:
    cutoff = json.dumps(Deny("20261123T120000Z7f3a", "2026-11-23T12:00:02Z", "2026-11-24T00:00:00Z").document())
    may(empty, cutoff, name="NHIRevoke")
    assert look(empty, "user/bot") == []
    may(empty, on(BOT, "iam:PutUserPolicy"))
    assert rights(empty, "user/bot") == ["iam:PutUserPolicy"]


def test_rights_that_hang_on_a_condition_are_said(empty: Bench) -> None:
    may(empty, on(BOT, "iam:PutUserPolicy", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}))
    (found,) = look(empty, "user/bot")
    assert isinstance(found, BlindSpot)
    assert (found.counts, "aws:SourceVpc" in found.why) == (False, True)


@pytest.mark.parametrize("text", ["user/bot", "role/bot"])
def test_a_denied_simulator_is_never_none(empty: Bench, text: str) -> None:
    empty.sandbox.allow_only(["iam:Get*", "iam:List*", "sts:*"])
    with pytest.raises(Denied) as denied:
        look(empty, text)
    assert denied.value.needs == PERMISSION


def test_an_arn_asks_the_simulator_alone_and_a_name_is_looked_up_first(empty: Bench) -> None:
    empty.sandbox.forget_calls()
    list(empty.kinds[KIND].collect(empty.conn, empty.ref(BOT), empty.io))
    assert empty.reads() == [PERMISSION] * 2
    empty.sandbox.forget_calls()
    list(empty.kinds[KIND].collect(empty.conn, empty.ref("user/bot"), empty.io))
    assert empty.reads() == ["iam:GetUser", *[PERMISSION] * 2]
