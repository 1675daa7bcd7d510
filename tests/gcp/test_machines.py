"""Virtual machines that runners may be by their names, and the accounts whose tokens those get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.permissions import LIST_INSTANCES
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.scene_above import MACHINE, ZONE

from .conftest import BOT, Bench

SHOP = Principal(PrincipalRef("forge", "repo", "acme/shop"), "repo", "acme/shop", "acme", "42")


def told(bench: Bench, *names: str) -> list[Found]:
    return list(gcp.on_machines(bench.conn, SHOP, names))


def leads(bench: Bench, *names: str) -> list[Lead]:
    return [f for f in told(bench, *names) if isinstance(f, Lead)]


def machine(bench: Bench, **changes: Any) -> None:
    """Another one like the account's own."""
    held = bench.cloud.workloads.machines
    held.append(replace(held[0], **changes))


@pytest.mark.parametrize(
    "name",
    [MACHINE, MACHINE.upper(), f"{MACHINE}.{ZONE}.c.{seed.PROJECT}.internal", f"{MACHINE}.c.shop-prod.internal."],
)
def test_a_match_is_told_as_one_by_name(bench: Bench, name: str) -> None:
    [lead] = leads(bench, name, name)
    assert str(lead.to) == BOT
    assert lead.why == (
        f"{name} is virtual machine {seed.PROJECT}/{ZONE}/{MACHINE}, by its name alone; it gets its tokens"
    )
    assert (lead.of, lead.next) == (SHOP.ref, f"nhi-revoke list {BOT}")
    assert bench.writes() == []


@pytest.mark.parametrize(
    "name", ["runner", f"{MACHINE}-2", f"{MACHINE}.c.other.internal", f"x{MACHINE}", f"{MACHINE}.example.com", "*", ""]
)
def test_what_no_name_tells_is_no_match(bench: Bench, name: str) -> None:
    assert told(bench, name) == []


def test_in_every_project_on_every_page_and_stopped_ones_too(bench: Bench) -> None:
    bench.sandbox.page_size(1)
    machine(bench, name="runner", zone="us-central1-a")
    machine(bench, name="runner", project=seed.PARTNER, status="TERMINATED")
    near, far = leads(bench, "runner")
    assert "us-central1-a/runner, by" in near.why
    assert "partner-ci" in far.why
    assert "which is stopped" in far.why


def test_a_machine_without_an_account_holds_no_token(bench: Bench) -> None:
    machine(bench, name="bare", email="")
    assert told(bench, "bare") == []


def test_a_project_that_lets_nobody_look_is_unseen_and_hides_no_other(bench: Bench) -> None:
    bench.cloud.off.add("compute")
    spots = told(bench, MACHINE)
    assert {type(s) for s in spots} == {BlindSpot}
    assert all(isinstance(s, BlindSpot) and s.counts and s.on == SHOP.ref for s in spots)
    bench.cloud.off.clear()
    bench.sandbox.allow_only(["resourcemanager.projects.get"])
    denied = told(bench, MACHINE)
    assert {s.needs for s in denied if isinstance(s, BlindSpot)} == {LIST_INSTANCES}


def test_no_project_in_sight_is_no_empty_answer(bench: Bench) -> None:
    bench.sandbox.allow_only([LIST_INSTANCES])
    with pytest.raises(Denied):
        told(bench, MACHINE)
