"""Refresh tokens that clients hold for the user, and the consents by which they get new ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.step import Phase, Residual, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_okta.access.user_token import LONGEST
from nhi_revoke_okta.sandbox import plant_user, seed
from nhi_revoke_okta.sandbox.state import App, RefreshToken
from nhi_revoke_okta.scopes import USERS

from . import user_run
from .conftest import START, USER, Bench, Whole

TOKEN, GRANT = "okta:user-token", "okta:user-grant"
REVOKE = "DELETE /api/v1/users/<user>/clients/<client>/tokens"


def another(bench: Bench, count: int = 1, server: str = "org") -> tuple[App, list[RefreshToken]]:
    with bench.org.lock:
        app = seed.new_app(bench.org, "Ledger App", START, auth_method="none", grant_types=("refresh_token",))
        user = bench.sandbox.scene.user
        return app, [plant_user.add_refresh_token(bench.org, app, user, START, server) for _ in range(count)]


def works(bench: Bench, app: App, token: RefreshToken) -> bool:
    request: dict[str, Any] = plant_user.use_refresh(bench.sandbox.url, app, token)
    return bench.sandbox.scene.client.request(**request).status_code == 200


def revocations(bench: Bench, kind: str = TOKEN, **intent: Any) -> list[Step]:
    return [s for s in bench.steps(USER, **intent) if s.does == f"{kind}/revoke"]


@pytest.mark.parametrize("size", [1, 1000])
def test_every_token_of_every_client_is_listed(bench: Bench, size: int) -> None:
    """Facts 1.4, 5: twenty a page unless more is asked for."""
    app, tokens = another(bench, 25)
    bench.sandbox.page_size(size)
    found = bench.accesses(USER, TOKEN)
    assert len(found) == 26
    user = bench.sandbox.scene.user.id
    assert {f"{TOKEN}/{user}/{app.client_id}/{t.id}" for t in tokens} <= set(found)
    assert {a.expires is not None for a in found.values()} == {True}


def test_all_of_one_client_are_revoked_and_no_other_clients(bench: Bench) -> None:
    app, tokens = another(bench, 25)
    desk, ledger = sorted((s for s in revocations(bench) if s.phase is Phase.END), key=lambda s: len(s.ends))
    assert len(ledger.ends) == 25
    assert not ledger.reversible
    assert isinstance(bench.do(ledger), Done)
    assert bench.seen(ledger) == {"tokens": "none"}
    assert bench.seen(desk) is None
    assert bench.doors()["user-refresh-token"]
    assert not any(works(bench, app, t) for t in tokens)
    assert bench.writes() == [REVOKE]
    assert bench.do(ledger) == Already({"tokens": "none"})


def test_it_is_seen_for_itself_once_the_sessions_were_cleared(bench: Bench) -> None:
    [clear, _] = [s for s in bench.steps(USER) if s.does == "okta:user-session/clear"]
    end, seal = revocations(bench)
    assert (end.phase, seal.phase) == (Phase.END, Phase.SEAL)
    bench.do(clear)
    assert isinstance(bench.do(end), Already)
    assert bench.seen(end) is not None
    assert bench.writes() == ["DELETE /api/v1/users/<user>/sessions"]


def test_one_that_is_minted_anew_is_seen(bench: Bench) -> None:
    end, _ = revocations(bench)
    bench.do(end)
    client = bench.org.client(str(end.before["client"]))
    assert client is not None
    with bench.org.lock:
        plant_user.add_refresh_token(bench.org, client, bench.sandbox.scene.user, bench.sandbox.now())
    assert bench.seen(end) is None
    assert isinstance(bench.do(end), Done)


def test_a_client_that_is_gone_holds_none(bench: Bench) -> None:
    end, _ = revocations(bench)
    client = bench.org.client(str(end.before["client"]))
    assert client is not None
    client.status.set("GONE", bench.sandbox.now(), 0)
    assert isinstance(bench.do(end), Already)


def residuals(bench: Bench) -> list[Residual]:
    """Of clients with refresh tokens; what all of them got by now is `test_user_access_tokens`'."""
    return [d for d in bench.draft(USER) if isinstance(d, Residual) and d.access.startswith(f"{TOKEN}/")]


