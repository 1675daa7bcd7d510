"""Sign-ins as sessions (facts entra.md 8: 15, 16, and 1b)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke_entra.access import sign_in
from nhi_revoke_entra.connection import BETA
from nhi_revoke_entra.permissions import READ_LOGS
from nhi_revoke_entra.sandbox.sign_in_state import SignIn
from nhi_revoke_entra.sandbox.state import GRAPH

from .conftest import APP, START, Bench, Whole

TOKEN = "entra:access-token"


def signed_in(
    bench: Bench, minutes: float, *, resource: str = "", key: str = "", error: int = 0, event: str = "servicePrincipal"
) -> SignIn:
    made = SignIn(
        bench.tenant.new_id(), START - timedelta(minutes=minutes), bench.principal.id,
        resource or bench.scene.ledger.app_id, "clientSecret", key, error, event=event,
    )  # fmt: skip
    with bench.tenant.lock:
        bench.tenant.sign_ins.append(made)
    return made


def observed(bench: Bench) -> tuple[list[Access], list[BlindSpot]]:
    found: list[Found] = bench.observe(APP, TOKEN, START - timedelta(hours=36))
    return [f for f in found if isinstance(f, Access)], [f for f in found if isinstance(f, BlindSpot)]


@pytest.mark.parametrize("size", [1, 1000])
def test_each_sign_in_is_a_session_with_the_credential_it_came_by(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    password = next(p for p in bench.principal.passwords.values())
    signed_in(bench, 20, key=password.key_id)
    signed_in(bench, 100)
    signed_in(bench, 30, resource=GRAPH)
    signed_in(bench, 10, error=7000215)
    sessions, blind = observed(bench)
    by_state = {(a.kind, a.state): a for a in sessions}
    assert set(by_state) == {(TOKEN, "live"), (TOKEN, "expired"), ("entra:cae-token", "live")}
    live = by_state[TOKEN, "live"]
    assert live.parent == f"entra:client-secret/{bench.principal.id}/{password.key_id}"
    assert live.created == START - timedelta(minutes=20)
    assert live.expires == START + timedelta(minutes=70)
    assert "Ledger API" in live.label
    assert live.id.startswith(f"{TOKEN}/{bench.conn.scope}/{bench.resolve(APP).ref.id}/")
    [lag] = blind
    assert lag.until is not None
    assert lag.covered_by == ("entra:service-principal/disable",)


def test_once_disabled_graph_takes_none_with_cae_for_longer_than_it_needs_to_hear(bench: Bench) -> None:
    """Older than any token without CAE: it can only be one with it."""
    signed_in(bench, 91, resource=GRAPH)
    with bench.tenant.lock:
        bench.principal.enable(False, START, 0)
    [session], _ = observed(bench)
    assert session.state == "live"
    assert session.expires is not None
    assert session.expires <= bench.conn.now() + timedelta(minutes=15)


def test_once_disabled_a_token_of_a_client_without_cae_lives_on_for_its_time_at_graph_too(bench: Bench) -> None:
    """Facts entra.md 3: near-real-time where the client opted in to CAE; the log does not tell whether it did."""
    signed_in(bench, 30, resource=GRAPH)
    with bench.tenant.lock:
        bench.principal.enable(False, START, 0)
    [session], _ = observed(bench)
    assert session.expires == START + timedelta(minutes=60)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_managed_identitys_token_is_never_said_to_end_before_its_day(bench: Bench, enabled: bool) -> None:
    """Facts entra.md 3: CAE does not support managed identities, and the platform keeps their tokens for 24 hours."""
    with bench.tenant.lock:
        bench.principal.type = "ManagedIdentity"
        bench.principal.enable(enabled, START, 0)
    signed_in(bench, 30, resource=GRAPH, event="managedIdentity")
    [session], _ = observed(bench)
    assert session.state == "live"
    assert session.expires == START - timedelta(minutes=30) + timedelta(hours=24)


def test_a_multi_tenant_apps_other_sign_ins_are_said_to_be_elsewhere(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.scene.application.audience = "AzureADMultipleOrgs"
    _, blind = observed(bench)
    assert any("other tenants" in spot.why and not spot.counts for spot in blind)


@pytest.mark.parametrize("why", ["licence", "permission"])
def test_without_a_licence_or_the_right_it_is_unseen_and_never_none(bench: Bench, why: str) -> None:
    signed_in(bench, 20)
    view = bench.view(APP)
    if why == "licence":
        bench.tenant.premium = False
    else:
        bench.sandbox.allow_only(["Application.Read.All", "Directory.Read.All"])
    found = list(bench.kinds[TOKEN].observe(bench.conn, view.who, view.accesses, START - timedelta(hours=1), bench.io))
    [spot] = found
    assert isinstance(spot, BlindSpot)
    assert spot.counts
    assert spot.until is None
    assert "AuditLog.Read.All" in spot.needs
    assert "P1 or P2" in spot.needs


def test_without_its_sort_the_log_shows_nobody(bench: Bench) -> None:
    """What a request without signInEventTypes hears: nothing, as if there were none."""
    signed_in(bench, 20)
    query = {"$filter": "createdDateTime ge 2026-01-01T00:00:00Z"}
    assert list(bench.conn.rows(sign_in.PATH, READ_LOGS, version=BETA, **query)) == []


def test_unread_logs_keep_a_new_secret_from_being_made(replacing: Whole) -> None:
    """Whoever signs in unseen could take it; --rotate now overrides."""
    replacing.entra.tenant.premium = False
    report = replacing.run(replacing.plan(Intent(replace=replacing.intent.replace)))
    assert [r.result for r in report.replacements] == ["not-replaced"]
    assert report.state == "held"
    assert not replacing.open_doors() & {"client-secret", "hidden-secret", "certificate"}
    removed = [s for s in report.steps if s.does.endswith("/retire") and s.result == "done"]
    assert removed == [], "what cannot be made again waits for the release"
