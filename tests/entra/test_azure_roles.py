"""Azure role assignments, over Azure Resource Manager (facts entra.md 3)."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected, Unavailable
from nhi_revoke_entra.arm import Azure
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.plant_azure import SUBSCRIPTION
from nhi_revoke_entra.sandbox.plant_user import LOGIN

from .conftest import APP, START, Bench

KIND = "entra:azure-role"
OTHER = "1c0d7a52-0000-4000-8000-00000000ab02"


def removals(bench: Bench) -> list[Step]:
    return [s for s in bench.steps(APP) if s.does == f"{KIND}/remove"]


@pytest.mark.parametrize("size", [1, 1000])
def test_over_every_subscription_by_name_and_scope(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.tenant.lock:
        scope = f"/subscriptions/{OTHER}/resourceGroups/vault"
        seed.add_azure_role(bench.tenant, bench.principal.id, "Key Vault Secrets User", scope, START)
    labels = {a.label for a in bench.accesses(APP, KIND).values()}
    assert labels == {
        f"Azure role Contributor over /subscriptions/{SUBSCRIPTION}",
        f"Azure role Key Vault Secrets User over {scope}",
    }


def test_taken_away_the_live_token_is_refused_and_given_back_it_is_not(bench: Bench) -> None:
    [step] = removals(bench)
    assert bench.doors()["azure-token"]
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    doors = bench.doors()
    assert not doors["azure-token"]
    assert doors["api-token"], "nothing else was ended"
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Done)
    assert isinstance(bench.undo(step), Already)
    assert bench.doors()["azure-token"]
    assert len(bench.accesses(APP, KIND)) == 1, "the same assignment under the same id"
    bench.do(step)
    bench.run.lefts.clear()
    assert isinstance(bench.undo(step), Failed)


def test_one_of_a_group_is_told_and_left(bench: Bench) -> None:
    with bench.tenant.lock:
        group = bench.tenant.new_id()
        bench.tenant.groups[group] = {bench.principal.id}
        seed.add_azure_role(bench.tenant, group, "Owner", f"/subscriptions/{SUBSCRIPTION}", START)
    [access] = [a for a in bench.accesses(APP, KIND).values() if "Owner" in a.label]
    assert f"through group {group}" in access.label
    assert "by hand" in access.note
    assert access.id not in {e for s in removals(bench) for e in s.ends}


def test_a_users_roles_are_seen_too(bench: Bench) -> None:
    with bench.tenant.lock:
        user = bench.scene.users[0]
        seed.add_azure_role(bench.tenant, user.id, "Reader", f"/subscriptions/{SUBSCRIPTION}", START)
    [access] = bench.accesses(f"entra:user/{LOGIN}", KIND).values()
    assert "Reader" in access.label


def test_no_visible_subscription_is_never_none(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.tenant.subscriptions.clear()
    found = bench.collect(APP, KIND)
    assert not [f for f in found if isinstance(f, Access)]
    [spot] = [f for f in found if isinstance(f, BlindSpot)]
    assert "unseen" in spot.why
    assert spot.counts


def test_a_denied_listing_is_a_denial(bench: Bench) -> None:
    bench.sandbox.allow_only(["Application.Read.All"])
    with pytest.raises(Denied) as said:
        bench.accesses(APP, KIND)
    assert said.value.needs == "Microsoft.Authorization/roleAssignments/read"


NOT_SHOWN = (Denied("not allowed", needs="x"), Missing("SubscriptionNotFound"), Unavailable("503"))


def refusing(bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault, *subscriptions: str) -> None:
    """There are two subscriptions, and Azure shows no roles in these."""
    with bench.tenant.lock:
        bench.tenant.subscriptions[OTHER] = "other"
    rows = Azure.rows

    def asked(azure: Azure, path: str, needs: str, **query: Any) -> Any:
        if path.endswith("/roleAssignments") and any(each in path for each in subscriptions):
            raise fault
        return rows(azure, path, needs, **query)

    monkeypatch.setattr(Azure, "rows", asked)


@pytest.mark.parametrize("fault", NOT_SHOWN)
def test_one_subscription_that_shows_no_roles_hides_those_of_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """Whoever may do anything in a subscription sees it, and need not see its role assignments."""
    refusing(bench, monkeypatch, fault, OTHER)
    found = bench.collect(APP, KIND)
    assert [f.label for f in found if isinstance(f, Access)] == [
        f"Azure role Contributor over /subscriptions/{SUBSCRIPTION}"
    ]
    [spot] = [f for f in found if isinstance(f, BlindSpot)]
    assert f"subscription {OTHER}: {fault.message}" in spot.why
    assert spot.counts
    assert spot.needs == ("x" if isinstance(fault, Denied) else "")
    assert len(removals(bench)) == 1, "what was seen is taken away"


def test_where_every_subscription_is_gone_it_is_unseen_and_never_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(bench, monkeypatch, Missing("SubscriptionNotFound"), OTHER, SUBSCRIPTION)
    found = bench.collect(APP, KIND)
    assert len([f for f in found if isinstance(f, BlindSpot) and f.counts]) == len(found) == 2


def test_a_page_on_another_host_is_never_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.sandbox.page_size(1)
    good = type(bench.sandbox.gate)._page

    def elsewhere(gate: object, asked: object, reply: object) -> object:
        page = good(gate, asked, reply)  # type: ignore[arg-type]
        page.body["nextLink"] = "https://management.evil.example/subscriptions?$skiptoken=1"
        return page

    monkeypatch.setattr(type(bench.sandbox.gate), "_page", elsewhere)
    with pytest.raises(Rejected, match=r"management\.evil\.example"):
        bench.accesses(APP, KIND)


def test_a_rotation_takes_no_azure_role_away(bench: Bench) -> None:
    assert not [s for s in bench.steps(APP, order="rollover") if s.does.startswith(KIND)]
