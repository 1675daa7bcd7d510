"""Secrets of workflows: names and ages from every place that a repository reads; never a value, never a change."""

from __future__ import annotations

import pytest

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke_github.access import actions_secret
from nhi_revoke_github.sandbox import routes_secrets as routes

from .conftest import START, Bench, Whole

REPO = "github:repo/example-payments/shop"
KIND = actions_secret.KIND
ENVIRONMENTS = routes.ENVIRONMENT.removesuffix("/<environment>/secrets")
ALL = {"actions/PAYMENTS_KEY", "org/SHARED_KEY", "dependabot/REGISTRY_TOKEN", "env/production/DEPLOY_KEY"}


def names(found: list[object]) -> set[str]:
    return {f.id.partition("shop/")[2] for f in found if isinstance(f, Access)}


def test_each_place_is_looked_at(bench: Bench) -> None:
    found = bench.collect(REPO, KIND)
    assert names([*found]) == ALL
    for access in found:
        assert isinstance(access, Access)
        assert not access.opens
        assert access.created
        assert "could hold the identity's credentials" in access.note
    assert [s for s in bench.steps(REPO) if s.does.startswith(KIND)] == []
    assert bench.writes() == []


def test_an_organisations_secret_that_it_cannot_read_is_not_its(bench: Bench) -> None:
    routes.new_secret(bench.hub.org_secrets, "OTHERS", "", START, visibility="selected", repositories=[])
    routes.new_secret(bench.hub.org_secrets, "EVERYBODYS", "", START, visibility="private", repositories=[])
    assert names([*bench.collect(REPO, KIND)]) == {*ALL, "org/EVERYBODYS"}


def test_one_row_a_page(bench: Bench) -> None:
    shelf = bench.hub.repositories["example-payments/shop"].secrets["actions"]
    routes.new_secret(shelf, "ANOTHER", "", START)
    bench.sandbox.page_size(1)
    assert names([*bench.collect(REPO, KIND)]) == {*ALL, "actions/ANOTHER"}


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        (routes.ACTIONS, "actions/PAYMENTS_KEY"),
        (routes.ORG_FOR_REPO, "org/SHARED_KEY"),
        (routes.DEPENDABOT, "dependabot/REGISTRY_TOKEN"),
        (routes.ENVIRONMENT, "env/production/DEPLOY_KEY"),
        (ENVIRONMENTS, "env/production/DEPLOY_KEY"),
    ],
)
def test_a_denied_list_hides_its_own_part_alone(bench: Bench, path: str, hidden: str) -> None:
    bench.sandbox.fault(f"GET {path}", "denied")
    found = bench.collect(REPO, KIND)
    assert names([*found]) == ALL - {hidden}
    [blind] = [f for f in found if isinstance(f, BlindSpot)]
    assert blind.needs


def test_they_are_kept_in_a_whole_run(whole: Whole) -> None:
    report = whole.run(whole.plan(name=REPO))
    assert {o.fate for o in report.outcomes if o.access.kind == KIND} == {"kept"}
