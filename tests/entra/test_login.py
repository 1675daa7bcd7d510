"""How the operator signs in: settings and AZURE_* variables, secret, certificate, another issuer's token, clouds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.fault import Missing, Rejected, Unauthenticated
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_entra.client_credentials import operator_of
from nhi_revoke_entra.cloud import CLOUDS, cloud_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.holder import holder_of
from nhi_revoke_entra.sandbox import plant_keys, seed
from nhi_revoke_entra.sandbox.state import TENANT, part
from nhi_revoke_entra.settings import EntraSettings
from nhi_revoke_entra.token_http import TokenHttp
from nhi_revoke_entra.tokens import Granted, Refused
from tests.http_kit.conftest import everything_said

from .conftest import APP, START, Bench

BARE: dict[str, Any] = {"tenant_id": "", "client_id": "", "client_secret_file": ""}


def pem_of(name: str) -> str:
    import base64

    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private, certificate = plant_keys.new_pair(name)
    text: str = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    der = base64.encodebytes(base64.b64decode(certificate)).decode()
    return f"{text}-----BEGIN CERTIFICATE-----\n{der}-----END CERTIFICATE-----\n"


def secret_of(bench: Bench) -> str:
    return Path(bench.settings.client_secret_file).read_text()


def refused(bench: Bench, **more: Any) -> Unauthenticated:
    """It is, with a way to go, and nothing that is secret is told anywhere."""
    conn = bench.connect(**more)
    with pytest.raises(Unauthenticated) as said:
        conn.whoami()
    everything = everything_said(said.value)
    for secret in bench.sandbox.canaries():
        assert secret not in everything
    assert said.value.hint
    return said.value


def test_by_the_variables_of_the_azure_sdks(bench: Bench) -> None:
    environ = {
        "AZURE_TENANT_ID": TENANT.upper(), "AZURE_CLIENT_ID": bench.settings.client_id,
        "AZURE_CLIENT_SECRET": secret_of(bench),
    }  # fmt: skip
    conn = bench.connect(environ, **BARE)
    assert [ref.id for ref in conn.whoami()] == [bench.settings.client_id]
    assert conn.scope == TENANT


def test_by_certificate(bench: Bench, tmp_path: Path) -> None:
    with bench.tenant.lock:
        application = bench.tenant.application_of(bench.settings.client_id)
        assert application is not None
        plant_keys.add_key(bench.tenant, application, "responder", START)
    file = tmp_path / "responder.pem"
    file.write_text(pem_of("responder"))
    assert bench.connect(certificate_file=str(file), client_secret_file="").whoami()
    environ = {"AZURE_CLIENT_CERTIFICATE_PATH": str(file)}
    assert bench.connect(environ, client_secret_file="").whoami()
    with bench.tenant.lock:
        for key in application.keys.values():
            key.there.set(False, START, 0)
    assert refused(bench, certificate_file=str(file), client_secret_file="").code == "AADSTS700027"


def test_by_another_issuers_token(bench: Bench, tmp_path: Path) -> None:
    """Read anew for each request: whoever issues it replaces it in the file."""
    with bench.tenant.lock:
        application = bench.tenant.application_of(bench.settings.client_id)
        assert application is not None
        plant_keys.add_trust(
            bench.tenant, application, "responder", START, subject="system:serviceaccount:ir:responder"
        )
    issuing, _ = plant_keys.new_pair("forge")
    file = tmp_path / "token"
    file.write_text(plant_keys.foreign(bench.scene, issuing, "system:serviceaccount:ir:other")["client_assertion"])
    conn = bench.connect({"AZURE_FEDERATED_TOKEN_FILE": str(file)}, client_secret_file="")
    with pytest.raises(Unauthenticated):
        conn.whoami()
    file.write_text(plant_keys.foreign(bench.scene, issuing, "system:serviceaccount:ir:responder")["client_assertion"])
    assert conn.whoami()


def test_what_is_missing_is_named(bench: Bench, tmp_path: Path) -> None:
    assert "tenant" in refused(bench, tenant_id="").message
    assert "is not named" in refused(bench, client_id="").message
    assert "is no appId" in refused(bench, client_id="payments").message
    assert "no credentials" in refused(bench, client_secret_file="").message
    assert "no tenant of its own" in refused(bench, tenant_id="common").message
    assert "neither an id nor a domain" in refused(bench, tenant_id="x/../y").message
    gone = str(tmp_path / "gone")
    said = refused(bench, client_secret_file=gone)
    assert gone not in said.message
    file = tmp_path / "half.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    assert "PEM" in refused(bench, certificate_file=str(file)).message


def test_a_refused_secret_is_told_by_code_alone(bench: Bench, tmp_path: Path) -> None:
    wrong = bench.tenant.new_secret()
    file = tmp_path / "wrong"
    file.write_text(wrong)
    said = refused(bench, client_secret_file=str(file))
    assert said.code == "AADSTS7000215"


@pytest.mark.parametrize(
    ("sort", "code"),
    [("secret", "AADSTS7005003"), ("certificate", "AADSTS7005004"), ("federated", "AADSTS7005005"),
     ("issuance", "AADSTS7005006")],
)  # fmt: skip
def test_a_revoked_credential_is_said_to_be_dead(bench: Bench, sort: str, code: str) -> None:
    """Facts entra.md 10: codes that say it by themselves. It is still listed."""
    scene = bench.scene
    key, private = plant_keys.add_key(bench.tenant, scene.application, "mine", START)
    [trust] = scene.application.trusts.values()
    secret = next(p for p in scene.application.passwords.values() if p.name == "production")
    forge, _ = plant_keys.new_pair("forge")
    signed = {
        "certificate": plant_keys.own(scene, private),
        "federated": plant_keys.foreign(scene, forge, plant_keys.SUBJECT),
    }  # fmt: skip
    credential: Any = secret.value
    if sort in signed:
        credential = {"client_assertion": lambda: signed[sort]["client_assertion"]}
    ids = {
        "secret": secret.key_id, "certificate": key.key_id, "federated": trust.id, "issuance": scene.principal.app_id,
    }  # fmt: skip
    bench.conn.whoami()
    assert isinstance(bench.conn.signs_in(scene.principal.app_id, credential), Granted)
    with bench.tenant.lock:
        bench.tenant.revoked.add(ids[sort])
    said = bench.conn.signs_in(scene.principal.app_id, credential)
    assert isinstance(said, Refused)
    assert (said.code, said.of_client) == (code, True)
    assert bench.accesses(APP)[f"entra:client-secret/{scene.application.id}/{secret.key_id}"].state == "live"


def test_a_revoked_operator_is_told_so(bench: Bench) -> None:
    with bench.tenant.lock:
        application = bench.tenant.application_of(bench.settings.client_id)
        assert application is not None
        bench.tenant.revoked.update(application.passwords)
    said = refused(bench)
    assert said.code == "AADSTS7005003"
    assert "revoked" in said.hint


def test_an_unknown_tenant_is_said_to_be(bench: Bench) -> None:
    with pytest.raises(Missing, match="no such tenant"):
        bench.connect(tenant_id="elsewhere.example").whoami()


def test_requests_are_counted_for_the_tenants_id_whatever_it_is_called(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = bench.connect()
    assert conn.counted_for == conn.scope == TENANT
    monkeypatch.setattr(EntraConnection, "scope", "example.com")
    assert conn.counted_for == ""
    conn.whoami()
    assert conn.counted_for == TENANT


def test_a_disabled_operator_is_told_so(bench: Bench) -> None:
    with bench.tenant.lock:
        mine = bench.tenant.principal_of(bench.settings.client_id)
        assert mine is not None
        mine.enable(False, START, 0)
    assert refused(bench).code == "AADSTS7000112"


@pytest.mark.parametrize(
    ("host", "graph"),
    [
        ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        ("login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
        ("https://login.chinacloudapi.cn/", "https://microsoftgraph.chinacloudapi.cn"),
        ("", "https://graph.microsoft.com"),
    ],
)
def test_national_clouds_by_their_authority(host: str, graph: str) -> None:
    """Facts entra.md 8, 35."""
    assert cloud_of(EntraSettings(), {"AZURE_AUTHORITY_HOST": host}).graph_url == graph


def test_national_clouds_by_name() -> None:
    for name, cloud in CLOUDS.items():
        assert cloud_of(EntraSettings(cloud=name), {}).login_url == cloud.login
    with pytest.raises(Unauthenticated, match="'moon' is not known"):
        cloud_of(EntraSettings(cloud="moon"), {})
    with pytest.raises(Unauthenticated, match="not known"):
        cloud_of(EntraSettings(), {"AZURE_AUTHORITY_HOST": "login.evil.example"})


@pytest.mark.parametrize(
    "url", ["http://graph.example", "https://a@b.example", "ftp://x", "https://x/?q", "http://[", "x"]
)
def test_no_secret_goes_to_an_address_that_is_none(url: str) -> None:
    for settings in (EntraSettings(graph_url=url), EntraSettings(login_url=url)):
        with pytest.raises(Unauthenticated):
            cloud_of(settings, {})


def test_a_token_service_that_points_elsewhere_is_not_followed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """msal takes the token endpoint from a discovery document: documented endpoints are used, and none is asked for."""
    monkeypatch.setattr("nhi_revoke_entra.sandbox.routes_tokens.HOST", "https://evil.example")
    bench.sandbox.gate.calls.clear()
    bench.connect().whoami()
    assert [c.name for c in bench.sandbox.calls()] == ["POST /<tenant>/oauth2/v2.0/token"]


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x/v2.0/.well-known/openid-configuration", "https://login.microsoftonline.com/x/y",
     "https://login.microsoftonline.com/a/b/v2.0/.well-known/openid-configuration"],
)  # fmt: skip
def test_endpoints_are_told_of_a_tenant_of_this_cloud_alone(bench: Bench, url: str) -> None:
    http = TokenHttp(bench.io, CLOUDS["public"], VendorClock(bench.io.now))
    with pytest.raises(Rejected, match="another address"):
        http.get(url)
    with pytest.raises(Rejected, match="another address"):
        http.post(url.replace("login.microsoftonline.com", "evil.example"))
    assert bench.sandbox.calls() == ()


def test_the_operators_repr_shows_no_credential(bench: Bench) -> None:
    operator = operator_of(bench.settings, {})
    assert secret_of(bench) not in repr(operator)
    assert seed.RESPONDER not in repr(operator)


@pytest.mark.parametrize(
    ("typed", "nearest"), [("managed", 'Did you mean "managed-identity"?'), ("azure-cli", "Valid: az, client, ")]
)
def test_a_way_that_is_none_gets_the_valid_ones_and_the_nearest(bench: Bench, typed: str, nearest: str) -> None:
    said = refused(bench, sign_in=typed)
    assert f"sign_in {typed!r} is no way" in said.message
    assert nearest in said.hint
    assert "one of: client, managed-identity, az, device-code." in said.hint
    assert not bench.sandbox.calls()


def test_no_way_named_is_the_apps_own_and_so_is_client(bench: Bench) -> None:
    for named in ("", "client", " client "):
        assert [ref.id for ref in bench.connect(sign_in=named).whoami()] == [bench.settings.client_id]


@pytest.mark.parametrize("way", ["az", "device-code", "managed-identity"])
def test_each_way_needs_the_tenant_that_is_meant(bench: Bench, way: str) -> None:
    """Whatever somebody is signed in to may be another one."""
    assert "no tenant of Entra is named" in refused(bench, sign_in=way, tenant_id="").message


USER, APP_ID, PRINCIPAL = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")


@pytest.mark.parametrize(
    ("claims", "principals"),
    [
        ({"appid": APP_ID, "oid": PRINCIPAL, "idtyp": "app"}, [f"entra:app/{APP_ID}"]),
        ({"azp": APP_ID.upper(), "oid": PRINCIPAL, "idtyp": "app"}, [f"entra:app/{APP_ID}"]),
        ({"appid": APP_ID, "oid": USER, "idtyp": "user"}, [f"entra:user/{USER}", f"entra:app/{APP_ID}"]),
        ({"appid": APP_ID, "oid": USER, "scp": "User.Read"}, [f"entra:user/{USER}", f"entra:app/{APP_ID}"]),
        ({"appid": APP_ID, "oid": PRINCIPAL}, [f"entra:user/{PRINCIPAL}", f"entra:app/{APP_ID}"]),
        ({"appid": APP_ID, "idtyp": "user"}, None),
        ({"appid": "payments", "oid": USER, "idtyp": "user"}, None),
        ({"appid": ["x"], "oid": USER}, None),
        ({"oid": USER, "idtyp": "app"}, None),
    ],
)
def test_whose_a_token_is_by_its_claims(claims: dict[str, Any], principals: list[str] | None) -> None:
    """In doubt both are left alone; what cannot be told is not guessed."""
    holder = holder_of(f"e30.{part({'tid': TENANT, **claims})}.x")
    assert (None if holder is None else [str(ref) for ref in holder.principals]) == principals


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.!.c", "a.bnVsbA.c", "a.eyJ.c", "é.é.é", "a.b.c.d"])
def test_an_opaque_token_tells_nobody(token: str) -> None:
    assert holder_of(token) is None
