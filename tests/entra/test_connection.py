"""Requests: paging, throttling, renewed tokens, and proofs that remember nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nhi_revoke.provider.fault import Rejected
from nhi_revoke_entra.permissions import READ_APPS
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.tokens import Granted, Refused

from .conftest import START, Bench

TOKEN = "POST /<tenant>/oauth2/v2.0/token"
LISTING = "GET /v1.0/applications"


def tokens(bench: Bench) -> int:
    return sum(c.name == TOKEN for c in bench.sandbox.calls())


def test_every_page_is_read(bench: Bench) -> None:
    """Facts entra.md 8, 23."""
    bench.sandbox.page_size(2)
    with bench.tenant.lock:
        for number in range(5):
            seed.new_app(bench.tenant, f"app {number}", START)
    assert len(list(bench.conn.rows("/applications", READ_APPS))) == len(bench.tenant.applications)


def test_a_page_on_another_host_is_never_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bearer would go with it."""
    bench.sandbox.page_size(1)
    good = type(bench.sandbox.gate)._page

    def elsewhere(gate: object, asked: object, reply: object) -> object:
        page = good(gate, asked, reply)  # type: ignore[arg-type]
        page.body["@odata.nextLink"] = "https://graph.evil.example/v1.0/applications?$skiptoken=1"
        return page

    monkeypatch.setattr(type(bench.sandbox.gate), "_page", elsewhere)
    with pytest.raises(Rejected, match=r"graph\.evil\.example"):
        list(bench.conn.rows("/applications", READ_APPS))


@pytest.mark.parametrize("told", [True, False])
def test_throttling_is_waited_out_told_for_how_long_or_not(bench: Bench, told: bool) -> None:
    """Facts entra.md 8, 24."""
    bench.sandbox.gate.without_retry_after = not told
    bench.sandbox.fault(LISTING, "429", times=3)
    assert list(bench.conn.rows("/applications", READ_APPS))
    assert sum(c.name == LISTING for c in bench.sandbox.calls()) == 4


def test_a_throttled_token_service_is_waited_out(bench: Bench) -> None:
    bench.sandbox.fault(TOKEN, "429", times=2)
    assert bench.connect().whoami()


@pytest.mark.parametrize("fault", ["500", "timeout"])
def test_a_failing_token_service_is_asked_again(bench: Bench, fault: str) -> None:
    bench.sandbox.fault(TOKEN, fault)  # type: ignore[arg-type]
    assert bench.connect().whoami()


def test_one_token_serves_until_shortly_before_its_end(bench: Bench) -> None:
    list(bench.conn.rows("/applications", READ_APPS))
    before = tokens(bench)
    bench.sandbox.advance(60 * 60)
    list(bench.conn.rows("/applications", READ_APPS))
    assert tokens(bench) == before
    bench.sandbox.advance(26 * 60)
    list(bench.conn.rows("/applications", READ_APPS))
    assert tokens(bench) == before + 1


def test_a_token_that_is_refused_is_renewed_once(bench: Bench) -> None:
    list(bench.conn.rows("/applications", READ_APPS))
    bench.sandbox.advance(120)
    with bench.tenant.lock:
        mine = [t for t in bench.tenant.tokens.values() if "*" in t.roles]
        for token in mine:
            token.expires = bench.conn.now() - timedelta(seconds=5)
    assert list(bench.conn.rows("/applications", READ_APPS))


def test_each_proof_asks_anew(bench: Bench) -> None:
    """Facts entra.md 8, 18, and 4: msal would answer from its caches, both of tokens and of refusals with 400."""
    password = next(p for p in bench.scene.application.passwords.values() if p.name == "production")
    app = bench.principal.app_id
    bench.conn.whoami()
    before = tokens(bench)
    assert isinstance(bench.conn.signs_in(app, password.value), Granted)
    with bench.tenant.lock:
        password.there.set(False, bench.sandbox.now(), 0)
    said = bench.conn.signs_in(app, password.value)
    assert isinstance(said, Refused)
    assert said.code == "AADSTS7000215"
    assert said.of_client
    with bench.tenant.lock:
        password.there.set(True, bench.sandbox.now(), 0)
        bench.principal.enable(False, bench.sandbox.now(), 0)
    disabled = bench.conn.signs_in(app, password.value)  # 400, which msal would remember for a minute
    assert isinstance(disabled, Refused)
    with bench.tenant.lock:
        bench.principal.enable(True, bench.sandbox.now(), 0)
    granted = bench.conn.signs_in(app, password.value)
    assert isinstance(granted, Granted)
    assert tokens(bench) == before + 4
    assert granted.token not in repr(granted)


def test_a_name_is_asked_for_once_and_a_failure_is_not_kept(bench: Bench) -> None:
    bench.sandbox.allow_only([])
    with pytest.raises(Exception, match="denied"):
        bench.resolve("entra:app/Payments Bot")
    bench.sandbox.allow_only(None)
    assert bench.resolve("entra:app/Payments Bot").ref.id == bench.principal.app_id
