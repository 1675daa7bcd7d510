"""The operator as a person with a browser: shown on a terminal, waited for, kept in memory alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.fault import Denied, Unauthenticated
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.sandbox.state import ARM, ServicePrincipal, User
from nhi_revoke_entra.token_http import TokenHttp
from tests.http_kit.conftest import everything_said

from .conftest import APP, START, Bench, Whole, opened
from .operators import EntraCli, person, public_client, typed_by

CODE, TOKEN = "POST /<tenant>/oauth2/v2.0/devicecode", "POST /<tenant>/oauth2/v2.0/token"
PLACE = "https://microsoft.com/devicelogin"


class Terminal:
    """Somebody sits there and reads."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.read = bench, list[str]()
        self.client: ServicePrincipal = public_client(bench.sandbox)
        self.user: User = person(bench.sandbox, self.client)
        bench.tenant.browser = typed_by(self.user, after=3)
        self.ios: list[EngineIo] = []

    def shown(self, says: str) -> bool:
        self.read.append(says)
        return True

    def connect(self, *, there: bool = True, **more: Any) -> EntraConnection:
        io = EngineIo(SandboxClock(self.bench.sandbox._moving()), show=self.shown if there else None)
        self.ios.append(io)
        named = {"sign_in": "device-code", "client_id": self.client.app_id, "client_secret_file": "", **more}
        return opened(msgspec.structs.replace(self.bench.settings, **named), io, {})

    def refused(self, **more: Any) -> Unauthenticated:
        conn = self.connect(**more)
        with pytest.raises(Unauthenticated) as said:
            conn.whoami()
        again = len(self.bench.sandbox.calls())
        with pytest.raises(Unauthenticated):
            conn.get("/applications", "")
        assert len(self.bench.sandbox.calls()) == again, "nobody is asked a second time"
        for secret in self.bench.sandbox.canaries():
            assert secret not in everything_said(said.value) + "".join(self.read)
        assert said.value.hint
        return said.value


@pytest.fixture
def terminal(bench: Bench) -> Iterator[Terminal]:
    made = Terminal(bench)
    yield made
    for io in made.ios:
        io.close()


def asked(bench: Bench, name: str) -> int:
    return sum(c.name == name for c in bench.sandbox.calls())


def test_the_whole_of_list_at_a_terminal(whole: Whole) -> None:
    client = public_client(whole.entra)
    user = person(whole.entra, client)
    typed: list[str] = []

    def browse(flow: Any) -> None:
        typed.append(flow.typed)
        flow.user = user.id

    whole.entra.tenant.browser = browse
    cli = EntraCli(whole, sign_in="device-code", client_id=client.app_id)
    ran = cli("list", APP, "-o", "json", tty=True)
    assert ran.code == 0, ran.err
    assert "client secret production" in ran.out
    assert "Azure role Contributor" in ran.out, "by the refresh token: the person is asked once"
    assert f"Open {PLACE}" in ran.err
    assert f"type the code {typed[0]}." in ran.err
    assert typed[0] not in ran.out
    assert ran.err.count(PLACE) == 1
    quiet = cli("list", APP, "-q", tty=True)
    assert f"Open {PLACE}" in quiet.err, "without it nobody would know what is waited for"
    for name in (f"entra:user/{user.id}", f"entra:app/{client.app_id}"):
        own = cli("revoke", name, "--yes", tty=True)
        assert own.code == 7, own.out + own.err
        assert "is you, or in the chain that you log in through" in " ".join(own.err.split())
    assert user.enabled.shown
    assert client.enabled.shown
    for secret in whole.entra.canaries():
        assert secret not in ran.out + ran.err + quiet.out + quiet.err
        assert secret not in "".join(file.read_text() for file in whole.state.rglob("*") if file.is_file())


@pytest.mark.parametrize("more", [{"tty": False}, {"tty": True, "no_input": True}])
def test_without_a_person_it_is_refused_with_what_to_do_instead(whole: Whole, more: dict[str, bool]) -> None:
    client = public_client(whole.entra)
    cli = EntraCli(whole, sign_in="device-code", client_id=client.app_id)
    ran = cli("list", APP, *(["--no-input"] if more.get("no_input") else []), tty=more["tty"])
    assert ran.code == 4
    assert "a device code can be shown to nobody" in ran.err
    assert '"managed-identity" or "az"' in ran.err
    assert not [c for c in whole.entra.calls() if c.name == CODE], "no code is asked for that nobody reads"


def test_it_is_waited_for_at_the_rate_that_is_told(bench: Bench, terminal: Terminal) -> None:
    conn = terminal.connect()
    before = bench.sandbox.now()
    assert [str(ref) for ref in conn.whoami()] == [
        f"entra:user/{terminal.user.id}", f"entra:app/{terminal.client.app_id}",
    ]  # fmt: skip
    assert asked(bench, TOKEN) == 3
    assert timedelta(seconds=9) < bench.sandbox.now() - before < timedelta(seconds=15)
    assert [says.partition(" ")[0] for says in terminal.read] == ["Entra:", "Open", "and", "and", "Entra:"]


