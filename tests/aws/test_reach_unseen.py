"""Reach: what cannot be seen of it, and many roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.provider.fault import Denied
from nhi_revoke_aws import reach as walking
from nhi_revoke_aws.access.reach import READS
from nhi_revoke_aws.bearing import READS_OF_ROLE, READS_OF_USER
from nhi_revoke_aws.estate import DETAILS, LIST
from nhi_revoke_aws.policy import Deny
from nhi_revoke_aws.sandbox.own.other_account import OtherAccount
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT
from nhi_revoke_aws.sandbox.seed import trust_of
from nhi_revoke_aws.simulate import PERMISSION
from tests.aws.conftest import USER, Bench

from .one_kind import bench_of
from .reach_bench import BOT, ROOT, THERE, Looked, may, policy, role, sandbox, statement, without_roles


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The demo's identity, and the role of another account."""
    with bench_of(tmp_path, OtherAccount.name) as made:
        yield made


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Bench]:
    """A user `bot` who may do nothing, in an account without roles of others."""
    with bench_of(tmp_path) as made:
        without_roles(made)
        yield made


def everything_but(bench: Bench, *denied: str) -> None:
    bench.sandbox.allow_only(["sts:*", *(read for read in READS if read not in denied)])


# -- what cannot be seen -----------------------------------------------------------------------------------------------


def test_without_the_details_the_trusts_are_listed_and_the_rest_is_said(bench: Bench) -> None:
    whole = Looked(bench, USER)
    everything_but(bench, DETAILS)
    seen = Looked(bench, USER)
    assert seen.names == whole.names
    assert [spot.needs for spot in seen.unseen] == [DETAILS]
    assert LIST in bench.reads()


def test_without_any_list_of_roles_other_accounts_are_still_told(bench: Bench) -> None:
    everything_but(bench, DETAILS, LIST)
    seen = Looked(bench, USER)
    assert seen.names == ["shop-reporting"]
    assert [(spot.needs, spot.why.startswith(f"roles of account {ACCOUNT}")) for spot in seen.unseen] == [(LIST, True)]


def test_without_the_simulator_whoever_trusts_it_counts(empty: Bench) -> None:
    arn = role(empty, "shared", ROOT)
    role(empty, "named", {"AWS": BOT})
    may(empty, statement("Allow", arn))
    everything_but(empty, PERMISSION)
    seen = Looked(empty, "user/bot")
    assert sorted(seen.names) == ["named", "shared"]
    assert all("may assume it" in lead.why for lead in seen.leads.values())
    assert [spot.needs for spot in seen.unseen] == [PERMISSION]


def test_without_simulator_and_policies_every_trusting_role_counts(empty: Bench) -> None:
    role(empty, "shared", ROOT)
    everything_but(empty, PERMISSION, "iam:ListUserPolicies")
    seen = Looked(empty, "user/bot")
    assert "whether policies of user bot allow it could not be told" in seen.why("shared")
    assert {spot.needs for spot in seen.unseen} == {PERMISSION, "iam:ListUserPolicies"}


@pytest.mark.parametrize("denied", sorted({*READS_OF_USER, *READS_OF_ROLE}))
def test_each_policy_that_cannot_be_read_is_said_and_hides_no_other(empty: Bench, denied: str) -> None:
    iam = empty.sandbox.admin("iam")
    text = "user/bot"
    if denied in READS_OF_ROLE:
        text = role(empty, "own", {"AWS": BOT}, policy(statement("Allow", f"{THERE}/inline")))
    else:
        may(empty, statement("Allow", f"{THERE}/inline"))
        iam.create_group(GroupName="bots")
        iam.add_user_to_group(GroupName="bots", UserName="bot")
        inline = policy(statement("Allow", f"{THERE}/group-inline"))
        iam.put_group_policy(GroupName="bots", PolicyName="p", PolicyDocument=inline)
        attached = policy(statement("Allow", f"{THERE}/attached"))
        arn = iam.create_policy(PolicyName="m", PolicyDocument=attached)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="bot", PolicyArn=arn)
    role(empty, "named", {"AWS": [BOT, f"arn:aws:iam::{ACCOUNT}:role/own"]} if "Role" in denied else {"AWS": BOT})
    whole = Looked(empty, text)
    assert not whole.spots
    # A role's own policies are in that listing, too.
    also = [DETAILS] if denied in READS_OF_ROLE else []
    everything_but(empty, denied, *also)
    seen = Looked(empty, text)
    assert {spot.needs for spot in seen.unseen} == {denied, *also}
    assert "named" in seen.names
    assert set(seen.leads) < set(whole.leads) or "Attached" in denied


