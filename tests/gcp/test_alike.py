"""Accounts that look like one identity: by address, display name and description; whom their policies name."""

from __future__ import annotations

import pytest

from nhi_revoke.model.alike import Candidate
from nhi_revoke.provider.fault import Denied
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.alike import READS
from nhi_revoke_gcp.permissions import GET_ACCOUNT, GET_POLICY, GET_POOL, LIST_ACCOUNTS, SEE_PROJECT
from nhi_revoke_gcp.sandbox import seed
from tests.alike import Answered

from .conftest import START, Bench

SHOP = "token.actions.githubusercontent.com/repo:example-payments/shop:"


def alike(bench: Bench, name: str = "payments-bot") -> Answered:
    return Answered(gcp.alike(bench.conn, name))


@pytest.mark.parametrize("size", [1, 1000])
def test_addresses_display_names_and_descriptions(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.cloud.lock:
        bench.cloud.new_account("payments-bot", seed.PARTNER, START)
        worker = bench.cloud.new_account("w-17", seed.PROJECT, START)
        worker.name = "Payments Bot"
        told = bench.cloud.new_account("exporter", seed.PROJECT, START)
        told.description = "exports for payments-bot: ask hunter2"
    found = alike(bench)
    emails = {
        name: {(field, where, rule) for field, where, rule in rules}
        for name, rules in found.rules.items() if name.endswith("iam.gserviceaccount.com")
    }  # fmt: skip
    assert emails == {
        f"payments-bot@{seed.PARTNER}.iam.gserviceaccount.com": {
            ("name", "email", "same"), ("name", "displayName", "exact"),
        },
        f"w-17@{seed.PROJECT}.iam.gserviceaccount.com": {("name", "displayName", "same")},
        f"exporter@{seed.PROJECT}.iam.gserviceaccount.com": {("text", "its description", "contains")},
        seed.EMAIL: {("name", "email", "affix"), ("name", "displayName", "affix")},
    }  # fmt: skip
    assert found.blind == []
    assert bench.writes() == []


def test_whom_the_policy_names_with_the_workloads_of_its_pool(bench: Bench) -> None:
    found = alike(bench)
    account = found.candidates[seed.EMAIL]
    named = {text for pointer in account.points for text in pointer.to}
    assert any(text.startswith(SHOP) for text in named)
    assert f"gcp:{seed.JOBS}" in named
    [jobs] = [each for each in found.candidates.values() if str(each.ref) == f"gcp:workload/{seed.JOBS}"]
    assert any(text.startswith(SHOP) for pointer in jobs.points for text in pointer.to)
    assert account.marks[0] == seed.EMAIL
    assert jobs.resembles == ()


def test_denied_listings_are_blind_spots(bench: Bench) -> None:
    bench.sandbox.allow_only([])
    with pytest.raises(Denied):
        alike(bench)
    bench.sandbox.allow_only([SEE_PROJECT])
    found = alike(bench)
    assert found.candidates == {}
    assert {spot.needs for spot in found.blind} == {LIST_ACCOUNTS}
    bench.sandbox.allow_only([SEE_PROJECT, LIST_ACCOUNTS])
    found = alike(bench)
    assert set(found.candidates) == {seed.EMAIL}
    assert [spot.needs for spot in found.blind] == [GET_POLICY]
    bench.sandbox.allow_only([each for each in READS if each != GET_POOL])
    assert {spot.needs for spot in alike(bench).blind} == {GET_POOL}


def test_it_asks_for_nothing_that_is_not_declared(bench: Bench) -> None:
    bench.sandbox.allow_only(gcp.finds)
    assert alike(bench).blind == []


def test_an_account_that_another_one_names(bench: Bench) -> None:
    """As a member of its policy; what resembles the name is not asked twice."""
    account = alike(bench).candidates[seed.EMAIL]
    before = len(bench.sandbox.calls())
    found = Answered(gcp.linked(bench.conn, [account]))
    assert f"ci-runner@{seed.PARTNER}.iam.gserviceaccount.com" in found.candidates
    assert seed.EMAIL not in found.candidates
    assert len(bench.sandbox.calls()) > before
    bare = Candidate(account.ref, account.kind, account.name, account.scope)
    assert Answered(gcp.linked(bench.conn, [bare])).candidates[seed.EMAIL].points == account.points
    bench.sandbox.allow_only([GET_ACCOUNT])
    told = Answered(gcp.linked(bench.conn, [bare]))
    assert GET_POLICY in {spot.needs for spot in told.blind}
