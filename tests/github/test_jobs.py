"""What a repository's jobs hold: how it is named, by which names clouds know it, and whose secrets lie there."""

from __future__ import annotations

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_github import provider as github
from nhi_revoke_github.access.actions_secret import KIND
from nhi_revoke_github.sandbox import routes_secrets as secrets

from .conftest import Bench

REPO = "github:repo/example-payments/shop"
SHOP = PrincipalRef("github", "repo", "example-payments/shop")
ISSUER = "token.actions.githubusercontent.com"


@pytest.mark.parametrize("text", ["example-payments/shop", "o/.github", "Some_Managed/a.b-c"])
def test_a_repository_by_owner_and_name(text: str) -> None:
    assert github.repository(text) == PrincipalRef("github", "repo", text)


@pytest.mark.parametrize("text", ["shop", "a/b/c", "repo/o/n", "o/..", "", "o/", "/n", "https://github.com/o/n"])
def test_what_is_none(text: str) -> None:
    assert github.repository(text) is None


def test_which_kinds_are_for_jobs() -> None:
    assert {k.name: k.for_jobs for k in github.kinds() if k.for_jobs} == {
        "github:secret": "secret",
        "github:oidc-subject": "subject",
        "github:runner": "machine",
    }


def test_an_enterprise_has_an_issuer_of_its_own(bench: Bench) -> None:
    [by_name, by_id] = bench.resolve(REPO).aliases
    bench.conn = bench.connect(enterprise="octo-corp")
    assert bench.resolve(REPO).aliases == (
        by_name, by_id, *(alias.replace(ISSUER, f"{ISSUER}/octo-corp") for alias in (by_name, by_id)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("example-payments/shop/KEY", True),
        ("Example-Payments/Shop/key", True),
        ("example-payments/shop/KEY#*", True),
        ("example-payments/shop/env/prod/KEY", True),
        ("dependabot/example-payments/shop/KEY", True),
        ("example-payments/ledger/KEY", False),
        ("others/shop/KEY", False),
        ("org/example-payments/SHARED_KEY", True),
        ("org/example-payments/shared_key#field", True),
        ("org/example-payments/OTHER_KEY", False),
        ("org/others/SHARED_KEY", False),
        ("org/example-payments/PAYMENTS_KEY", False),
        ("no address", False),
    ],
)
def test_whose_secret_lies_there(bench: Bench, address: str, read: bool) -> None:
    assert github.kept_in(address, SHOP, bench.collect(REPO, KIND)) is read


def test_whom_a_secret_of_the_organisation_serves_may_be_unseen(bench: Bench) -> None:
    bench.sandbox.fault(f"GET {secrets.ORG_FOR_REPO}", "denied")
    found: list[Found] = bench.collect(REPO, KIND)
    assert [f for f in found if isinstance(f, BlindSpot)]
    assert github.kept_in("org/example-payments/SHARED_KEY", SHOP, found) is None
    assert github.kept_in("org/example-payments/SHARED_KEY", SHOP, ()) is None, "nothing was looked at"
    assert github.kept_in("org/others/SHARED_KEY", SHOP, found) is False
    assert github.kept_in("example-payments/shop/KEY", SHOP, ()) is True


def test_a_repository_called_org_shares_nothing_by_its_name(bench: Bench) -> None:
    ref = PrincipalRef("github", "repo", "example-payments/org")
    own = Access(f"{KIND}/example-payments/org/actions/SHARED_KEY", ref, KIND, "secret", "live", door="SHARED_KEY")
    assert github.kept_in("org/example-payments/SHARED_KEY", ref, (own,)) is False
