"""How accounts are named, found and left alone (facts gcp.md 7: 5, 7, 8, 9, 10)."""

from __future__ import annotations

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.naming import is_agent, project_of, resource_of
from nhi_revoke_gcp.sandbox import seed

from .conftest import BOT, START, Bench

EMAIL = seed.EMAIL


@pytest.mark.parametrize(
    ("typed", "ref"),
    [
        (f"sa/{EMAIL}", f"gcp:sa/{EMAIL}"),
        (EMAIL, f"gcp:sa/{EMAIL}"),
        ("sa/104857692013345678901", "gcp:sa/104857692013345678901"),
        ("104857692013345678901", "gcp:sa/104857692013345678901"),
        (f"projects/shop-prod/serviceAccounts/{EMAIL}", f"gcp:sa/projects/shop-prod/serviceAccounts/{EMAIL}"),
    ],
)
def test_an_account_is_named_by_its_address_its_unique_id_or_its_full_name(typed: str, ref: str) -> None:
    assert str(gcp.parse(typed)) == ref


@pytest.mark.parametrize("typed", ["sa/", "user/x", "bucket/x", "payments", "", "sa/ "])
def test_what_is_no_account_is_not_taken(typed: str) -> None:
    assert gcp.parse(typed) is None


def test_only_an_address_says_by_itself_whose_it_is() -> None:
    assert gcp.native(EMAIL)
    assert gcp.native(seed.COMPUTE)
    assert not gcp.native("104857692013345678901"), "another vendor numbers its things, too"
    assert not gcp.native("bot@example.com")


@pytest.mark.parametrize(
    ("typed", "project"),
    [
        (EMAIL, "shop-prod"),
        (f"projects/other-one/serviceAccounts/{EMAIL}", "other-one"),
        (f"projects/-/serviceAccounts/{EMAIL}", "shop-prod"),
        (seed.COMPUTE, ""),
        ("shop-prod@appspot.gserviceaccount.com", ""),
        ("bot@shop.example.com.iam.gserviceaccount.com", ""),
        ("104857692013345678901", ""),
    ],
)
def test_the_project_is_read_where_it_stands_and_nowhere_else(typed: str, project: str) -> None:
    """Facts gcp.md 7, 7: default accounts, and those of a project below a domain, do not carry it."""
    ref = PrincipalRef("gcp", "sa", typed)
    assert project_of(ref) == project
    assert resource_of(ref).startswith(f"projects/{project or '-'}/serviceAccounts/")


@pytest.mark.parametrize("typed", [BOT, f"gcp:sa/projects/shop-prod/serviceAccounts/{EMAIL}", "gcp:sa/UNIQUE"])
def test_each_form_resolves_to_the_same_account(bench: Bench, typed: str) -> None:
    who = bench.resolve(typed.replace("UNIQUE", bench.account.unique_id))
    assert (str(who.ref), who.scope, who.unique_id) == (BOT, "shop-prod", bench.account.unique_id)
    assert who.facts["enabled"] is True
    assert who.facts["client_id"] == bench.account.unique_id, "by which domain-wide delegation is looked up by hand"


@pytest.mark.parametrize("name", ["payments", "payments@", "a/b", "projects/x"])
def test_what_is_no_name_of_an_account_is_told_without_asking(bench: Bench, name: str) -> None:
    with pytest.raises(Missing) as caught:
        bench.resolve(f"gcp:sa/{name}")
    assert "whole e-mail address" in caught.value.hint
    assert not bench.sandbox.calls()


def test_an_account_that_is_not_there_is_missing_in_its_project_and_denied_without_one(bench: Bench) -> None:
    """Facts gcp.md 7, 7: `projects/-` answers 403 for what does not exist; it is never taken for "none"."""
    with pytest.raises(Missing):
        bench.resolve("gcp:sa/nobody@shop-prod.iam.gserviceaccount.com")
    with pytest.raises(Denied) as caught:
        bench.resolve("gcp:sa/104857692013345678901")
    assert "projects/PROJECT/serviceAccounts" in caught.value.hint


@pytest.mark.parametrize(
    ("email", "agent"),
    [
        (seed.AGENT, True),
        ("111122223333@cloudservices.gserviceaccount.com", True),
        ("111122223333@cloudbuild.gserviceaccount.com", True),
        (seed.COMPUTE, False),
        (EMAIL, False),
        ("service-1@shop-prod.iam.gserviceaccount.com", False),
    ],
)
def test_service_agents_are_googles_own(email: str, agent: bool) -> None:
    """Facts gcp.md 7, 8."""
    assert is_agent(email) is agent


def test_a_service_agent_is_left_alone_and_nothing_of_it_is_asked(bench: Bench) -> None:
    """Facts gcp.md 7, 8: it is in no project of a customer's; the way by hand is told."""
    who = bench.resolve(f"gcp:sa/{seed.AGENT}")
    assert who.untouchable is not None
    assert "deny policy" in who.untouchable
    assert not bench.collect(f"gcp:sa/{seed.AGENT}")
    assert not bench.sandbox.calls()


def test_a_default_account_is_delicate(bench: Bench) -> None:
    """Facts gcp.md 7, 9: machines of the project lose their access; `--force` is needed."""
    bench.cloud.new_account("default", seed.PROJECT, START, email=seed.COMPUTE)
    who = bench.resolve(f"gcp:sa/{seed.COMPUTE}")
    assert who.delicate is not None
    assert "virtual machines" in who.delicate
    assert bench.resolve(BOT).delicate is None


def test_an_account_made_again_under_the_same_address_is_another_one(bench: Bench) -> None:
    """Facts gcp.md 7, 5: what was planned names the unique id, and the new account is not touched."""
    step = bench.steps(BOT)[0]
    bench.cloud.accounts.clear()
    again = bench.cloud.new_account(seed.NAME, seed.PROJECT, START)
    assert bench.seen(step) is None
    with pytest.raises(Missing):
        bench.do(step)
    assert not again.disabled.shown


def test_an_exact_address_is_found_and_a_plain_name_is_not(bench: Bench) -> None:
    assert [str(ref) for ref in gcp.find(bench.conn, EMAIL)] == [BOT]
    assert not list(gcp.find(bench.conn, "nobody@shop-prod.iam.gserviceaccount.com"))
    assert not list(gcp.find(bench.conn, "payments"))
