"""Which Vault, by whose token, over which TLS; and what its refusals become."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.server import LoopbackServer
from nhi_revoke_vault import provider
from nhi_revoke_vault.connection import VaultConnection, data_of
from nhi_revoke_vault.login import sign_in
from nhi_revoke_vault.server import namespace_of, scope_of, tls_of, url_of
from nhi_revoke_vault.settings import VaultSettings
from nhi_revoke_vault.store.versions import VaultSecret, Version

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
NONE = VaultSettings()
TOKEN = {"VAULT_TOKEN": "canary-token"}
PREFLIGHT = '{"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}'
Answers = Callable[[str], tuple[int, str]]


class Wire:
    """One HTTP shape, or a few, in answer to whatever is asked."""

    def __init__(self, answers: Answers, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answers, self._headers = answers, headers
        self._server = LoopbackServer(self._app, lambda: START + timedelta(hours=1))

    def _app(self, environ: Any, start: Any) -> Iterable[bytes]:
        path = str(environ["PATH_INFO"])
        self.asked.append((path, {k: str(v) for k, v in environ.items() if k.startswith("HTTP_X_")}))
        status, body = self._answers(path)
        start(f"{status} told", [("Content-Type", "application/json"), *self._headers])
        return [body.encode()]

    def __enter__(self) -> VaultConnection:
        self._server.start()
        self.io = EngineIo(SandboxClock(MovableClock(START, running=False)))
        return VaultConnection("", VaultSettings(addr=self._server.url), self.io, TOKEN)

    def __exit__(self, *exc: object) -> None:
        self.io.close()
        self._server.close()


def always(status: int, body: str) -> Answers:
    """The mount is told of, and everything else is answered so."""
    return lambda path: (200, PREFLIGHT) if path.startswith("/v1/sys/internal") else (status, body)


# -- which one --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("addr", "environ", "url"),
    [
        ("", {"VAULT_ADDR": "https://vault.example.com:8200"}, "https://vault.example.com:8200"),
        ("", {"VAULT_ADDR": "https://a.example.com", "BAO_ADDR": "https://b.example.com/"}, "https://b.example.com"),
        ("https://C.example.com", {"VAULT_ADDR": "https://a.example.com"}, "https://c.example.com"),
        ("http://127.0.0.1:8200", {}, "http://127.0.0.1:8200"),
        ("https://[::1]:8200", {}, "https://[::1]:8200"),
    ],
)
def test_the_address(addr: str, environ: dict[str, str], url: str) -> None:
    assert url_of(VaultSettings(addr=addr), environ) == url


@pytest.mark.parametrize(
    "addr",
    ["", "http://vault.example.com:8200", "vault.example.com:8200", "https://u:p@vault.example.com", "unix:///run/bao",
     "https://vault.example.com/v1", "https://vault.example.com?x", "https://", "https://a b", "https://x:port"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_says_where_it_is_named(addr: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        url_of(VaultSettings(addr=addr), {})
    assert "VAULT_ADDR" in caught.value.hint
    assert scope_of(VaultSettings(addr=addr), {}) == ""
    assert "u:p" not in caught.value.message


def test_the_namespace_is_of_the_scope() -> None:
    environ = {"VAULT_ADDR": "https://vault.example.com", "VAULT_NAMESPACE": "/team/a/"}
    assert scope_of(NONE, environ) == "https://vault.example.com/team/a"
    assert namespace_of(VaultSettings(namespace="b"), environ) == "b"
    with pytest.raises(Unauthenticated):
        namespace_of(NONE, {"VAULT_NAMESPACE": "a b\n"})


def test_a_plan_for_another_vault_is_not_carried_out_here() -> None:
    """A run is resumed in another shell, with another VAULT_ADDR."""
    with Wire(always(200, "{}")) as made:
        conn = VaultConnection("https://vault.example.com:8200", made.settings, made.io, TOKEN)
        with pytest.raises(Rejected, match=r"for the Vault at https://vault\.example\.com:8200"):
            conn.whoami()
        same = VaultConnection(made.scope, made.settings, made.io, TOKEN)
        assert same.scope == made.scope


# -- by whose token ---------------------------------------------------------------------------------------------------


def test_the_token_and_where_it_is_kept(tmp_path: Path) -> None:
    home, named = {"HOME": str(tmp_path)}, tmp_path / "named"
    (tmp_path / ".vault-token").write_text("canary-of-login\n")
    named.write_text("canary-of-file\n")

    def token(settings: VaultSettings, environ: dict[str, str]) -> str:
        return sign_in(settings, environ).headers("GET", "", "")["X-Vault-Token"]

    assert token(NONE, home) == "canary-of-login"
    assert token(NONE, {**home, **TOKEN}) == "canary-token"
    assert token(NONE, {**home, **TOKEN, "BAO_TOKEN": "canary-of-bao"}) == "canary-of-bao"
    assert token(VaultSettings(token_file=str(named)), {**home, **TOKEN}) == "canary-of-file"
    assert "canary" not in repr(sign_in(NONE, home))


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        (NONE, {}),
        (NONE, {"HOME": "/nonexistent"}),
        (NONE, {"VAULT_TOKEN": "  "}),
        (NONE, {"VAULT_TOKEN": "canary with blanks"}),
        (NONE, {"VAULT_TOKEN": "canary\u00e9"}),
        (VaultSettings(token_file="canary-typed-into-the-wrong-line"), TOKEN),
    ],
)
def test_without_a_usable_token_the_hint_says_what_to_do(settings: VaultSettings, environ: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated) as caught:
        sign_in(settings, environ)
    assert "vault login" in caught.value.hint
    assert "canary" not in caught.value.message


# -- over which TLS ---------------------------------------------------------------------------------------------------


def test_a_ca_of_its_own_takes_the_place_of_those_of_the_machine(tmp_path: Path, ca: str) -> None:
    assert tls_of(NONE, {}) is None
    file = tmp_path / "ca.pem"
    file.write_text(ca)
    for settings, environ in ((VaultSettings(ca_cert=str(file)), {}), (NONE, {"VAULT_CACERT": str(file)})):
        context = tls_of(settings, environ)
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert len(context.get_ca_certs()) == 1
    folder = tls_of(NONE, {"VAULT_CAPATH": str(tmp_path)})
    assert folder is not None
    assert folder.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "environ",
    [{"VAULT_CACERT": "/nonexistent/ca.pem"}, {"VAULT_CLIENT_CERT": "/nonexistent/cert.pem"}, {"BAO_CACERT": "\0"}],
)
def test_files_that_cannot_be_read_are_no_way_around_it(environ: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated, match="cannot be read"):
        tls_of(NONE, environ)


@pytest.fixture(scope="module")
def ca() -> str:
    """A certificate that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, START, START + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


