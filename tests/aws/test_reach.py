"""Roles that a principal may become: who trusts it, what it is allowed, and what cannot be seen from here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.own.other_account import OtherAccount
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT
from nhi_revoke_aws.sandbox.seed import allow, trust_of
from tests.aws.conftest import USER, WORKER, Bench

from .one_kind import bench_of
from .reach_bench import BOT, ROOT, THERE, Looked, may, policy, role, statement, without_roles


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


# -- the demo's identity -----------------------------------------------------------------------------------------------


def test_the_user_becomes_its_role_the_next_one_and_one_of_another_account(bench: Bench) -> None:
    seen = Looked(bench, USER)
    assert seen.names == ["bots/payments-worker", "payments-ledger", "shop-reporting"]
    assert seen.why("payments-worker") == "user payments-bot may assume it: its trust names user payments-bot"
    assert seen.why("payments-ledger") == (
        "user payments-bot may assume it by way of role payments-worker: its trust names role payments-worker"
    )
    assert {str(lead.of) for lead in seen.leads.values()} == {f"aws:arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"}
    assert {lead.how for lead in seen.leads.values()} == {"reach"}
    assert [lead.beyond for lead in seen.leads.values()] == [False, False, True]
    assert not seen.unseen
    assert bench.writes() == []


def test_a_role_becomes_what_trusts_it(bench: Bench) -> None:
    seen = Looked(bench, WORKER)
    assert seen.names == ["payments-ledger"]
    assert seen.why("payments-ledger") == "role payments-worker may assume it: its trust names role payments-worker"


def test_every_form_of_a_name_leads_to_the_same(bench: Bench) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
    looks = [Looked(bench, text).leads for text in (USER, arn, "payments-bot", bench.sandbox.loot().key.key_id)]
    assert looks == [looks[0]] * 4
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/payments-worker/nightly"
    assert Looked(bench, session).leads == Looked(bench, WORKER).leads


def test_an_arn_of_another_account_asks_nothing_of_this_one(bench: Bench) -> None:
    bench.sandbox.forget_calls()
    assert not Looked(bench, f"{THERE}/shop-reporting").leads
    assert bench.reads() == ["sts:GetCallerIdentity"]


# -- who trusts it, and what it is allowed -----------------------------------------------------------------------------


def test_a_trust_by_name_suffices_without_any_policy(empty: Bench) -> None:
    role(empty, "named", {"AWS": BOT})
    role(empty, "of-somebody-else", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"})
    assert Looked(empty, "user/bot").names == ["named"]


@pytest.mark.parametrize("principal", [ROOT, {"AWS": ACCOUNT}])
def test_a_trust_of_the_account_needs_a_policy(empty: Bench, principal: Any) -> None:
    arn = role(empty, "shared", principal)
    assert Looked(empty, "user/bot").names == []
    may(empty, statement("Allow", "*", action="s3:*"))
    assert Looked(empty, "user/bot").names == []
    may(empty, statement("Allow", arn))
    seen = Looked(empty, "user/bot")
    assert seen.names == ["shared"]
    assert seen.why("shared").endswith("and policies of user bot allow it")
    may(empty, statement("Allow", arn), statement("Deny", arn))
    assert Looked(empty, "user/bot").names == []


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}])
def test_a_trust_of_anyone_counts_and_what_is_unproven_of_it_is_said(empty: Bench, principal: Any) -> None:
    arn = role(empty, "shared", principal)
    assert Looked(empty, "user/bot").why("shared") == (
        "user bot may assume it: its trust lets anyone in, "
        "and whether that suffices without a policy that allows it is unproven"
    )
    may(empty, statement("Allow", arn))
    assert Looked(empty, "user/bot").why("shared").endswith("lets anyone in, and policies of user bot allow it")
    may(empty, statement("Allow", arn), statement("Deny", arn))
    assert Looked(empty, "user/bot").names == []


def test_an_explicit_deny_stops_even_who_is_named(empty: Bench) -> None:
    role(empty, "named", {"AWS": BOT})
    other = role(empty, "other", {"AWS": BOT})
    may(empty, statement("Deny", other))
    assert Looked(empty, "user/bot").names == ["named"]


@pytest.mark.parametrize(
    "principal",
    [
        {"Service": "ec2.amazonaws.com"},
        {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"},
        {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
        {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:user/bot"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/another/path/bot"},
        {"AWS": f"arn:aws:sts::{ACCOUNT}:federated-user/bot"},
    ],
)
def test_who_trusts_somebody_else_is_not_within_reach(empty: Bench, principal: Any) -> None:
    role(empty, "theirs", principal)
    may(empty, statement("Allow", "*"))
    assert Looked(empty, "user/bot").names == []


def test_a_boundary_without_it_keeps_it_out(empty: Bench) -> None:
    """The policies alone would allow it: it is the simulator that knows better."""
    arn = role(empty, "shared", ROOT)
    first = role(empty, "first", {"AWS": BOT}, policy(statement("Allow", arn)))
    assert Looked(empty, first).names == ["shared"]
    iam = empty.sandbox.admin("iam")
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="first", PermissionsBoundary=edge)
    assert Looked(empty, first).names == []


def test_conditions_of_a_trust_count_as_met_and_are_said_without_the_external_id(empty: Bench) -> None:
    trust = json.loads(trust_of({"AWS": BOT}))
    trust["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "very-private"}}
    role(empty, "guarded", json.dumps(trust))
    seen = Looked(empty, "user/bot")
    assert "conditions of that trust, taken as met: sts:ExternalId StringEquals" in seen.why("guarded")
    assert "very-private" not in repr(seen.leads)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_policy_with_a_condition_rules_nothing_out(empty: Bench, effect: str) -> None:
    """The simulator was told no source address, so it denies: an intruder may well have the right one."""
    arn = role(empty, "shared", ROOT)
    only: dict[str, Any] = {
        "Condition": {"StringNotEquals" if effect == "Deny" else "StringEquals": {"aws:SourceVpc": "vpc-1"}}
    }
    plain = [] if effect == "Allow" else [statement("Allow", arn)]
    may(empty, *plain, statement(effect, arn, **only))
    seen = Looked(empty, "user/bot")
    assert seen.names == ["shared"]
    assert "policies of user bot allow it, conditions taken as met (aws:SourceVpc)" in seen.why("shared")


# -- one after the other -----------------------------------------------------------------------------------------------


def test_roles_lead_on_and_circles_end(empty: Bench) -> None:
    first = role(empty, "first", {"AWS": BOT})
    second = role(empty, "second", {"AWS": first})
    role(empty, "third", {"AWS": [second, first + "-not"]})
    iam = empty.sandbox.admin("iam")
    back = json.loads(trust_of({"AWS": BOT}))
    back["Statement"][0]["Principal"]["AWS"] = [BOT, f"arn:aws:iam::{ACCOUNT}:role/third", first]
    iam.update_assume_role_policy(RoleName="first", PolicyDocument=json.dumps(back))
    seen = Looked(empty, "user/bot")
    assert seen.names == ["first", "second", "third"]
    assert "by way of role first, then second: its trust names role second" in seen.why("third")
    assert Looked(empty, "role/third").names == ["first", "second"]


def test_the_shortest_way_is_told(empty: Bench) -> None:
    first = role(empty, "first", {"AWS": BOT})
    role(empty, "second", {"AWS": [first, BOT]})
    assert "by way" not in Looked(empty, "user/bot").why("second")


def test_what_a_role_on_the_way_is_allowed_counts(empty: Bench) -> None:
    """By its inline policy, by a customer's managed one in its version in force, and by one of AWS's own."""
    last = role(empty, "last", ROOT)
    iam = empty.sandbox.admin("iam")
    role(empty, "first", {"AWS": BOT})
    assert Looked(empty, "user/bot").names == ["first"]
    iam.put_role_policy(RoleName="first", PolicyName="p", PolicyDocument=policy(statement("Allow", last)))
    assert Looked(empty, "user/bot").names == ["first", "last"]
    iam.delete_role_policy(RoleName="first", PolicyName="p")
    made = iam.create_policy(PolicyName="m", PolicyDocument=policy(statement("Allow", last)))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="first", PolicyArn=made)
    assert "policies of role first allow it" in Looked(empty, "user/bot").why("last")
    iam.create_policy_version(PolicyArn=made, PolicyDocument=allow("s3:*"), SetAsDefault=True)
    assert Looked(empty, "user/bot").names == ["first"]
    iam.attach_role_policy(RoleName="first", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert Looked(empty, "user/bot").names == ["first", "last"]


def test_a_trust_of_a_roles_sessions_is_a_trust_of_the_role(empty: Bench) -> None:
    """Such an ARN has no path, and the role may have one."""
    role(empty, "first", {"AWS": BOT}, path="/deep/er/")
    role(empty, "second", {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/first/nightly"})
    assert Looked(empty, "user/bot").names == ["deep/er/first", "second"]


def test_a_user_and_a_role_of_one_name_are_two(empty: Bench) -> None:
    twin = role(empty, "bot", ROOT)
    role(empty, "of-the-role", {"AWS": twin})
    assert Looked(empty, "user/bot").names == []
    assert Looked(empty, "role/bot").names == ["of-the-role"]


# -- other accounts ----------------------------------------------------------------------------------------------------


def test_another_accounts_role_is_beyond_with_the_command_for_its_responder(bench: Bench) -> None:
    lead = Looked(bench, USER).leads[f"{THERE}/shop-reporting"]
    assert lead.beyond
    assert lead.why == (
        "user payments-bot may assume it: policies of user payments-bot allow it by name; "
        f"whether it trusts back is seen in account {OTHER_ACCOUNT} only"
    )
    assert lead.next == (f"with credentials of account {OTHER_ACCOUNT}: nhi-revoke revoke aws:{THERE}/shop-reporting")


@pytest.mark.parametrize(
    "settings",
    [
        {"accounts": ({"id": OTHER_ACCOUNT, "profile": "there"},)},
        {"assume_role": "arn:aws:iam::{account}:role/IncidentResponder"},
    ],
)
def test_an_account_that_the_operator_can_reach_is_not_beyond(bench: Bench, settings: dict[str, Any]) -> None:
    import msgspec

    from nhi_revoke_aws.settings import AwsSettings

    more = msgspec.convert(settings, AwsSettings)
    lead = Looked(bench, USER, **{key: getattr(more, key) for key in settings}).leads[f"{THERE}/shop-reporting"]
    assert not lead.beyond
    assert lead.next == f"nhi-revoke list aws:{THERE}/shop-reporting"


def test_every_policy_of_a_user_is_read_for_other_accounts(empty: Bench) -> None:
    iam = empty.sandbox.admin("iam")
    for name in ("attached", "of-group"):
        document = policy(statement("Allow", f"{THERE}/{name}"))
        arn = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=policy(statement("Allow", f"{THERE}/not-in-force")), SetAsDefault=False
        )
    iam.create_group(GroupName="bots", Path="/some/")
    iam.add_user_to_group(GroupName="bots", UserName="bot")
    iam.attach_user_policy(UserName="bot", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/attached")
    iam.attach_group_policy(GroupName="bots", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/of-group")
    inline = policy(statement("Allow", f"{THERE}/group-inline"))
    iam.put_group_policy(GroupName="bots", PolicyName="p", PolicyDocument=inline)
    may(empty, statement("Allow", [f"{THERE}/inline", f"{THERE}/inline"]))
    seen = Looked(empty, "user/bot")
    assert sorted(seen.names) == ["attached", "group-inline", "inline", "of-group"]
    assert not seen.spots


def test_other_accounts_by_way_of_a_role(empty: Bench) -> None:
    role(empty, "first", {"AWS": BOT}, policy(statement("Allow", f"{THERE}/far")))
    assert Looked(empty, "user/bot").why("far").startswith("user bot may assume it by way of role first: policies of")


@pytest.mark.parametrize(
    ("resource", "leads", "patterns"),
    [
        (f"{THERE}/deploy-*", [f"{THERE}/deploy-*"], []),
        ("arn:*:iam::44*:role/x", ["arn:aws:iam::44*:role/x"], []),
        ("*", [], ["arn:aws:iam::*:role/*"]),
        ("arn:aws:iam::*:role/deploy", [], ["arn:aws:iam::*:role/deploy"]),
        (f"{THERE}/${{aws:username}}", [f"{THERE}/*"], []),
        (f"arn:aws:iam::{ACCOUNT}:role/*", [], []),
        (f"arn:aws-cn:iam::{OTHER_ACCOUNT}:role/x", [], []),
        (f"arn:aws:iam::{OTHER_ACCOUNT}:user/*", [], []),
        ("arn:aws:s3:::bucket/*", [], []),
    ],
)
def test_patterns_over_other_accounts(empty: Bench, resource: str, leads: list[str], patterns: Sequence[str]) -> None:
    may(empty, statement("Allow", resource))
    seen = Looked(empty, "user/bot")
    assert list(seen.leads) == leads
    assert all(lead.beyond for lead in seen.leads.values())
    assert [p for p in patterns if p in seen.spots[0].why] == patterns
    assert (len(seen.spots), len(seen.unseen)) == (len(patterns), 0)


def test_all_but_some_resources_are_any_account(empty: Bench) -> None:
    one = {"Effect": "Allow", "Action": "sts:*", "NotResource": f"{THERE}/x"}
    may(empty, one)
    assert [spot.counts for spot in Looked(empty, "user/bot").spots] == [False]


def test_what_a_policy_denies_of_another_account_is_no_lead(empty: Bench) -> None:
    may(empty, statement("Allow", [f"{THERE}/a", f"{THERE}/b*"]), statement("Deny", f"{THERE}/a"))
    assert Looked(empty, "user/bot").names == ["b*"]
    may(empty, statement("Allow", [f"{THERE}/a", f"{THERE}/b*"]), statement("Deny", "*"))
    assert Looked(empty, "user/bot").names == []
