"""Names and the principal behind them."""

from __future__ import annotations

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Missing
from nhi_revoke_okta.naming import is_native, parse_ref
from nhi_revoke_okta.sandbox import seed

from .conftest import APP, START, USER, Bench

LIST, ROLES = "GET /api/v1/apps", "GET /oauth2/v1/clients/<client>/roles"


@pytest.mark.parametrize("size", [1, 1000])
def test_an_app_by_id_client_id_and_exact_label(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.org.lock:
        app = seed.new_app(bench.org, "Ledger", START, client_id="ledger-client")
        seed.new_app(bench.org, "Ledger archive", START)
    found = {bench.resolve(f"okta:app/{t}").ref for t in (app.id, "ledger-client", "Ledger")}
    assert found == {PrincipalRef("okta", "app", app.id)}
    with pytest.raises(Missing):
        bench.resolve("okta:app/Ledg")


def test_two_apps_of_one_label_are_ambiguous(bench: Bench) -> None:
    with bench.org.lock:
        seed.new_app(bench.org, seed.LABEL, START)
    with pytest.raises(AmbiguousName) as said:
        bench.resolve(APP)
    assert len(said.value.candidates) == 2


@pytest.mark.parametrize("told", [True, False])
def test_a_label_that_is_another_app_s_client_id_is_ambiguous(bench: Bench, told: bool) -> None:
    """Whoever makes an app of that label, an intruder or a colleague, must not take the other one's place."""
    with bench.org.lock:
        meant = seed.new_app(bench.org, "Payments production", START, client_id="payments-prod")
        decoy = seed.new_app(bench.org, "payments-prod", START)
    if not told:
        bench.sandbox.fault(ROLES, "denied", times=9)
    with pytest.raises(AmbiguousName) as said:
        bench.resolve("okta:app/payments-prod")
    assert set(said.value.candidates) == {f"okta:app/{meant.id}", f"okta:app/{decoy.id}"}
    assert bench.writes() == []


def test_a_label_that_is_nobody_else_s_client_id_takes_one_request_more(bench: Bench) -> None:
    with bench.org.lock:
        same = seed.new_app(bench.org, "payments-prod", START, client_id="payments-prod")
        other = seed.new_app(bench.org, "payments-test", START)
    for app, more in ((same, []), (other, [ROLES])):
        before = len(bench.sandbox.calls())
        assert bench.resolve(f"okta:app/{app.label}").ref.id == app.id
        names = [call.name for call in bench.sandbox.calls()][before:]
        assert names == [LIST, *more, "GET /api/v1/apps/<app>"]


def test_a_short_login_is_never_left_to_okta_to_guess(bench: Bench) -> None:
    """Facts 1.4, 22."""
    whole = bench.resolve(USER)
    assert bench.resolve("okta:user/payments-bot").ref == whole.ref
    with bench.org.lock:
        seed.new_user(bench.org, "payments-bot@other.example", START)
    assert bench.resolve("okta:user/payments-bot").ref == whole.ref, (
        "a name is asked once: a plan stays on its principal"
    )
    bench.conn = bench.connect()
    with pytest.raises(AmbiguousName):
        bench.resolve("okta:user/payments-bot")
    assert bench.resolve(USER).ref == whole.ref


def test_what_is_typed_prints_back_and_bare_ids_are_okta() -> None:
    for text in ("app/Payments Bot", "user/a@b.example", "api-service/x"):
        assert str(parse_ref(text)) == f"okta:{text}"
    assert is_native("0oa" + "a" * 17)
    assert is_native("00u" + "a" * 17)
    assert not is_native("payments-bot")
    assert parse_ref("group/x") is None


def test_looking_changes_nothing(bench: Bench) -> None:
    bench.collect(APP)
    bench.collect(USER)
    assert bench.writes() == []
