"""Apps, users and integrations that look like one identity; each listing by itself."""

from __future__ import annotations

import pytest

from nhi_revoke_okta import provider as okta
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.scopes import APPS, SERVICES, USERS
from tests.alike import Answered

from .conftest import START, Bench


def alike(bench: Bench, name: str = "payments-bot") -> Answered:
    return Answered(okta.alike(bench.conn, name))


@pytest.mark.parametrize("size", [1, 1000])
def test_labels_logins_and_names(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.org.lock:
        seed.new_app(bench.org, "Billing", START, client_id="svc-payments-bot")
        seed.new_user(bench.org, "svc-payments@example.com", START, status="SUSPENDED")
        seed.new_user(bench.org, "payments-lead@example.com", START)
        [service] = bench.org.services.values()
        service.name = "PaymentsBot"
    found = alike(bench)
    assert found.blind == []
    assert found.rules == {
        "Payments Bot": {("name", "label", "same")},
        "Billing": {("name", "client_id", "affix")},
        "payments-bot@example.com": {("name", "login", "same")},
        "svc-payments@example.com": {("name", "login", "affix")},
        "PaymentsBot": {("name", "name", "same")},
    }
    app = found.candidates["Payments Bot"]
    assert app.unique_id in app.marks
    assert app.created is not None
    assert found.candidates["svc-payments@example.com"].note == "suspended"
    assert bench.writes() == []


def test_what_okta_runs_is_none(bench: Bench) -> None:
    assert alike(bench, seed.CONSOLE).candidates == {}


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        (APPS.read, {"payments-bot@example.com"}),
        (USERS.read, {"Payments Bot"}),
        (SERVICES.read, {"Payments Bot", "payments-bot@example.com"}),
    ],
)
def test_a_denied_listing_is_a_blind_spot_and_hides_no_other(bench: Bench, missing: str, left: set[str]) -> None:
    bench.sandbox.allow_only([each for each in (APPS.read, USERS.read, SERVICES.read) if each != missing])
    found = alike(bench)
    assert set(found.candidates) == left
    assert {spot.needs for spot in found.blind} == {missing}
    assert all(spot.counts for spot in found.blind)


def test_it_asks_for_nothing_that_is_not_declared(bench: Bench) -> None:
    bench.sandbox.allow_only(okta.finds)
    assert alike(bench).blind == []
