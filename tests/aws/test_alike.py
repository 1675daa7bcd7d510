"""Users and roles that look like one identity: by name and tags, whom their trusts name, and what was denied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from nhi_revoke.model.alike import Candidate
from nhi_revoke.provider.fault import Denied
from nhi_revoke_aws.alike import LIST_KEYS, LIST_USERS
from nhi_revoke_aws.estate import DETAILS, LIST
from tests.alike import Answered

from .conftest import Bench
from .one_kind import bench_of

HOME = "111122223333"
BOT = f"aws:arn:aws:iam::{HOME}:user/bots/payments-bot"
WORKER = f"aws:arn:aws:iam::{HOME}:role/bots/payments-worker"
LENT = ("sts:GetCallerIdentity",)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench_of(tmp_path_factory.mktemp("aws")) as made:
        iam = made.sandbox.admin("iam")
        iam.create_user(UserName="svc-payments-bot", Tags=[{"Key": "Team", "Value": "payments team"}])
        iam.create_user(UserName="bystander", Tags=[{"Key": "cost-center", "Value": "payments-bot"}])
        role(iam, "collector", {"AWS": BOT.removeprefix("aws:")}, [{"Key": "app", "Value": "PaymentsBot"}])
        role(iam, "backdoor", {"AWS": BOT.removeprefix("aws:")})
        role(iam, "everybody", {"AWS": f"arn:aws:iam::{HOME}:root"})
        yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    yield shared
    shared.sandbox.allow_only(None)
    shared.sandbox.page_size(1000)
    assert shared.writes() == []


def role(iam: Any, name: str, principal: Any, tags: Any = ()) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=list(tags))


def alike(bench: Bench, name: str = "payments-bot") -> Answered:
    return Answered(bench.provider.alike(bench.conn, name))


@pytest.mark.parametrize("size", [1, 1000])
def test_names_and_tags(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    found = alike(bench)
    assert found.blind == []
    assert found.rules == {
        "payments-bot": {("name", "UserName", "exact")},
        "svc-payments-bot": {("name", "UserName", "affix")},
        "payments-worker": {("tag", "tag service", "exact")},
        "collector": {("tag", "tag app", "same")},
    }
    bot = found.candidates["payments-bot"]
    assert (str(bot.ref), bot.scope, bot.owner) == (BOT, HOME, "payments team")
    assert bot.created is not None
    keys = [mark for mark in bot.marks if mark.startswith("AKIA")]
    assert len(keys) == 2
    assert not [alias for alias in bot.aliases if alias.endswith(HOME)], "what names the account names not this user"
    assert found.candidates["svc-payments-bot"].owner == "payments team"


def test_whom_a_trust_names(bench: Bench) -> None:
    named = {text for pointer in alike(bench).candidates["payments-worker"].points for text in pointer.to}
    assert named == {BOT}, "services are nobody"


def test_what_the_smaller_listings_do_not_show_is_unseen(bench: Bench) -> None:
    bench.sandbox.allow_only([*LENT, LIST, LIST_USERS, LIST_KEYS])
    found = alike(bench)
    assert set(found.candidates) == {"payments-bot", "svc-payments-bot"}
    assert [(spot.needs, spot.counts) for spot in found.blind] == [(DETAILS, True)]
    assert "tags of users and roles" in found.blind[0].why


@pytest.mark.parametrize(("left", "missing"), [(LIST, LIST_USERS), (LIST_USERS, LIST)])
def test_one_listing_that_is_denied_hides_no_other(bench: Bench, left: str, missing: str) -> None:
    bench.sandbox.allow_only([*LENT, left, LIST_KEYS])
    found = alike(bench, "payments-worker" if left == LIST else "payments-bot")
    assert {DETAILS, missing} == {spot.needs for spot in found.blind}
    assert found.candidates


def test_no_listing_at_all_is_denied(bench: Bench) -> None:
    bench.sandbox.allow_only(LENT)
    with pytest.raises(Denied):
        alike(bench)
    with pytest.raises(Denied):
        list(bench.provider.linked(bench.conn, []))


def test_ids_of_keys_that_are_denied_are_unseen(bench: Bench) -> None:
    bench.sandbox.allow_only([*LENT, DETAILS])
    found = alike(bench)
    assert {(str(spot.on), spot.needs) for spot in found.blind} == {
        (BOT, LIST_KEYS), (f"aws:arn:aws:iam::{HOME}:user/svc-payments-bot", LIST_KEYS),
    }  # fmt: skip
    assert not any(mark.startswith("AKIA") for mark in found.candidates["payments-bot"].marks)


def test_it_asks_for_nothing_that_is_not_declared(bench: Bench) -> None:
    bench.sandbox.allow_only([*LENT, *bench.provider.finds])
    found = alike(bench)
    assert found.blind == []
    assert len(linked(bench, *found.candidates.values()).candidates) > 0


def linked(bench: Bench, *around: Candidate) -> Answered:
    return Answered(bench.provider.linked(bench.conn, around))


def test_roles_that_let_it_in_and_no_others(bench: Bench) -> None:
    bot = alike(bench).candidates["payments-bot"]
    found = linked(bench, bot)
    assert set(found.candidates) == {"payments-worker", "collector", "backdoor"}
    assert all(each.resembles == () for each in found.candidates.values())
    assert found.blind == []


def test_whom_a_role_names_is_confirmed(bench: Bench) -> None:
    """A user that a trust names, of this account; and the role's own trust where only its reference was known."""
    worker = alike(bench).candidates["payments-worker"]
    bare = Candidate(worker.ref, worker.kind, worker.name, worker.scope)
    found = linked(bench, bare).candidates
    assert [p.to for p in found["payments-worker"].points] == [p.to for p in worker.points]
    assert str(found["payments-bot"].ref) == BOT
