"""Users of IAM Identity Center: found, denied in their permission sets, and let in again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nhi_revoke.engine.guard import is_operator
from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import AmbiguousName, Denied, Missing
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.own.identity_center import BOT, FOREIGN
from nhi_revoke_aws.sandbox.seed import allow

from .conftest import START, Bench
from .identity_center_bench import DENY, USER, inline
from .identity_center_sandbox import WHOLE, SsoSandbox

PROVISIONED = ["sso:PutInlinePolicyToPermissionSet", "sso:ProvisionPermissionSet"]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SsoSandbox]:
    made = SsoSandbox()
    made.start(MovableClock(START))
    made.lag(0, 0)
    made.seed(str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def bench(sandbox: SsoSandbox) -> Bench:
    return Bench(sandbox, sandbox.settings())


def denies(bench: Bench, **intent: Any) -> dict[str, Step]:
    """By name of the permission set."""
    drafted = (d for d in bench.draft(USER, **intent) if isinstance(d, Step) and d.does == DENY)
    return {str(s.before["name"]): msgspec.structs.replace(s, id=f"s{n}") for n, s in enumerate(drafted)}


# -- who -----------------------------------------------------------------------------------------------------------


def test_a_user_is_found_by_name_and_by_id(bench: Bench, sandbox: SsoSandbox) -> None:
    by_name = bench.resolve(USER)
    assert by_name == bench.resolve(f"sso-user/{by_name.unique_id}")
    assert str(by_name.ref) == f"aws:sso-user/{by_name.unique_id}"
    assert (by_name.name, by_name.scope, by_name.facts["UserStatus"]) == (BOT, "111122223333", "ENABLED")
    sandbox.center.users[by_name.unique_id]["UserStatus"] = "DISABLED"
    assert bench.resolve(USER).facts["UserStatus"] == "DISABLED"
    assert bench.writes() == []


@pytest.mark.parametrize("text", ["sso-user/nobody", "sso-user/0123456789-6c0b3f5e-1111-2222-3333-444455556666"])
def test_nobody_of_that_name(bench: Bench, text: str) -> None:
    with pytest.raises(Missing, match="no such user"):
        bench.resolve(text)


def test_where_no_identity_center_answers_the_settings_are_named(bench: Bench, sandbox: SsoSandbox) -> None:
    sandbox.center.region = "eu-central-1"
    with pytest.raises(Missing, match="Region us-east-1") as told:
        bench.resolve(USER)
    assert "eu-central-1" in told.value.hint
    assert "sso_region" in told.value.hint
    there = bench.connect(sso_region="eu-central-1")
    assert bench.provider.resolve(there, bench.ref(USER)).name == BOT


@pytest.mark.parametrize("denied", ["sso:ListInstances", "identitystore:GetUserId", "identitystore:DescribeUser"])
def test_a_user_that_may_not_be_read_is_denied_not_missing(bench: Bench, denied: str) -> None:
    bench.sandbox.fault(denied, "denied", 9)
    with pytest.raises(Denied) as told:
        bench.resolve(USER)
    assert told.value.needs == denied


def test_a_name_in_two_instances_is_ambiguous(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import nhi_revoke_aws.identity_center as module

    one = module.instances(bench.conn)[0]
    monkeypatch.setattr(module, "instances", lambda _: [one, one])
    with pytest.raises(AmbiguousName, match="2 instances"):
        bench.resolve(USER)


def test_its_account_is_the_one_of_the_settings(bench: Bench) -> None:
    settings = msgspec.structs.replace(bench.settings, sso_account="444455556666")
    assert bench.provider.scope_of(bench.ref(USER), settings) == "444455556666"
    assert bench.provider.scope_of(bench.ref("sso-user/AKIAIOSFODNN7EXAMPLE"), bench.settings) == ""


def test_find_asks_it_only_where_the_settings_say_where(bench: Bench) -> None:
    assert bench.provider.find(bench.conn, BOT) == []
    found = bench.provider.find(bench.connect(sso_region="us-east-1"), BOT)
    assert [str(ref) for ref in found] == [str(bench.resolve(USER).ref)]


def test_the_operator_is_known_by_the_session_of_its_role(bench: Bench, sandbox: SsoSandbox, tmp_path: Path) -> None:
    iam, name = sandbox.admin("iam"), "AWSReservedSSO_Admin_0123456789abcdef"
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(
        RoleName=name, Path="/aws-reserved/sso.amazonaws.com/", AssumeRolePolicyDocument=document
    )["Role"]["Arn"]  # fmt: skip
    sandbox.world.moto.iam("111122223333").put_role_policy(name, "AwsSSOInlinePolicy", allow("iam:GetRole"))
    sandbox.world.settle()  # IAM itself lets nobody edit such a role
    held = sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName=BOT.title())["Credentials"]
    file = tmp_path / "signed-in"
    file.write_text(
        f"[me]\naws_access_key_id = {held['AccessKeyId']}\naws_secret_access_key = {held['SecretAccessKey']}\n"
        f"aws_session_token = {held['SessionToken']}\n"
    )
    chain = [str(ref) for ref in bench.connect(credentials_file=str(file), profile="me").whoami()]
    assert f"aws:{role}" in chain
    who = bench.resolve(USER)
    assert is_operator(who, chain)
    assert not is_operator(who, [str(ref) for ref in bench.conn.whoami()])


# -- what it has -----------------------------------------------------------------------------------------------------


def test_direct_and_through_groups(bench: Bench, sandbox: SsoSandbox) -> None:
    found = {a.label: a for a in bench.collect(USER) if isinstance(a, Access)}
    assert set(found) == {
        f"every role session of Identity Center user {BOT}",
        "permission set Deploy in account 111122223333",
        "permission set Deploy in account 444455556666",
        "permission set ReadAll in account 111122223333, through group deployers",
    }
    assert all(a.state == "live" and a.opens for a in found.values() if a.family == "grant")
    sandbox.service.shows_groups = True  # whether AWS does is not documented: it changes nothing
    assert {a.label for a in bench.collect(USER) if isinstance(a, Access)} == set(found)
    assert bench.writes() == []


@pytest.mark.parametrize(
    ("denied", "seen", "counts"),
    [
        ("identitystore:ListGroupMembershipsForMember", 2, True),
        ("sso:DescribePermissionSet", 3, False),
        ("identitystore:DescribeGroup", 3, False),
    ],
)
def test_a_part_that_is_denied_is_blind(bench: Bench, denied: str, seen: int, counts: bool) -> None:
    bench.sandbox.fault(denied, "denied", 9)
    found = bench.collect(USER)
    assert sum(isinstance(f, Access) and f.family == "grant" for f in found) == seen
    assert [(b.needs, b.counts) for b in found if isinstance(b, BlindSpot)] == [(denied, counts)]
    ends = {a for s in denies(bench).values() for a in s.ends}
    assert (WHOLE in ends) is not counts, "what stays unseen is not denied: its sessions must stay open"


def test_all_that_is_denied_is_denied(bench: Bench) -> None:
    ref = bench.ref(USER)
    bench.sandbox.fault("sso:ListAccountAssignmentsForPrincipal", "denied", 9)
    bench.sandbox.fault("identitystore:ListGroupMembershipsForMember", "denied", 9)
    with pytest.raises(Denied):
        list(bench.kinds["aws:sso-assignment"].collect(bench.conn, ref, bench.io))


# -- the deny --------------------------------------------------------------------------------------------------------


def test_one_step_a_permission_set_shuts_it_once_it_is_provisioned(bench: Bench, sandbox: SsoSandbox) -> None:
    steps = denies(bench)
    assert set(steps) == {"Deploy", "ReadAll"}
    assert steps["Deploy"].brake
    assert steps["Deploy"].reversible
    before = inline(sandbox)
    assert isinstance(bench.do(steps["Deploy"]), Done)
    assert bench.writes() == PROVISIONED
    assert json.loads(inline(sandbox)["Deploy"])["Statement"][:-1] == json.loads(FOREIGN)["Statement"]
    assert inline(sandbox)["ReadAll"] == before["ReadAll"]
    assert bench.seen(steps["Deploy"]) is None, "it does not bind before it is provisioned"
    assert bench.doors() == {"sso-session": True, "sso-portal": True}
    sandbox.advance(6)
    assert bench.seen(steps["Deploy"])
    assert bench.doors() == {"sso-session": False, "sso-portal": True}


def test_undo_takes_out_our_statement_alone_and_keeps_what_came_since(bench: Bench, sandbox: SsoSandbox) -> None:
    steps = denies(bench)
    for step in steps.values():
        bench.do(step)
        sandbox.advance(6)
        bench.run.lefts[step.id] = bench.seen(step)
    since = inline(sandbox)["Deploy"].replace("KeepBuckets", "KeptSince")
    next(s for s in sandbox.center.sets.values() if s.name == "Deploy").inline = since
    assert bench.seen(steps["Deploy"]), "another's edit that nobody provisioned yet does not take ours back"
    for step in steps.values():
        assert isinstance(bench.undo(step), Done)
        assert bench.seen(step), "it binds until it is provisioned again"
        sandbox.advance(6)
        assert bench.seen(step) is None
        assert isinstance(bench.undo(step), Already)
    assert inline(sandbox) == {"Deploy": FOREIGN.replace("KeepBuckets", "KeptSince"), "ReadAll": ""}
    assert "sso:DeleteInlinePolicyFromPermissionSet" in bench.writes()
    assert bench.doors() == {"sso-session": True, "sso-portal": True}


def test_undo_of_a_set_whose_last_assignment_went_since_is_done(bench: Bench, sandbox: SsoSandbox) -> None:
    """It is in no account any more: AWS has nothing to provision, and nothing holds the old form."""
    step = denies(bench)["Deploy"]
    bench.do(step)
    sandbox.advance(6)
    bench.run.lefts[step.id] = bench.seen(step)
    center = sandbox.center
    arn = next(s.arn for s in center.sets.values() if s.name == "Deploy")
    center.assignments = [a for a in center.assignments if a.permission_set != arn]
    center.provisioned = [p for p in center.provisioned if p.permission_set != arn]
    assert isinstance(bench.undo(step), Done)
    assert inline(sandbox)["Deploy"] == FOREIGN
    assert bench.seen(step) is None


def test_undo_leaves_a_statement_that_somebody_changed(bench: Bench, sandbox: SsoSandbox) -> None:
    step = denies(bench)["Deploy"]
    bench.do(step)
    sandbox.advance(6)
    one = next(s for s in sandbox.center.sets.values() if s.name == "Deploy")
    one.inline = changed = one.inline.replace('"Action":"*"', '"Action":"s3:*"')
    assert isinstance(bench.undo(step), Failed)
    assert one.inline == changed


def test_a_provisioning_that_fails_is_told_and_not_called_ended(bench: Bench, sandbox: SsoSandbox) -> None:
    step = denies(bench)["Deploy"]
    sandbox.service.fails = True
    bench.do(step)
    assert bench.seen(step) is None
    sandbox.advance(6)
    with pytest.raises(Denied, match="could not provision"):
        bench.seen(step)
    assert bench.doors()["sso-session"]


def test_a_deny_that_may_not_be_provisioned_goes_out_again(bench: Bench, sandbox: SsoSandbox) -> None:
    step, before = denies(bench)["Deploy"], inline(sandbox)
    bench.sandbox.fault("sso:ProvisionPermissionSet", "denied")
    change = bench.do(step)
    assert isinstance(change, Failed)
    assert change.needs == "sso:ProvisionPermissionSet"
    assert inline(sandbox) == before


def test_a_crash_between_the_write_and_the_provisioning_is_not_taken_for_done(
    bench: Bench, sandbox: SsoSandbox
) -> None:
    step = denies(bench)["Deploy"]
    bench.do(step)
    sandbox.center.provisioned[:] = [
        p for p in sandbox.center.provisioned if "Deny" not in p.inline or p.inline == FOREIGN
    ]
    sandbox.center.works.clear()
    bench.run.lefts.clear()
    assert bench.seen(step) is None
    bench.do(step)
    sandbox.advance(6)
    assert bench.seen(step)
    assert inline(sandbox)["Deploy"].count("identitystore:userId") == 1


def test_another_runs_deny_is_already_there_and_is_not_ours_to_take_off(bench: Bench, sandbox: SsoSandbox) -> None:
    step = denies(bench)["Deploy"]
    bench.do(step)
    sandbox.advance(6)
    text = inline(sandbox)["Deploy"]
    bench.run.id, bench.run.lefts = "20261123T130000Z-0000", {}
    assert isinstance(bench.do(step), Already)
    assert inline(sandbox)["Deploy"] == text
    assert isinstance(bench.undo(step), Failed)
    assert inline(sandbox)["Deploy"] == text


def test_a_policy_without_room_is_left(bench: Bench, sandbox: SsoSandbox) -> None:
    one = next(s for s in sandbox.center.sets.values() if s.name == "Deploy")
    one.inline = full = FOREIGN.replace("s3:DeleteBucket", "s3:" + "x" * 32_600)
    change = bench.do(denies(bench)["Deploy"])
    assert isinstance(change, Impossible)
    assert "32768" in change.why
    assert one.inline == full
    assert bench.writes() == []