def test_all_who_want_in_wait_for_one_code(bench: Bench, terminal: Terminal) -> None:
    conn = terminal.connect()
    looks: list[Callable[[], object]] = [conn.whoami, lambda: list(conn.azure.rows("/subscriptions", ""))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda look: look(), looks * 4))
    assert all(found)
    assert asked(bench, CODE) == 1


def test_a_token_that_ends_is_renewed_without_a_person(bench: Bench, terminal: Terminal) -> None:
    conn = terminal.connect()
    conn.whoami()
    bench.sandbox.advance(86 * 60)
    assert conn.get("/applications", "")
    assert asked(bench, CODE) == 1
    assert asked(bench, TOKEN) == 4


def test_a_sign_in_that_was_revoked_asks_the_person_again(bench: Bench, terminal: Terminal) -> None:
    conn = terminal.connect()
    conn.whoami()
    bench.sandbox.advance(86 * 60)
    with bench.tenant.lock:
        terminal.user.revoke(bench.sandbox.now(), 0)
    assert conn.get("/applications", "")
    assert asked(bench, CODE) == 2


def test_an_api_that_gives_no_token_is_denied_and_hides_no_other(bench: Bench, terminal: Terminal) -> None:
    with bench.tenant.lock:
        del bench.tenant.principals[next(p.id for p in bench.tenant.principals.values() if p.app_id == ARM)]
    conn = terminal.connect()
    with pytest.raises(Denied, match=r"gives the operator no token for https://management\.azure\.com"):
        list(conn.azure.rows("/subscriptions", ""))
    assert conn.get("/applications", "")
    assert asked(bench, CODE) == 1


def test_declined(bench: Bench, terminal: Terminal) -> None:
    def decline(flow: Any) -> None:
        flow.declined = True

    bench.tenant.browser = decline
    assert "it was declined in the browser" in terminal.refused().message


def test_nobody_comes(bench: Bench, terminal: Terminal) -> None:
    bench.tenant.browser = lambda _: None
    assert "before the code expired" in terminal.refused().message
    assert bench.sandbox.now() - START < timedelta(minutes=16)


def test_an_app_that_is_no_public_client(bench: Bench, terminal: Terminal) -> None:
    said = terminal.refused(client_id=bench.settings.client_id)
    assert said.code == "AADSTS7000218"
    assert "public client flows" in said.hint


def test_an_app_must_be_named(terminal: Terminal) -> None:
    conn = terminal.connect(client_id="")
    with pytest.raises(Unauthenticated, match="the public client that a person signs in with is not named"):
        conn.whoami()


@pytest.mark.parametrize("wrong", ["http://evil.example/x", "https://x/\x1b[31m", ""])
def test_what_looks_like_no_address_is_not_shown(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    import msal

    flow = {"user_code": "ABCD-EFGH", "device_code": "x", "verification_uri": wrong, "expires_in": 9, "interval": 5}
    monkeypatch.setattr(msal.PublicClientApplication, "initiate_device_flow", lambda *_, **__: dict(flow))
    assert "starts no sign-in by device code" in terminal.refused().message
    assert len(terminal.read) == 1


def test_slow_down_is_obeyed(bench: Bench, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8628, 3.5: five seconds more from then on."""
    import msal

    said = [{"error": "slow_down"}, {"error": "authorization_pending"}]
    good = msal.PublicClientApplication.acquire_token_by_device_flow

    def answered(app: Any, flow: Any, **more: Any) -> Any:
        return said.pop(0) if said else good(app, flow, **more)

    monkeypatch.setattr(msal.PublicClientApplication, "acquire_token_by_device_flow", answered)
    bench.tenant.browser = typed_by(terminal.user, after=1)
    before = bench.sandbox.now()
    terminal.connect().whoami()
    assert bench.sandbox.now() - before >= timedelta(seconds=10)


def test_no_token_is_ever_on_disk(bench: Bench, terminal: Terminal, tmp_path: Path) -> None:
    terminal.connect().whoami()
    held = [t.value for t in bench.tenant.tokens.values() if t.user == terminal.user.id]
    assert len(held) == 2, "an access token and a refresh token"
    text = "".join(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file())
    assert not [value for value in held if value in text]


def test_an_answer_that_cannot_be_read_is_not_logged(
    bench: Bench, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = TokenHttp._read

    def garbled(http: TokenHttp, response: Any) -> Any:
        answer = good(http, response)
        return (
            msgspec.structs.replace(answer, text=f"{answer.text} and more") if "access_token" in answer.text else answer
        )

    monkeypatch.setattr(TokenHttp, "_read", garbled)
    assert "cannot be used" in terminal.refused().message
    for secret in bench.sandbox.canaries():
        assert secret not in caplog.text


def test_a_token_service_that_fails_for_a_while_keeps_the_code(bench: Bench, terminal: Terminal) -> None:
    """The person may be typing it."""
    bench.sandbox.fault(TOKEN, "500", times=6)
    assert terminal.connect().whoami()
    assert asked(bench, CODE) == 1
    assert asked(bench, TOKEN) == 9
