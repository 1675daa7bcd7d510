"""The service app's tokens: scopes that are not granted, DPoP, renewal, clocks that differ, answers that get lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import respx

from nhi_revoke.engine.io import TRIES
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, NoAnswer, Unauthenticated, Unavailable
from nhi_revoke.provider.sandbox.contract import FaultName
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.login import DENIAL_HOLDS, EARLY
from nhi_revoke_okta.sandbox import dpop, seed
from nhi_revoke_okta.sandbox.state import AccessToken
from nhi_revoke_okta.scopes import APPS, LOGS, SERVERS, USERS, WANTED
from tests.http_kit.conftest import everything_said

from .conftest import APP, START, USER, Bench
from .responder import TOKEN_CALL, Responder, signed_in

APP_LIST, USER_LIST = "/api/v1/apps", "/api/v1/users"


def read(conn: OktaConnection) -> int:
    return len(list(conn.rows(APP_LIST, APPS.read)))


def tokens(bench: Bench, who: Responder) -> list[AccessToken]:
    return [t for t in bench.org.access_tokens.values() if t.app == who.app.id]


def demanded(bench: Bench, what: bool = True) -> None:
    with bench.org.lock:
        bench.org.demand_dpop = what


# -- scopes --------------------------------------------------------------------------------------------------------


def test_one_token_for_every_scope_where_all_are_granted(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    bench.conn = signed_in(bench, who, tmp_path)
    bench.resolve(APP)
    bench.resolve(USER)
    [token] = tokens(bench, who)
    assert set(token.scopes) == set(WANTED)
    assert who.asked() == 1


def test_a_scope_that_is_not_granted_is_named_and_the_others_work(bench: Bench, tmp_path: Path) -> None:
    """One token for each scope then, asked for when it is needed."""
    who = Responder(bench.sandbox, scopes=tuple(s for s in WANTED if s not in (LOGS, SERVERS.read)))
    conn = signed_in(bench, who, tmp_path)
    assert read(conn)
    assert list(conn.rows(USER_LIST, USERS.read))
    with pytest.raises(Denied) as said:
        conn.get("/api/v1/logs", LOGS)
    assert said.value.needs == LOGS
    assert LOGS in said.value.message
    assert said.value.code == "invalid_scope"
    assert "Okta API Scopes" in said.value.hint
    assert [t.scopes for t in tokens(bench, who)] == [(APPS.read,), (USERS.read,)]
    assert not {c.name for c in bench.sandbox.calls() if "logs" in c.name}, "what is not allowed is not tried"
    for secret in (*who.secrets(), *bench.sandbox.canaries()):
        assert secret not in everything_said(said.value)


def test_what_is_not_granted_is_not_asked_for_each_time_but_soon_again(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox, scopes=(APPS.read,))
    conn = signed_in(bench, who, tmp_path)
    for _ in range(5):
        with pytest.raises(Denied):
            list(conn.rows(USER_LIST, USERS.read))
    assert who.asked() == 2
    with bench.org.lock:
        seed.add_grant(bench.org, who.app, USERS.read, bench.sandbox.now())
    bench.sandbox.advance(DENIAL_HOLDS.total_seconds() + 1)
    assert list(conn.rows(USER_LIST, USERS.read))


def test_no_scope_at_all(bench: Bench, tmp_path: Path) -> None:
    conn = signed_in(bench, Responder(bench.sandbox, scopes=()), tmp_path)
    with pytest.raises(Denied) as said:
        read(conn)
    assert said.value.needs == APPS.read
    assert [str(r) for r in conn.whoami()] == [f"okta:app/{conn._login.client_id}"], "who it is needs no scope"


def test_scopes_without_an_admin_role_are_denied_with_the_scope(bench: Bench, tmp_path: Path) -> None:
    """Facts 1.2: an app needs both."""
    who = Responder(bench.sandbox)
    who.app.roles.clear()
    with pytest.raises(Denied) as said:
        read(signed_in(bench, who, tmp_path))
    assert said.value.needs == APPS.read
    assert said.value.code == "E0000006"


def test_chosen_scopes_are_the_only_ones_asked_for(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path, scopes=(APPS.read,))
    assert read(conn)
    with pytest.raises(Denied) as said:
        list(conn.rows(USER_LIST, USERS.read))
    assert said.value.needs == USERS.read
    assert [t.scopes for t in tokens(bench, who)] == [(APPS.read,)]


# -- renewal -------------------------------------------------------------------------------------------------------


def test_a_token_is_kept_and_renewed_before_it_expires(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)
    for _ in range(3):
        read(conn)
    bench.sandbox.advance(3600 - EARLY.total_seconds() - 30)
    read(conn)
    assert who.minted() == 1
    bench.sandbox.advance(60)
    read(conn)
    assert who.minted() == 2
    first = tokens(bench, who)[0]
    assert bench.sandbox.now() < first.expires, "the old one would still have worked"


def test_a_token_that_is_refused_is_fetched_anew(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)
    read(conn)
    with bench.org.lock:
        for token in tokens(bench, who):
            assert token.revoked
            token.revoked.set(True, bench.sandbox.now(), 0)
    assert read(conn)
    assert who.minted() == 2


def test_32_threads_fetch_one_token_and_renew_it_once(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)

    def ask(_: int) -> int:
        return read(conn)

    assert set(bench.io.map(ask, range(32))) == {len(bench.org.apps)}
    assert who.minted() == 1
    with bench.org.lock:
        for token in tokens(bench, who):
            assert token.revoked
            token.revoked.set(True, bench.sandbox.now(), 0)
    bench.io.map(ask, range(32))
    assert who.minted() == 2


def test_a_login_that_fails_is_told_to_everybody_who_waits_for_it(bench: Bench, tmp_path: Path) -> None:
    """Not tried again by each of them, one after the other: an outage would take minutes to be told."""
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)
    bench.sandbox.fault(TOKEN_CALL, "down", times=99)
    heard: list[Exception] = []

    def ask() -> None:
        try:
            read(conn)
        except Unavailable as fault:
            heard.append(fault)

    together(bench, ask)
    assert len(heard) == 16
    assert who.asked() == TRIES[NoAnswer]
    bench.sandbox.gate.faults.clear()
    assert read(conn)


def test_a_name_that_cannot_be_looked_up_is_told_to_everybody_who_waits_for_it(bench: Bench) -> None:
    bench.sandbox.fault("GET /api/v1/apps", "down", times=99)
    heard: list[Exception] = []

    def ask() -> None:
        try:
            bench.conn.named(PrincipalRef.parse(APP))
        except Unavailable as fault:
            heard.append(fault)

    together(bench, ask)
    assert len(heard) == 16
    assert len(bench.sandbox.calls()) == TRIES[Unavailable]
    bench.sandbox.gate.faults.clear()
    assert bench.conn.named(PrincipalRef.parse(APP)).name == "Payments Bot"


def together(bench: Bench, ask: Callable[[], None]) -> None:
    """Sixteen threads, while the org does not answer yet; then it does."""
    threads = [threading.Thread(target=ask) for _ in range(16)]
    with bench.org.lock:
        for thread in threads:
            thread.start()
        threads[0].join(0.3)
    for thread in threads:
        thread.join(30)


def test_an_app_that_is_stopped_meanwhile_is_nobody(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)
    read(conn)
    with bench.org.lock:
        who.app.status.set("INACTIVE", bench.sandbox.now(), 0)
    bench.sandbox.advance(3600)
    with pytest.raises(Unauthenticated) as said:
        read(conn)
    assert said.value.code == "invalid_client"
    assert said.value.hint
    for secret in (*who.secrets(), *bench.sandbox.canaries()):
        assert secret not in everything_said(said.value)


@pytest.mark.parametrize("fault", ["lost", "timeout", "500", "429", "down"])
@pytest.mark.parametrize("bound", [False, True])
def test_a_login_that_goes_wrong_once_is_made_again(
    bench: Bench, tmp_path: Path, fault: FaultName, bound: bool
) -> None:
    """With a new assertion and a new proof: the org takes each one once."""
    who = Responder(bench.sandbox)
    demanded(bench, bound)
    bench.sandbox.fault(TOKEN_CALL, fault, after=2 if bound else 0)
    assert read(signed_in(bench, who, tmp_path))
    bench.sandbox.fault(TOKEN_CALL, fault, times=2)
    assert read(signed_in(bench, who, tmp_path))
    assert bench.sandbox.gate.faults.pending() == 0


@respx.mock
@pytest.mark.parametrize("body", [{}, [], None, {"access_token": None}, {"access_token": 7}])
def test_an_answer_without_a_token(bench: Bench, tmp_path: Path, body: Any) -> None:
    respx.post("https://acme.okta.com/oauth2/v1/token").respond(json=body)
    with pytest.raises(Unavailable, match="holds no token"):
        read(signed_in(bench, Responder(bench.sandbox), tmp_path, org_url="https://acme.okta.com"))


@respx.mock
@pytest.mark.parametrize("lives", [None, "soon", 0, 30])
def test_a_token_that_hardly_lives_is_used_once(bench: Bench, tmp_path: Path, lives: Any) -> None:
    body = {"access_token": "short-lived", "token_type": "Bearer", "expires_in": lives}
    token = respx.post("https://acme.okta.com/oauth2/v1/token").respond(json=body)
    respx.get("https://acme.okta.com/api/v1/apps").respond(json=[])
    conn = signed_in(bench, Responder(bench.sandbox), tmp_path, org_url="https://acme.okta.com")
    assert read(conn) == read(conn) == 0
    assert token.call_count == 2


def test_logging_in_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    read(signed_in(bench, Responder(bench.sandbox), tmp_path))
    assert bench.writes() == []


# -- DPoP ----------------------------------------------------------------------------------------------------------


def test_dpop_where_the_org_demands_it(bench: Bench, tmp_path: Path) -> None:
    """Without a proof, with one, with the nonce: three requests, once; then each request has a proof of its own."""
    who = Responder(bench.sandbox)
    demanded(bench)
    bench.conn = signed_in(bench, who, tmp_path)
    bench.resolve(APP)
    bench.resolve(USER)
    assert who.asked() == 3
    [token] = tokens(bench, who)
    assert token.bound
    bench.sandbox.advance(3600)
    bench.resolve(APP)
    assert who.asked() == 4, "the nonce is kept"


def test_dpop_by_settings_begins_with_a_proof(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path, dpop=True)
    read(conn)
    assert who.asked() == 2
    assert all(t.bound for t in tokens(bench, who))


def test_a_nonce_that_is_replaced_is_followed(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path, dpop=True)
    read(conn)
    monkeypatch.setattr(dpop, "NONCE", "sandbox-nonce-2")
    bench.sandbox.advance(3600)
    read(conn)
    assert who.asked() == 4
    assert who.minted() == 2


def test_a_bound_token_alone_opens_nothing(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path, dpop=True)
    read(conn)
    [token] = tokens(bench, who)
    for scheme in ("Bearer", "DPoP"):
        answer = bench.sandbox.client.get(
            f"{bench.sandbox.url}{APP_LIST}", headers={"Authorization": f"{scheme} {token.value}"}
        )
        assert answer.status_code in (400, 401)


def test_proofs_are_of_one_request_each(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9449, 4.2: method and address without the query, the token's hash, a new id each time, also on a retry."""
    seen: list[dict[str, Any]] = []
    check = dpop.key_of_proof

    def noted(asked: Any, *, nonce: bool) -> str:
        seen.append(jwt.decode(asked.headers["dpop"], options={"verify_signature": False}))
        return check(asked, nonce=nonce)

    monkeypatch.setattr(dpop, "key_of_proof", noted)
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path, dpop=True)
    read(conn)
    bench.sandbox.fault(f"GET {APP_LIST}", "429")
    bench.sandbox.fault(f"GET {APP_LIST}", "lost", after=1)
    list(conn.rows(APP_LIST, APPS.read, limit=1, q="Pay"))
    assert {(c["htm"], c["htu"]) for c in seen} == {("GET", f"{bench.sandbox.url}{APP_LIST}")}
    assert len({c["jti"] for c in seen}) == len(seen)
    assert all(c["ath"] for c in seen)


