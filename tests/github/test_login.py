"""How the operator signs in: a token of files and variables, or an App by its key, with its installation's token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import respx

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_github.sandbox import plant_app, seed
from nhi_revoke_github.sandbox.routes_apps import stop
from tests.http_kit.conftest import everything_said

from .conftest import START, Bench
from .responder import DOTCOM, RESIDENT, SERVER, Responder, refused, token_of, works


@pytest.fixture
def responder(bench: Bench, tmp_path: Path) -> Responder:
    return Responder(bench, tmp_path)


# -- a token -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["{}", "{}\n", "  {}\r\n", "\ufeff{}\n"])
def test_a_token_from_a_file(bench: Bench, tmp_path: Path, around: str) -> None:
    file = tmp_path / "token"
    file.write_text(around.format(token_of(bench)))
    assert works(bench.connect(token_file=str(file)))


@pytest.mark.parametrize(
    ("base", "environ", "sent"),
    [
        (DOTCOM, {"GH_TOKEN": "one", "GITHUB_TOKEN": "two", "GH_ENTERPRISE_TOKEN": "three"}, "one"),
        (DOTCOM, {"GH_TOKEN": " ", "GITHUB_TOKEN": " two\n"}, "two"),
        (RESIDENT, {"GH_TOKEN": "one", "GH_ENTERPRISE_TOKEN": "three"}, "one"),
        (SERVER, {"GH_TOKEN": "one", "GH_ENTERPRISE_TOKEN": "three", "GITHUB_ENTERPRISE_TOKEN": "four"}, "three"),
        (SERVER, {"GITHUB_TOKEN": "two", "GITHUB_ENTERPRISE_TOKEN": "four"}, "four"),
        (SERVER, {"GH_TOKEN": "one", "GITHUB_TOKEN": "two"}, None),
        (DOTCOM, {"GH_ENTERPRISE_TOKEN": "three"}, None),
    ],
)
@respx.mock
def test_a_token_from_the_variables_of_gh(bench: Bench, base: str, environ: dict[str, str], sent: str | None) -> None:
    """One for github.com is never sent to a server of somebody's own."""
    there = respx.get(f"{base}/user").respond(json={"login": "responder"})
    conn = bench.connect(environ, token_file="", api_url=base)
    if sent is None:
        said = refused(bench, conn)
        assert "no GitHub credentials" in said.message
        assert not there.called
        return
    assert [str(r) for r in conn.whoami()] == ["github:user/responder"]
    assert there.calls.last.request.headers["authorization"] == f"Bearer {sent}"


def test_a_file_goes_before_variables(bench: Bench) -> None:
    assert works(bench.connect({"GH_ENTERPRISE_TOKEN": "stale", "GH_TOKEN": "stale"}))


def test_no_credentials(bench: Bench) -> None:
    assert "token_file" in refused(bench, bench.connect(token_file="")).hint
    assert bench.sandbox.calls() == ()


@pytest.mark.parametrize("text", ["“{}”", "token {}", "{}\nmore", "ü{}", "{}\x00x"])
def test_what_cannot_be_a_token_is_not_sent(bench: Bench, tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text.format("0" * 42))
    assert "no GitHub token" in refused(bench, bench.connect(token_file=str(file)), "0" * 42).message
    assert bench.sandbox.calls() == ()


