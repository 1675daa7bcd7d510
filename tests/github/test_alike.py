"""Apps and members that look like one identity; repositories whose jobs others let in, with their variables."""

from __future__ import annotations

import pytest

from nhi_revoke.model.alike import Candidate, Pointer
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_github import provider as github
from nhi_revoke_github.permissions import MEMBERS, METADATA, ORG_ADMINISTRATION, VARIABLES
from nhi_revoke_github.sandbox import seed
from tests.alike import Answered

from .conftest import START, Bench

ISSUER = "token.actions.githubusercontent.com"
ROLE = "arn:aws:iam::111122223333:role/bots/payments-worker"


def alike(bench: Bench, name: str = "payments-bot") -> Answered:
    return Answered(github.alike(bench.conn, name))


def letting_in(*subjects: str) -> Candidate:
    points = tuple(Pointer((f"{ISSUER}/{subject}",), "its trust", "ListRoles") for subject in subjects)
    return Candidate(PrincipalRef("aws", "", ROLE), "role", "payments-worker", "111122223333", points=points)


@pytest.mark.parametrize("size", [1, 1000])
def test_slugs_and_logins(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.hub.lock:
        app, _ = seed.new_app(bench.hub, "payments", START)
        seed.install(bench.hub, app, START)
        seed.new_app(bench.hub, "payments-bot-of-others", START)  # not installed
        seed.new_account(bench.hub, "svc-payments-bot", START)
        bench.hub.repositories[seed.SHOP].collaborators["svc-payments-bot"] = "write"
    found = alike(bench)
    assert found.blind == []
    assert found.rules == {
        "payments-bot": {("name", "slug", "exact")},
        "payments": {("name", "slug", "affix")},
        "payments-machine": {("name", "login", "affix")},
        "svc-payments-bot": {("name", "login", "affix")},
    }
    assert "github:user/payments-bot[bot]" in found.candidates["payments-bot"].aliases
    assert found.candidates["payments-bot"].marks[0].startswith("Iv23li")
    assert bench.writes() == []


@pytest.mark.parametrize(
    ("missing", "left"), [(ORG_ADMINISTRATION.read, {"payments-machine"}), (MEMBERS.read, {"payments-bot"})]
)
def test_a_denied_listing_is_a_blind_spot_and_hides_no_other(bench: Bench, missing: str, left: set[str]) -> None:
    bench.sandbox.allow_only([each for each in (METADATA, ORG_ADMINISTRATION.read, MEMBERS.read) if each != missing])
    found = alike(bench)
    assert set(found.candidates) == left
    assert {spot.needs.replace("=", ":") for spot in found.blind} == {missing}


def test_without_an_organisation_nothing_can_be_looked_at(bench: Bench) -> None:
    with pytest.raises(Unauthenticated):
        list(github.alike(bench.connect(org=""), "payments-bot"))


def test_a_repository_whose_jobs_are_let_in_with_its_variables(bench: Bench) -> None:
    with bench.hub.lock:
        bench.hub.repositories[seed.SHOP].variables["actions"] = {
            "AWS_ROLE": {"created": START, "updated": START, "value": ROLE}
        }
    around = letting_in(f"repo:{seed.SHOP}:ref:refs/heads/main", "repo:others/shop:*", "repo:example-payments/*", "*")
    found = Answered(github.linked(bench.conn, [around]))
    assert set(found.candidates) == {seed.SHOP}, "nobody else's, and none that only a whole owner stands for"
    shop = found.candidates[seed.SHOP]
    assert [(said.text, said.where) for said in shop.says] == [(ROLE, "its variable AWS_ROLE")]
    assert any(alias.startswith(f"{ISSUER}/repo:{seed.SHOP}:") for alias in shop.aliases)
    assert ROLE not in repr(shop), "a value may be anything"
    assert found.blind == []


def test_variables_that_are_denied_are_unseen(bench: Bench) -> None:
    bench.sandbox.allow_only([METADATA])
    found = Answered(github.linked(bench.conn, [letting_in(f"repo:{seed.SHOP}:*")]))
    assert set(found.candidates) == {seed.SHOP}
    assert [spot.needs.replace("=", ":") for spot in found.blind] == [VARIABLES.read]


def test_it_asks_for_nothing_that_is_not_declared(bench: Bench) -> None:
    bench.sandbox.allow_only(github.finds)
    assert alike(bench).blind == []
    assert Answered(github.linked(bench.conn, [letting_in(f"repo:{seed.SHOP}:*")])).blind == []
