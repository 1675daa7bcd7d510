"""Apps that were deleted keep their credentials for 30 days (facts entra.md 8: 8)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.step import Notice
from nhi_revoke.provider.fault import Missing
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import CAE_HEARS, GRAPH

from .conftest import APP, Bench


def delete(bench: Bench) -> None:
    """The intruder's doing: with any right over apps."""
    scene = bench.scene
    with bench.tenant.lock:
        token = bench.tenant.new_token(scene.principal, GRAPH, bench.io.now(), roles=frozenset({"*"}))
    asked("DELETE", bench, f"applications/{scene.application.id}", token.value)


def asked(method: str, bench: Bench, path: str, token: str) -> Any:
    answer = httpx.request(method, f"{bench.sandbox.url}/v1.0/{path}", headers={"Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    return answer.json() if answer.content else None


@pytest.fixture
def gone(bench: Bench) -> Bench:
    delete(bench)
    return bench


@pytest.mark.parametrize("typed", ["name", "appId", "application", "principal"])
def test_a_deleted_app_is_not_simply_unknown(gone: Bench, typed: str) -> None:
    scene = gone.scene
    ids = {"name": scene.principal.name, "appId": scene.principal.app_id, "application": scene.application.id,
           "principal": scene.principal.id}  # fmt: skip
    with pytest.raises(Missing) as refused:
        gone.resolve(f"entra:app/{ids[typed]}")
    said = refused.value.message
    assert "was deleted" in said
    assert "restorable until 2026-12-28" in said
    assert "with the credentials that it had" in said
    object_id = scene.principal.id if typed == "principal" else scene.application.id
    assert object_id in said
    assert "restore" in refused.value.hint
    assert gone.writes() == []


def test_one_that_never_was_is_unknown(bench: Bench) -> None:
    with pytest.raises(Missing, match="no such app") as refused:
        bench.resolve("entra:app/nobody")
    assert "deleted" not in refused.value.message


def test_what_cannot_be_seen_of_it_is_said(bench: Bench) -> None:
    bench.sandbox.fault("GET /v1.0/directory/deletedItems/microsoft.graph.application", "denied", times=9)
    with pytest.raises(Missing, match=r"no such app .* is unseen"):
        bench.resolve("entra:app/nobody")


def test_restored_it_lets_the_intruder_in_with_the_old_secret(gone: Bench) -> None:
    scene = gone.scene
    assert not gone.doors()["client-secret"]
    with gone.tenant.lock:
        responder = next(p for p in gone.tenant.principals.values() if p.name == seed.RESPONDER)
        token = gone.tenant.new_token(responder, GRAPH, gone.io.now(), roles=frozenset({"*"})).value
    for one in (scene.application.id, scene.principal.id):
        asked("POST", gone, f"directory/deletedItems/{one}/restore", token)
    assert gone.doors()["client-secret"], "the app is back with what it had"
    assert gone.resolve(APP).unique_id == scene.principal.app_id


def test_tokens_that_are_out_outlive_the_deletion(gone: Bench) -> None:
    """Facts entra.md 3, "SP delete": CAE hears of it, within minutes, other APIs do not."""
    [token] = [t.value for t in gone.tenant.tokens.values() if t.cae and not t.user and t.resource == GRAPH]
    assert gone.doors()["api-token"]
    asked("GET", gone, "applications", token)
    gone.io.clock.wait(CAE_HEARS + 1, gone.io.stop)
    assert gone.doors()["api-token"]
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        asked("GET", gone, "applications", token)


def test_purged_it_is_gone_for_good(gone: Bench) -> None:
    with gone.tenant.lock:
        responder = next(p for p in gone.tenant.principals.values() if p.name == seed.RESPONDER)
        token = gone.tenant.new_token(responder, GRAPH, gone.io.now(), roles=frozenset({"*"})).value
    for one in (gone.scene.application.id, gone.scene.principal.id):
        asked("DELETE", gone, f"directory/deletedItems/{one}", token)
    with pytest.raises(Missing, match="no such app"):
        gone.resolve(APP)


# -- one of the two objects alone --------------------------------------------------------------------------------------


def half(bench: Bench, collection: str, object_id: str) -> None:
    """The intruder's doing, or a hurried colleague's."""
    with bench.tenant.lock:
        token = bench.tenant.new_token(bench.principal, GRAPH, bench.io.now(), roles=frozenset({"*"}))
    if collection == "servicePrincipals":
        asked("DELETE", bench, f"servicePrincipals/{object_id}", token.value)
        return
    with bench.tenant.lock:
        thing = bench.tenant.applications.pop(object_id)
        thing.deleted, bench.tenant.deleted[object_id] = bench.io.now(), thing


def test_a_deleted_service_principal_hides_what_signs_in_on_it(bench: Bench) -> None:
    """Restored by whoever may manage apps, its own secret signs in again; no list of the application's shows it."""
    half(bench, "servicePrincipals", bench.principal.id)
    found = bench.collect(APP)
    [spot] = [f for f in found if isinstance(f, BlindSpot) and f.kind == "entra:service-principal"]
    assert spot.counts
    assert bench.principal.id in spot.why
    assert "restorable until 2026-12-28" in spot.why
    assert "restore" in spot.needs
    assert any(isinstance(f, Access) and f.kind == "entra:client-secret" for f in found), "the application's are listed"
    assert bench.writes() == []


def test_an_application_that_was_deleted_here_is_not_said_to_be_another_tenants(bench: Bench) -> None:
    application = bench.scene.application.id
    half(bench, "applications", application)
    [spot] = [f for f in bench.collect(APP, "entra:application") if isinstance(f, BlindSpot)]
    assert spot.counts
    assert application in spot.why
    said = [d.says for d in bench.draft(APP) if isinstance(d, Notice)]
    assert not [each for each in said if "another tenant" in each]
    assert any("its application was deleted in this tenant" in each for each in said)


def test_what_cannot_be_seen_of_the_other_half_is_unseen(bench: Bench) -> None:
    half(bench, "servicePrincipals", bench.principal.id)
    bench.sandbox.fault("GET /v1.0/directory/deletedItems/microsoft.graph.servicePrincipal", "denied", times=9)
    [spot] = [f for f in bench.collect(APP, "entra:service-principal") if isinstance(f, BlindSpot)]
    assert spot.counts
    assert "whether its service principal, which is not there, was deleted" in spot.why


def test_an_app_that_never_had_the_other_half_has_nothing_unseen(bench: Bench) -> None:
    """An application that nobody signs in to here; and an app of another tenant, which has none here."""
    with bench.tenant.lock:
        del bench.tenant.principals[bench.principal.id]
    assert bench.collect(APP, "entra:service-principal") == []
    with bench.tenant.lock:
        bench.tenant.principals[bench.principal.id] = bench.principal
        bench.principal.owner_tenant = "9b0c1d2e-0000-4000-8000-000000000001"
        del bench.tenant.applications[bench.scene.application.id]
    bench.conn = bench.connect()
    bench.sandbox.gate.calls.clear()
    assert bench.collect(APP, "entra:application") == []
    assert not [c for c in bench.sandbox.calls() if "deletedItems" in c.name]
    assert any("another tenant" in d.says for d in bench.draft(APP) if isinstance(d, Notice))