@pytest.mark.parametrize("setting", ["token_file", "private_key_file"])
def test_a_secret_in_the_place_of_its_path_is_not_told(bench: Bench, setting: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {"token_file": "", "app_id": "7"} if setting == "private_key_file" else {}
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for value in ("ghp_leakedinthewrongplace", "secret\x00key", "x" * 5000, str(tmp_path), str(binary), "~nobody/x"):
        said = refused(bench, bench.connect(**{**more, setting: value}), value)
        assert setting in said.message
    assert bench.sandbox.calls() == ()


def test_a_revoked_token(bench: Bench) -> None:
    conn = bench.connect()
    assert works(conn)
    [mine] = [t for t in bench.hub.tokens.values() if t.value == token_of(bench)]
    mine.status.set("gone", bench.sandbox.now(), 0)
    said = refused(bench, conn)
    assert "revoked or expired" in said.hint
    assert "operator's token" in said.message


# -- an App --------------------------------------------------------------------------------------------------------


def test_the_app_signs_in_and_asks_by_its_installation(responder: Responder) -> None:
    conn = responder.connect()
    assert [str(r) for r in conn.whoami()] == ["github:app/incident-response"]
    assert works(conn)
    assert works(conn)
    assert len(responder.minted()) == 1, "one token serves for its hour"


def test_by_its_client_id(responder: Responder) -> None:
    assert works(responder.connect(app_id=responder.app.client_id))


@pytest.mark.parametrize("skew", [-600, -100, 0, 100, 600])
def test_githubs_clock_is_learnt_and_the_jwt_signed_again(responder: Responder, skew: int) -> None:
    """At most ten minutes long (facts 2.2), by GitHub's clock; off by more than that it is refused once."""
    responder.bench.sandbox.skew(skew)
    conn = responder.connect()
    assert works(conn)
    conn.whoami()
    refusals = [c for c in responder.bench.sandbox.calls() if c.name.startswith("GET /app")]
    assert len(refusals) <= 3


def test_a_token_is_renewed_before_it_expires(responder: Responder) -> None:
    conn = responder.connect()
    works(conn)
    responder.bench.sandbox.advance(3600 - 150)  # the clock also goes by itself
    works(conn)
    assert len(responder.minted()) == 1
    responder.bench.sandbox.advance(31)
    works(conn)
    assert len(responder.minted()) == 2


def test_a_token_that_was_revoked_is_fetched_anew(responder: Responder) -> None:
    conn = responder.connect()
    works(conn)
    for token in responder.bench.hub.tokens.values():
        if token.installation == responder.installation.id:
            token.status.set("gone", responder.bench.sandbox.now(), 0)
    assert works(conn)
    assert len(responder.minted()) == 2


def test_a_token_that_is_refused_each_time_is_refused(responder: Responder) -> None:
    conn = responder.connect()
    works(conn)
    responder.app.keys.clear()
    for token in responder.bench.hub.tokens.values():
        if token.installation == responder.installation.id:
            token.status.set("gone", responder.bench.sandbox.now(), 0)
    with pytest.raises(Unauthenticated) as said:
        works(conn)
    for secret in (*responder.minted(), responder.pem.splitlines()[3]):
        assert secret not in everything_said(said.value)
    assert "not a registered one" in said.value.hint


def test_an_organisation_without_the_app(bench: Bench, tmp_path: Path) -> None:
    conn = Responder(bench, tmp_path, account="another-company").connect()
    with pytest.raises(Unauthenticated, match="not installed on example-payments") as said:
        works(conn)
    assert "Install it there" in said.value.hint


def test_an_installation_is_found_on_a_later_page(responder: Responder) -> None:
    with responder.bench.hub.lock:
        for number in range(3):
            seed.install(responder.bench.hub, responder.app, START, f"company-{number}")
        there = responder.bench.hub.installations  # the organisation's own goes to the end
        there[responder.installation.id] = there.pop(responder.installation.id)
    responder.bench.sandbox.page_size(1)
    assert works(responder.connect())


def test_an_installation_that_is_suspended(responder: Responder) -> None:
    stop(responder.installation, "an-owner", START)
    with pytest.raises(Unauthenticated, match="suspended on example-payments"):
        works(responder.connect())


@pytest.mark.parametrize("text", ["hunter2", "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----"])
def test_what_is_no_private_key(bench: Bench, responder: Responder, text: str) -> None:
    responder.file.write_text(text)
    said = refused(bench, responder.connect(), "hunter2")
    assert "holds no private key" in said.message
    assert bench.sandbox.calls() == ()


def test_another_apps_key(bench: Bench, responder: Responder) -> None:
    _, key = seed.new_app(bench.hub, "other", START)
    responder.file.write_text(plant_app.pem_of(key))
    assert "does not accept" in refused(bench, responder.connect(), plant_app.pem_of(key).splitlines()[3]).message


def test_no_organisation_is_named(bench: Bench, responder: Responder) -> None:
    with pytest.raises(Unauthenticated, match="no GitHub organisation is named"):
        works(responder.connect(org=""))


def test_no_secret_is_told_by_what_signs(bench: Bench, responder: Responder) -> None:
    conn = responder.connect()
    works(conn)
    said = json.dumps([repr(conn), repr(vars(conn)), repr(vars(conn._operator.asks("/user").by.api()))])
    for secret in (*responder.minted(), token_of(bench), responder.pem.splitlines()[3]):
        assert secret not in said