# -- what refusals become ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (403, '{"errors": ["permission denied"]}', Unauthenticated),
        (
            403,
            '{"errors": ["2 errors occurred:\\n\\t* permission denied\\n\\t* invalid token\\n\\n"]}',
            Unauthenticated,
        ),
        (400, '{"errors": ["missing client token"]}', Unauthenticated),
        (403, '{"errors": ["1 error occurred:\\n\\t* permission denied\\n\\n"]}', Denied),
        (403, "<html>a proxy's own page, canary</html>", Denied),
        (404, '{"errors": ["no handler for route \\"secret/data/x\\""]}', Missing),
        (307, "", Rejected),
        (429, '{"errors": ["request path is limited"]}', Throttled),
        (503, '{"errors": ["Vault is sealed"]}', Unavailable),
        (500, '{"errors": ["canary"]}', Unavailable),
        (200, "canary", Unavailable),
        (200, '{"data": null}', Unavailable),
        (200, '{"data": {"data": "canary", "metadata": {}}}', Rejected),
        (200, '{"data": {"value": "of version 1"}}', Rejected),
    ],
)
def test_refusals_of_a_read(status: int, body: str, fault: type[Fault]) -> None:
    with Wire(always(status, body)) as conn, pytest.raises(fault) as caught:
        VaultSecret(conn, "secret/x").newest()
    assert "canary" not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (400, '{"errors": ["check-and-set parameter did not match the current version"]}', Conflict),
        (400, '{"errors": ["check-and-set parameter required for this call"]}', Rejected),
        (400, '{"errors": ["canary is too large"]}', Rejected),
        (503, '{"errors": ["Vault is sealed"]}', NoAnswer),
        (200, "half an answ", NoAnswer),
    ],
)
def test_refusals_of_a_write(status: int, body: str, fault: type[Fault]) -> None:
    wire = Wire(always(status, body))
    with wire as conn, pytest.raises(fault):
        VaultSecret(conn, "secret/x").write('{"a": "canary"}', 3)
    assert len([path for path, _ in wire.asked if "/data/" in path]) == 1, "never sent twice"


