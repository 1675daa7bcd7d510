"""Last use of credentials, from a report that tells days, and days late (facts entra.md 1b)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke_entra.access import credential_use
from nhi_revoke_entra.sandbox.sign_in_state import SignIn
from nhi_revoke_entra.sandbox.state import GRAPH

from .conftest import APP, START, Bench, Whole

SECRET, CERTIFICATE, FEDERATED = "entra:client-secret", "entra:certificate", "entra:federated-credential"
KINDS = (SECRET, CERTIFICATE, FEDERATED)
REPORT = "GET /beta/reports/appCredentialSignInActivities"


def used(bench: Bench, days: float, key: str, by: str = "clientSecret", resource: str = GRAPH) -> None:
    at = START - timedelta(days=days)
    with bench.tenant.lock:
        bench.tenant.sign_ins.append(SignIn(bench.tenant.new_id(), at, bench.principal.id, resource, by, key))


def enriched(bench: Bench, kind: str) -> dict[str, Access]:
    """By label."""
    view = bench.view(APP)
    better = bench.kinds[kind].enrich(bench.conn, view.of(kind), bench.io)
    return {a.label.partition(":")[0]: a for a in better}


def asked(bench: Bench) -> int:
    return sum(c.name == REPORT for c in bench.sandbox.calls())


def blind(bench: Bench) -> list[BlindSpot]:
    return [f for f in bench.observe(APP, SECRET, START - timedelta(hours=1)) if isinstance(f, BlindSpot)]


@pytest.mark.parametrize("size", [1, 1000])
def test_each_sort_of_credential_has_its_last_use_to_the_day(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    [key] = bench.scene.application.keys
    [trust] = bench.scene.application.trusts
    hidden = next(iter(bench.principal.passwords))
    used(bench, 9, key, "certificate")
    used(bench, 5, key, "certificate", bench.scene.ledger.app_id)
    used(bench, 7, trust, "federatedIdentityCredential")
    used(bench, 4, hidden.upper())
    found = {label: a for kind in KINDS for label, a in enriched(bench, kind).items()}
    days = {label: a.last_used for label, a in found.items() if a.last_used}
    assert days == {
        "client secret production on the application": datetime(2026, 11, 25, tzinfo=UTC),
        f"client secret {hidden} on the service principal": datetime(2026, 11, 24, tzinfo=UTC),
        "certificate CN=payments-bot on the application": datetime(2026, 11, 23, tzinfo=UTC),
        "federated credential shop-main": datetime(2026, 11, 21, tzinfo=UTC),
    }
    for label, access in found.items():
        assert ("to the day" in access.note) == (label in days)
        assert "no use" not in access.note or (access.opens and access.state == "live"), "of no news elsewhere"


def test_what_is_not_in_the_report_is_not_called_unused(bench: Bench) -> None:
    """It was used an hour ago: the report does not know of it yet."""
    hidden = next(iter(bench.principal.passwords))
    used(bench, 1 / 24, hidden)
    access = enriched(bench, SECRET)[f"client secret {hidden} on the service principal"]
    assert access.last_used is None
    assert access.note.endswith("no use in the report, which tells days late")
    assert "never" not in access.note


def test_it_is_read_once_for_each_app_and_connection(bench: Bench) -> None:
    for _ in range(2):
        for kind in KINDS:
            enriched(bench, kind)
    assert blind(bench) == []
    assert asked(bench) == 1
    bench.conn = bench.connect()
    enriched(bench, SECRET)
    assert asked(bench) == 2


@pytest.mark.parametrize("why", ["licence", "permission"])
def test_denied_it_is_unseen_and_hides_no_access(bench: Bench, why: str) -> None:
    if why == "licence":
        bench.tenant.premium = False
    else:
        bench.sandbox.fault(REPORT, "denied", times=99)
    for kind in KINDS:
        found = enriched(bench, kind)
        assert found
        assert all(a.last_used is None for a in found.values())
        assert all(("last use unseen" in a.note) == (a.opens and a.state == "live") for a in found.values())
    [spot] = blind(bench)
    assert not spot.counts
    assert "AuditLog.Read.All" in spot.why
    assert "P1 or P2" in spot.why
    assert asked(bench) == 1, "a denial is remembered, too"


def test_a_failing_report_is_worth_no_failure(bench: Bench) -> None:
    bench.sandbox.fault(REPORT, "down", times=99)
    assert all("last use unseen" in a.note for a in enriched(bench, FEDERATED).values())
    [spot] = blind(bench)
    assert "could not be read" in spot.why


def test_where_it_cannot_be_asked_for_one_app_all_of_it_is_read(bench: Bench) -> None:
    bench.tenant.filters_reports = False
    other = next(p for p in bench.tenant.principals.values() if p.name == "Ledger API")
    first = next(p for p in bench.scene.application.passwords.values() if p.name == "production")
    with bench.tenant.lock:
        row = SignIn(bench.tenant.new_id(), START - timedelta(days=2.5), other.id, GRAPH, "clientSecret", first.key_id)
        bench.tenant.sign_ins.append(row)
    access = enriched(bench, SECRET)["client secret production on the application"]
    assert access.last_used == datetime(2026, 11, 25, tzinfo=UTC), "another app's row says nothing of this one"
    assert asked(bench) == 2


def test_too_much_to_read_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_use, "MOST", 1)
    used(bench, 4, next(iter(bench.principal.passwords)))
    found = enriched(bench, SECRET)
    assert sum(a.last_used is not None for a in found.values()) >= 1
    assert (
        "not all of it was read" in enriched(bench, CERTIFICATE)["certificate CN=payments-bot on the application"].note
    )
    [spot] = blind(bench)
    assert "more than 1 rows" in spot.why


def test_reports_are_asked_for_at_their_pace(bench: Bench) -> None:
    """Facts entra.md 2: five requests in ten seconds, sign-ins and reports together."""
    bench.sandbox.page_size(1)
    for number in range(4):
        used(bench, 4, next(iter(bench.principal.passwords)), resource=f"{number}")
    enriched(bench, SECRET)
    assert asked(bench) == 5
    assert bench.conn.now() - START < timedelta(seconds=5)
    bench.observe(APP, "entra:access-token", START - timedelta(hours=1))
    assert bench.conn.now() - START >= timedelta(seconds=10)


def test_list_shows_it_and_says_how_coarse_it_is(whole: Whole) -> None:
    seen = whole.look()
    secret = next(a for a in seen.accesses if a.label == "client secret production on the application")
    assert secret.last_used is not None
    assert "to the day" in secret.note


def test_containment_does_not_wait_for_it(whole: Whole) -> None:
    """It is no part of what a step needs: a plan without logs reads no report, and neither does a run that has no use
    for it: of its requests to the logs none is in the way of another.
    """
    whole.run()
    assert not [c for c in whole.sandbox.calls() if c.name == REPORT]


def test_where_nobody_asked_for_last_uses_none_is_unseen(bench: Bench) -> None:
    bench.sandbox.fault(REPORT, "denied", times=99)
    assert blind(bench) == []
    assert asked(bench) == 0
