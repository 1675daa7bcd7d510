"""Apps that look like one identity: by display name, tags, notes and managed identities; whom they let in."""

from __future__ import annotations

import pytest

from nhi_revoke.provider.fault import Denied
from nhi_revoke_entra import provider as entra
from nhi_revoke_entra.permissions import READ_APPS
from nhi_revoke_entra.sandbox import seed
from tests.alike import Answered

from .conftest import START, Bench

SUBSCRIPTION = "6a1f3c52-0d4e-4c8a-9f0b-2f8c2f7a1d10"
SHOP = "token.actions.githubusercontent.com/repo:example-payments/shop:ref:refs/heads/main"


def alike(bench: Bench, name: str = "payments-bot") -> Answered:
    return Answered(entra.alike(bench.conn, name))


@pytest.mark.parametrize("size", [1, 1000])
def test_names_tags_notes_and_managed_identities(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.tenant.lock:
        tagged, _ = seed.new_app(bench.tenant, "Exporter", START)
        tagged.tags = ["app:payments-bot", "owner=payments team"]
        noted, _ = seed.new_app(bench.tenant, "Mailer", START)
        noted.notes = "sends what payments-bot writes; password hunter2"
        seed.add_identity(bench.tenant, "svc-payments-bot", SUBSCRIPTION, START)
        seed.new_app(bench.tenant, "Payments Clerk", START)
    found = alike(bench)
    assert found.blind == []
    assert found.rules == {
        "Payments Bot": {("name", "displayName", "same")},
        "Exporter": {("tag", "tag app:payments-bot", "exact")},
        "Mailer": {("text", "its notes", "contains")},
        "svc-payments-bot": {("name", "displayName", "affix"), ("name", "alternativeNames", "affix")},
    }
    assert found.candidates["Exporter"].owner == "payments team"
    assert "hunter2" not in repr(found.candidates["Mailer"])
    assert bench.writes() == []


def test_both_objects_are_one_and_any_of_its_ids_tells_it(bench: Bench) -> None:
    app = alike(bench).candidates["Payments Bot"]
    assert str(app.ref) == f"entra:app/{bench.principal.app_id}"
    assert {bench.principal.app_id, bench.principal.id} <= set(app.marks)
    assert len(app.marks) == 3
    assert SHOP in {text for pointer in app.points for text in pointer.to}


def test_two_of_one_name_are_two(bench: Bench) -> None:
    with bench.tenant.lock:
        seed.new_app(bench.tenant, "payments bot", START)
    found = alike(bench)
    assert len([each for each in found.whole if each not in found.blind]) == 2


def test_what_microsoft_runs_is_none(bench: Bench) -> None:
    assert alike(bench, seed.MICROSOFT_GRAPH).candidates == {}


def test_a_denied_listing_is_denied(bench: Bench) -> None:
    bench.sandbox.allow_only([])
    with pytest.raises(Denied) as said:
        alike(bench)
    assert said.value.needs == READ_APPS


def test_it_asks_for_nothing_that_is_not_declared(bench: Bench) -> None:
    bench.sandbox.allow_only([READ_APPS])
    assert READ_APPS in entra.finds
    assert alike(bench).blind == []