def test_what_a_custom_server_issued_lives_on_and_until_when_is_said(bench: Bench) -> None:
    """Whoever takes such a token may ask nobody: 24 hours at most."""
    assert not residuals(bench), "the org's own server is always asked"
    with bench.org.lock:
        server = seed.new_server(bench.org, "payments", START)
    app, _ = another(bench, server=server.id)
    [residual] = residuals(bench)
    assert residual.access == f"{TOKEN}/{bench.sandbox.scene.user.id}/{app.client_id}/access-tokens"
    step = next(s for s in revocations(bench) if s.before["client"] == app.client_id)
    bench.sandbox.advance(60)
    bench.do(step)
    until = datetime.fromisoformat(bench.run.left(step.id)["residuals"][residual.access])
    assert residual.until is not None
    assert until >= residual.until + timedelta(seconds=59)
    assert until < START + LONGEST + timedelta(minutes=3)
    assert bench.seen(step) == bench.run.left(step.id)
    bench.run.lefts.clear()  # a crash ate the answer
    assert "residuals" in bench.seen(step)


def test_a_consent_is_revoked_by_itself(bench: Bench) -> None:
    """Facts 1.4, 10: with it, and a session, a client gets new tokens."""
    app, _ = another(bench)
    with bench.org.lock:
        for number in range(25):
            plant_user.consent(bench.org, app, bench.sandbox.scene.user, f"scope:{number}", START)
    bench.sandbox.page_size(1)
    steps = revocations(bench, GRANT)
    assert len(steps) == 27
    doors = bench.doors()
    assert isinstance(bench.do(steps[0]), Done)
    assert bench.seen(steps[0]) == {"status": "gone"}
    assert bench.seen(steps[1]) is None
    assert len(bench.sandbox.scene.user.grants) == 26
    assert bench.doors() == doors
    assert bench.do(steps[0]) == Already({"status": "gone"})
    assert not steps[0].reversible


def test_no_value_is_shown_anywhere(bench: Bench) -> None:
    another(bench, 3)
    told = repr([*bench.collect(USER), *bench.draft(USER)])
    assert not [secret for secret in bench.sandbox.canaries() if secret in told]


@pytest.mark.parametrize("kind", [TOKEN, GRANT])
def test_a_listing_that_is_denied_names_the_scope(bench: Bench, kind: str) -> None:
    bench.conn.named(bench.resolve(USER).ref)
    path = "clients" if kind == TOKEN else "grants"
    bench.sandbox.fault(f"GET /api/v1/users/<user>/{path}", "denied")
    with pytest.raises(Denied) as no:
        bench.collect(USER, kind)
    assert no.value.needs == USERS.read


# -- a whole run ---------------------------------------------------------------------------------------------------


def test_one_that_appears_meanwhile_is_revoked_too(whole: Whole) -> None:
    done = False

    def meddle(_: int) -> None:
        nonlocal done
        if not done and user_run.writes(whole).count("DELETE …/sessions") == 2:
            done = True
            org, user = whole.okta.org, whole.okta.scene.user
            app = seed.new_app(org, "Late", whole.clock.now(), auth_method="none", grant_types=("refresh_token",))
            plant_user.add_refresh_token(org, app, user, whole.clock.now())

    report = user_run.run(whole, before_append=meddle)
    assert done
    assert user_run.writes(whole)[-2:] == ["DELETE …/clients/<client>/tokens", "DELETE …/sessions"]
    assert user_run.still_open(report) == []
    assert user_run.wrong(whole, report) == []


def test_what_lives_on_is_told_with_its_time(whole: Whole) -> None:
    org, user, now = whole.okta.org, whole.okta.scene.user, whole.clock.now()
    server = seed.new_server(org, "payments", now)
    app = seed.new_app(org, "Ledger App", now, auth_method="none", grant_types=("refresh_token",))
    plant_user.add_refresh_token(org, app, user, now, server.id)
    report = user_run.run(whole)
    assert report.residual_until is not None
    assert timedelta(hours=24) <= report.residual_until - now < timedelta(hours=24, minutes=5)
    assert user_run.still_open(report) == []
