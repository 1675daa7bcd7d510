"""Resemblance in a large tenant: pages are walked once, what resembles nothing is not kept, and an app of which one
object alone resembles is told with both.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest

from benchmarks.entra_applications import fill
from nhi_revoke.provider.fault import Denied
from nhi_revoke_entra import provider as entra
from nhi_revoke_entra.permissions import READ_APPS
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.plant_keys import add_trust
from nhi_revoke_entra.sandbox.state import OTHER_TENANT, Application, ServicePrincipal
from tests.alike import Answered

from .conftest import START, Bench

NAME, UNLIKE = "ledger-sync", "Old Exporter"
PAGE = 50
A_ROW = 400
"""Bytes: half of what a row takes that is kept. What the sandbox keeps of an app and of a call is less."""
LISTED = ("GET /v1.0/applications", "GET /v1.0/servicePrincipals")
BY_APP = ("GET /v1.0/applications(appId='<app>')", "GET /v1.0/servicePrincipals(appId='<app>')")
TRUSTS = "GET /v1.0/applications/<one>/federatedIdentityCredentials"


def asked(bench: Bench, name: str = NAME) -> tuple[Answered, Counter[str]]:
    before = len(bench.sandbox.calls())
    found = Answered(entra.alike(bench.conn, name))
    return found, Counter(call.name for call in bench.sandbox.calls()[before:] if "oauth2" not in call.name)


def peak(bench: Bench, applications: int) -> int:
    """Bytes, at most, while so many are looked at."""
    fill(bench.sandbox, applications)
    tracemalloc.start()
    try:
        found, calls = asked(bench, "nobody-at-all")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.whole == []
    pages = [-(-len(there) // PAGE) for there in (bench.tenant.applications, bench.tenant.principals)]
    assert calls == dict(zip(LISTED, pages, strict=True)), "each page once, and nothing besides"
    return most


def test_what_resembles_nothing_is_not_kept(bench: Bench) -> None:
    bench.sandbox.page_size(PAGE)
    asked(bench)  # signs in, and loads what is loaded once
    few, many = (peak(bench, applications) for applications in (200, 800))
    assert many - few < 2 * 600 * A_ROW


def half(bench: Bench) -> tuple[Application, ServicePrincipal]:
    """An app of which the application alone resembles."""
    application, principal = seed.new_app(bench.tenant, NAME, START)
    principal.name, principal.tags = UNLIKE, ["owner=ledger team"]
    principal.enable(False, START, 0)
    add_trust(bench.tenant, application, "main", START)
    return application, principal


@pytest.mark.parametrize("size", [1, 1000])
def test_one_object_resembles_and_the_other_is_asked_for(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.tenant.lock:
        application, principal = half(bench)
    found, calls = asked(bench)
    assert found.blind == []
    assert found.rules == {NAME: {("name", "displayName", "exact")}}
    app = found.candidates[NAME]
    assert set(app.marks) == {application.app_id, application.id, principal.id}
    assert (app.owner, app.note) == ("ledger team", "disabled")
    assert app.points
    assert [calls[name] for name in BY_APP] == [0, 1]


def test_a_service_principal_resembles_and_its_application_is_asked_for(bench: Bench) -> None:
    with bench.tenant.lock:
        application, principal = half(bench)
    found, calls = asked(bench, UNLIKE)
    assert found.blind == []
    app = found.candidates[NAME]
    assert set(app.marks) == {application.app_id, application.id, principal.id}
    assert app.created == START
    assert app.points
    assert [calls[name] for name in (*BY_APP, TRUSTS)] == [1, 0, 1]


def test_who_has_no_other_object_is_told_by_the_one(bench: Bench) -> None:
    """Another tenant's app; a managed identity, of which there is never an application, and none is asked for."""
    with bench.tenant.lock:
        foreign = seed.new_principal(bench.tenant, NAME, START, bench.tenant.new_id(), OTHER_TENANT)
        seed.add_identity(bench.tenant, f"{NAME}-mi", "6a1f3c52-0d4e-4c8a-9f0b-2f8c2f7a1d10", START)
    found, calls = asked(bench)
    assert found.blind == []
    assert set(found.candidates) == {NAME, f"{NAME}-mi"}
    assert set(found.candidates[NAME].marks) == {foreign.app_id, foreign.id}
    assert [calls[name] for name in (*BY_APP, TRUSTS)] == [1, 0, 0]


def test_another_object_that_cannot_be_read_is_unseen(bench: Bench) -> None:
    with bench.tenant.lock:
        half(bench)
    bench.sandbox.fault(BY_APP[1], "denied")
    found, _ = asked(bench)
    assert set(found.candidates) == {NAME}
    (blind,) = found.blind
    assert (blind.on, blind.needs) == (found.candidates[NAME].ref, READ_APPS)
    assert "its other object" in blind.why


@pytest.mark.parametrize("listing", LISTED)
def test_half_a_look_is_none(bench: Bench, listing: str) -> None:
    bench.sandbox.fault(listing, "denied")
    with pytest.raises(Denied):
        asked(bench)
