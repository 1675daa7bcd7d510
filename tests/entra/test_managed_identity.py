"""The operator as a managed identity: the machine's own and a user-assigned one, by IMDS and by App Service."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest
import respx

from nhi_revoke.provider.fault import Fault, Rejected, Unauthenticated
from nhi_revoke.provider.sandbox.contract import FaultName
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from tests.http_kit.conftest import everything_said

from .conftest import START, Bench, Whole
from .operators import EntraCli, machine

IMDS = "GET /metadata/identity/oauth2/token"
BARE: dict[str, Any] = {"sign_in": "managed-identity", "client_id": "", "client_secret_file": ""}
VARIABLES = (
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT",
    "MSI_SECRET",
)  # fmt: skip


@pytest.fixture(autouse=True)
def virtual_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """msal reads the environment of the process."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def at_imds(monkeypatch: pytest.MonkeyPatch, sandbox: EntraSandbox) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", sandbox.url)


def at_app_service(monkeypatch: pytest.MonkeyPatch, sandbox: EntraSandbox) -> str:
    header = sandbox.tenant.identity_header = sandbox.tenant.new_secret()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{sandbox.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", header)
    return header


def asked(bench: Bench, name: str = IMDS) -> int:
    return sum(c.name == name for c in bench.sandbox.calls())


def refused(bench: Bench, **more: Any) -> Fault:
    """With what to do next, and nothing that is secret anywhere."""
    conn = bench.connect(**{**BARE, **more})
    with pytest.raises(Unauthenticated) as said:
        conn.whoami()
    for secret in bench.sandbox.canaries():
        assert secret not in everything_said(said.value)
    assert said.value.hint
    return said.value


def test_the_whole_of_list_by_the_machines_own(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    made = machine(whole.entra)
    at_imds(monkeypatch, whole.entra)
    cli = EntraCli(whole, sign_in="managed-identity")
    ran = cli("list", "entra:app/Payments Bot")
    assert ran.code == 0, ran.err
    assert "client secret production" in ran.out
    assert "Azure role Contributor" in ran.out, "Azure Resource Manager takes a token of its own"
    assert ran.out.startswith("LIVE 10  OPEN 0"), ran.out
    assert "not allowed" not in ran.out
    own = cli("revoke", f"entra:app/{made.app_id}", "--yes")
    assert own.code == 7, own.out + own.err
    assert f"entra:app/{made.app_id} is you" in own.err
    assert made.enabled.shown
    for secret in whole.entra.canaries():
        assert secret not in ran.out + ran.err + own.out + own.err


@pytest.mark.parametrize("user_assigned", [False, True])
@pytest.mark.parametrize("place", ["imds", "app service"])
def test_each_endpoint_gives_each_sort(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str, user_assigned: bool
) -> None:
    made = machine(bench.sandbox, user_assigned=user_assigned)
    (at_imds if place == "imds" else at_app_service)(monkeypatch, bench.sandbox)
    conn = bench.connect(
        sign_in="managed-identity", client_id=made.app_id if user_assigned else "", client_secret_file=""
    )
    assert [str(ref) for ref in conn.whoami()] == [f"entra:app/{made.app_id}"]
    assert conn.get(f"/servicePrincipals/{made.id}", "")["appId"] == made.app_id
    assert list(conn.azure.rows("/subscriptions", ""))


def test_each_api_has_a_token_of_its_own_which_serves_until_shortly_before_its_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none comes from a memory of msal's: it would give the old one for half a day."""
    machine(bench.sandbox)
    at_imds(monkeypatch, bench.sandbox)
    conn = bench.connect(sign_in="managed-identity", client_id="", client_secret_file="")
    for _ in range(3):
        conn.whoami()
        list(conn.azure.rows("/subscriptions", ""))
    assert asked(bench) == 2
    bench.sandbox.advance(86 * 60)
    conn.whoami()
    assert asked(bench) == 3
    bench.sandbox.advance(120)
    with bench.tenant.lock:
        for token in bench.tenant.tokens.values():
            token.expires = START
    conn.get("/applications", "")
    assert asked(bench) == 4, "a refused token is replaced by a new one"


@pytest.mark.parametrize("status", ["500", "429", "timeout"])
def test_a_failing_endpoint_is_asked_again(bench: Bench, monkeypatch: pytest.MonkeyPatch, status: FaultName) -> None:
    """Microsoft docs: how-to-use-vm-token, "Retry guidance"."""
    machine(bench.sandbox)
    at_imds(monkeypatch, bench.sandbox)
    bench.sandbox.fault(IMDS, status, times=2)
    assert bench.connect(sign_in="managed-identity", client_id="", client_secret_file="").whoami()
    assert asked(bench) == 3


def test_none_is_assigned(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    at_imds(monkeypatch, bench.sandbox)
    said = refused(bench)
    assert "this machine's own managed identity gets no token (invalid_request)" in said.message
    assert "assigned to this machine" in said.hint
    other = bench.tenant.new_id()
    assert f"the managed identity {other} gets no token" in refused(bench, client_id=other).message


def test_an_app_service_without_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    header = at_app_service(monkeypatch, bench.sandbox)
    assert "gets no token" in refused(bench).message
    monkeypatch.setenv("IDENTITY_HEADER", f"{header}x")
    assert "gets no token" in refused(bench).message


def test_no_such_machine_is_told_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{port}")
    waited: list[float] = []
    monkeypatch.setattr(bench.io.clock, "wait", lambda seconds, _: waited.append(seconds))
    said = refused(bench)
    assert "nothing answers where a managed identity gets its tokens (ConnectError)" in said.message
    assert "az" in said.hint
    assert waited == []


def test_a_client_id_that_is_none_is_named(bench: Bench) -> None:
    assert "client_id of the managed identity is no appId" in refused(bench, client_id="vm-1").message


def test_no_token_is_asked_for_over_http_beyond_this_machine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header is a secret."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://metadata.evil.example/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", bench.tenant.new_secret())
    with pytest.raises(Rejected, match=r"metadata\.evil\.example"):
        bench.connect(sign_in="managed-identity", client_id="", client_secret_file="").whoami()


def test_service_fabric_is_said_not_to_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """msal takes no other HTTP client than its own there."""
    at_app_service(monkeypatch, bench.sandbox)
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://localhost:2377/metadata/identity/oauth2/token")
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "0" * 40)
    assert "ManagedIdentityError" in refused(bench).message


def test_another_tenants_identity_asks_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(bench.sandbox)
    at_imds(monkeypatch, bench.sandbox)
    other = bench.tenant.new_id()
    said = refused(bench, tenant_id=other)
    assert f"{other} is meant" in said.message
    assert {c.name for c in bench.sandbox.calls()} == {IMDS}


def test_a_token_that_tells_nobody_is_not_used(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without knowing who it is, nothing keeps the tool from ending its own operator."""
    machine(bench.sandbox)
    at_imds(monkeypatch, bench.sandbox)
    monkeypatch.setattr("nhi_revoke_entra.sandbox.state.part", lambda _: "opaque")
    assert "does not tell whose it is" in refused(bench).message
    assert {c.name for c in bench.sandbox.calls()} == {IMDS}


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_cannot_be_read_is_not_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """msal would print it whole. The address is where a virtual machine in Azure finds it."""
    caplog.set_level(logging.DEBUG)
    with respx.mock() as web:
        asked_there = web.get("http://169.254.169.254/metadata/identity/oauth2/token")
        asked_there.respond(status, text="access_token=whispered")
        said = refused(bench)
    [request] = [call.request for call in asked_there.calls]
    assert request.headers["metadata"] == "true"
    assert request.url.params["resource"] == "https://graph.microsoft.com"
    assert "whispered" not in everything_said(said)
    assert "whispered" not in caplog.text


def test_an_endpoint_that_sends_elsewhere_is_not_followed(bench: Bench) -> None:
    with respx.mock() as web:
        web.get("http://169.254.169.254/metadata/identity/oauth2/token").respond(
            302, headers={"location": "http://evil.example/"}
        )
        with pytest.raises(Rejected, match="sends us elsewhere"):
            bench.connect(**BARE).whoami()


def test_no_proxy_stands_between(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would get the header, and the token."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    made = machine(bench.sandbox)
    at_imds(monkeypatch, bench.sandbox)
    assert [ref.id for ref in bench.connect(**BARE).whoami()] == [made.app_id]


def test_a_tenant_by_its_domain_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token tells the id alone: the machine may be another tenant's."""
    machine(bench.sandbox)
    at_imds(monkeypatch, bench.sandbox)
    said = refused(bench, tenant_id="example.com")
    assert "the tenant example.com is named by a domain" in said.message
    assert not bench.sandbox.calls()