def test_a_proof_that_is_refused_at_a_resource_is_made_anew(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path, dpop=True)
    read(conn)
    conn._login._proofs._new_id = iter(["once", "once", "twice"]).__next__
    read(conn)
    assert read(conn)
    assert who.minted() == 1


# -- clocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-600, -61, -10, 10, 61, 600])
@pytest.mark.parametrize("bound", ["", "demanded", "settings"])
def test_clocks_that_differ(bench: Bench, tmp_path: Path, minutes: int, bound: str) -> None:
    """The org's clock is learnt from its first answer, and what was signed by the wrong one is signed again."""
    bench.sandbox.skew(minutes * 60)
    who = Responder(bench.sandbox)
    demanded(bench, bound == "demanded")
    conn = signed_in(bench, who, tmp_path, dpop=bound == "settings")
    assert read(conn)
    assert [bool(t.bound) for t in tokens(bench, who)] == [bool(bound)]
    assert who.asked() <= 5
    apart = conn.now() - bench.io.now() - timedelta(minutes=minutes)
    assert timedelta(seconds=-1.5) < apart <= timedelta(0)
    bench.sandbox.advance(3600 - EARLY.total_seconds() + 5)
    read(conn)
    assert who.minted() == 2, "renewed by the org's clock"


@pytest.mark.parametrize("minutes", [-10, 10])
def test_an_api_token_needs_no_clock(bench: Bench, minutes: int) -> None:
    bench.sandbox.skew(minutes * 60)
    assert read(bench.conn)
    assert abs(bench.conn.now() - START - timedelta(minutes=minutes)) < timedelta(seconds=30)


def test_a_wrong_key_is_not_taken_for_a_wrong_clock_for_ever(bench: Bench, tmp_path: Path) -> None:
    bench.sandbox.skew(600)
    who = Responder(bench.sandbox)
    with pytest.raises(Unauthenticated):
        read(signed_in(bench, who, tmp_path, key_id="another"))
    assert who.asked() == 2