def test_own_policies_of_a_role_come_with_the_listing_but_for_those_of_aws(empty: Bench) -> None:
    iam = empty.sandbox.admin("iam")
    text = role(empty, "own", ROOT, policy(statement("Allow", f"{THERE}/inline")))
    attached = policy(statement("Allow", f"{THERE}/attached"))
    arn = iam.create_policy(PolicyName="m", PolicyDocument=attached)["Policy"]["Arn"]
    for each in (arn, "arn:aws:iam::aws:policy/AdministratorAccess"):
        iam.attach_role_policy(RoleName="own", PolicyArn=each)
    seen = Looked(empty, text)
    assert [spot.why.partition(": which")[0] for spot in seen.spots] == [
        "policies of role own allow sts:AssumeRole on arn:aws:iam::*:role/*"
    ]
    assert set(seen.leads) >= {f"{THERE}/inline", f"{THERE}/attached"}
    assert {seen.leads[f"{THERE}/{name}"].evidence for name in ("inline", "attached")} == {DETAILS}
    assert not set(READS_OF_ROLE) & set(empty.reads())
    everything_but(empty, "iam:GetPolicy")
    assert {spot.needs for spot in Looked(empty, text).unseen} == {"iam:GetPolicy"}


def test_the_principal_itself_that_cannot_be_looked_up_is_denied(bench: Bench) -> None:
    everything_but(bench, "iam:GetUser")
    with pytest.raises(Denied):
        Looked(bench, USER)


def test_our_own_deny_hides_no_reach(empty: Bench) -> None:
    """`revoke` reads this kind once its cuts stand: what was begun before is still out there."""
    arn = role(empty, "shared", ROOT)
    role(empty, "named", {"AWS": BOT})
    may(empty, statement("Allow", arn))
    before = Looked(empty, "user/bot")
    document = json.dumps(Deny("20261123T120000Z7f3a").document())
    empty.sandbox.admin("iam").put_user_policy(UserName="bot", PolicyName="NHIRevoke", PolicyDocument=document)
    seen = Looked(empty, "user/bot")
    assert seen.leads == before.leads
    assert [(spot.counts, "our own deny stands" in spot.why) for spot in seen.spots] == [(False, True)]


def test_our_cut_off_changes_nothing(empty: Bench) -> None:
    arn = role(empty, "shared", ROOT)
    role(empty, "closed", ROOT)
    may(empty, statement("Allow", arn))
    before = Looked(empty, "user/bot")
    document = json.dumps(Deny("20261123T120000Z7f3a", "2026-11-23T12:00:02Z").document())
    empty.sandbox.admin("iam").put_user_policy(UserName="bot", PolicyName="NHIRevoke", PolicyDocument=document)
    seen = Looked(empty, "user/bot")
    assert (seen.leads, seen.spots) == (before.leads, [])
    assert seen.names == ["shared"]


def test_an_outage_of_the_simulator_is_said(bench: Bench) -> None:
    bench.sandbox.fault(PERMISSION, "500", times=3)
    assert any("could not be read" in spot.why for spot in Looked(bench, USER).unseen)


# -- many --------------------------------------------------------------------------------------------------------------


def test_small_pages_hide_nothing(empty: Bench) -> None:
    for number in range(3):
        role(empty, f"named-{number}", {"AWS": BOT}, policy(statement("Allow", f"{THERE}/far-{number}")))
        may(empty, statement("Allow", f"{THERE}/near-{number}"), name=f"p{number}")
    whole = Looked(empty, "user/bot")
    assert len(whole.leads) == 9
    empty.sandbox.page_size(1)
    assert Looked(empty, "user/bot").leads == whole.leads
    everything_but(empty, DETAILS)
    assert set(Looked(empty, "user/bot").names) == {n for n in whole.names if not n.startswith("far")}


def test_many_roles_are_asked_about_together(empty: Bench) -> None:
    names = [f"shared-{number:03}" for number in range(250)]
    iam = empty.sandbox.world.moto.iam(ACCOUNT)
    for name in names:
        iam.create_role(name, trust_of(ROOT), "/", None, "", [], "3600")
    empty.sandbox.world.settle()
    may(empty, statement("Allow", "*"), statement("Deny", f"arn:aws:iam::{ACCOUNT}:role/shared-249"))
    empty.sandbox.forget_calls()
    seen = Looked(empty, "user/bot")
    assert seen.names == names[:249]
    assert empty.reads().count(PERMISSION) == 3


def test_after_so_many_requests_policies_decide_and_it_is_said(empty: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_REQUESTS", 1)
    first = role(empty, "first", {"AWS": BOT})
    role(empty, "second", {"AWS": first})
    seen = Looked(empty, "user/bot")
    assert seen.names == ["first", "second"]
    assert ["the simulator was not asked on" in spot.why for spot in seen.unseen] == [True]
    assert empty.reads().count(PERMISSION) == 1


def test_another_partition(tmp_path: Path) -> None:
    aws = sandbox(OtherAccount.name, partition="aws-cn")
    try:
        aws.seed(str(tmp_path))
        seen = Looked(Bench(aws, aws.settings()), USER)
    finally:
        aws.close()
    assert {arn.split(":")[1] for arn in seen.leads} == {"aws-cn"}
    assert seen.names == ["bots/payments-worker", "payments-ledger", "shop-reporting"]