def test_a_redirect_is_not_followed_with_the_token() -> None:
    with Wire(always(200, "{}")) as elsewhere:
        headers = (("Location", f"{elsewhere.settings.addr}/v1/auth/token/lookup-self"),)
        wire = Wire(lambda _: (307, ""), headers)
        with wire as conn, pytest.raises(Rejected, match="not followed"):
            conn.whoami()
    assert [path for path, _ in wire.asked] == ["/v1/auth/token/lookup-self"]


def test_every_request_says_that_it_is_no_browsers_and_whose_it_is() -> None:
    told = '{"data": {"display_name": "userpass-ann@b.c\\u001b[31m", "entity_id": "e-1", "id": "canary-token"}}'
    wire = Wire(lambda _: (200, told))
    with wire as conn:
        assert conn.whoami() == (
            PrincipalRef("vault", "token", "userpass-ann@b.c-31m"),
            PrincipalRef("vault", "entity", "e-1"),
        )
        assert conn.now() == START + timedelta(hours=1), "Vault's clock"
    [(_, headers)] = wire.asked
    assert headers == {"HTTP_X_VAULT_TOKEN": "canary-token", "HTTP_X_VAULT_REQUEST": "true"}


def test_what_is_no_kv_store_is_refused() -> None:
    other = '{"data": {"path": "pki/", "type": "pki", "options": null}}'
    with Wire(lambda _: (200, other)) as conn, pytest.raises(Rejected, match="kind pki"):
        VaultSecret(conn, "pki/x")
    with Wire(lambda _: (403, '{"errors": ["1 error occurred"]}')) as conn, pytest.raises(Denied) as caught:
        VaultSecret(conn, "pki/x")
    assert caught.value.code == ""


def test_a_version_shows_no_text() -> None:
    assert "canary" not in repr(Version(1, '{"a": "canary"}'))
    with pytest.raises(Unavailable):
        data_of([])


# -- the front door ---------------------------------------------------------------------------------------------------


def test_a_provider_without_principals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:8200")
    monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
    assert [each.name for each in provider.targets()] == ["vault"]
    assert provider.kinds() == ()
    assert provider.parse("vault:secret/x") is None
    assert provider.scope_of_target("secret/x", NONE) == "http://127.0.0.1:8200"
    assert provider.on_loopback(NONE)
    assert not provider.on_loopback(VaultSettings(addr="https://vault.example.com"))
    assert not provider.on_loopback(VaultSettings(addr="nothing"))
    ref = PrincipalRef("vault", "token", "x")
    assert provider.kind_of(ref) == ()
    assert provider.scope_of(ref, NONE) == ""
    io = EngineIo(SandboxClock(MovableClock(START, running=False)))
    with pytest.raises(Missing, match="no principals"):
        provider.resolve(provider.connect("", NONE, io), ref)
