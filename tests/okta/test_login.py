"""How the operator signs in: an API token, or a service app by its private key; from settings, files and variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_okta.connection import OktaConnection
from tests.http_kit.conftest import everything_said

from .conftest import APP, START, USER, Bench
from .responder import KID, Curve, Responder, jwk_of, new_key, pem_of, signed_in


def token_of(bench: Bench) -> str:
    return Path(bench.settings.token_file).read_text()


def works(conn: OktaConnection) -> bool:
    """One read that needs a scope, and one change's permission is not needed for it."""
    return bool([row["id"] for row in conn.rows("/api/v1/apps", "okta.apps.read")])


def refused(bench: Bench, conn: OktaConnection, *secrets: str) -> Unauthenticated:
    """It is, with a way to go, and nothing that is secret is told anywhere."""
    with pytest.raises(Unauthenticated) as said:
        conn.whoami()
    everything = everything_said(said.value)
    for secret in (*secrets, *bench.sandbox.canaries()):
        assert secret not in everything
    assert said.value.hint
    return said.value


def nothing_asked(bench: Bench) -> bool:
    return not bench.sandbox.calls()


# -- API token -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["{}", "{}\n", "  {}\r\n", "\ufeff{}\n"])
def test_an_api_token_from_a_file(bench: Bench, tmp_path: Path, around: str) -> None:
    file = tmp_path / "token"
    file.write_text(around.format(token_of(bench)))
    assert works(bench.connect(token_file=str(file)))


def test_an_api_token_from_the_sdks_variables(bench: Bench) -> None:
    environ = {"OKTA_CLIENT_TOKEN": f" {token_of(bench)}\n", "OKTA_CLIENT_ORGURL": f"{bench.sandbox.url}/"}
    assert works(bench.connect(environ, token_file="", org_url=""))
    environ["OKTA_CLIENT_AUTHORIZATIONMODE"] = "SSWS"
    assert works(bench.connect(environ, token_file="", org_url=""))


def test_settings_go_before_variables(bench: Bench) -> None:
    environ = {
        "OKTA_CLIENT_TOKEN": "stale",
        "OKTA_CLIENT_ORGURL": "https://other.example",
        "OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey",
    }
    assert works(bench.connect(environ))


def test_no_credentials(bench: Bench) -> None:
    said = refused(bench, bench.connect(token_file=""))
    assert "no Okta credentials" in said.message
    assert "OKTA_CLIENT_TOKEN" in said.hint
    assert nothing_asked(bench)


@pytest.mark.parametrize("text", ['"{}"', "“{}”", "token = {}", "{}\nmore", "ü{}", "{}\x00"])
def test_what_cannot_be_a_token_is_not_sent(bench: Bench, tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text.format("0" * 42))
    if text.startswith('"'):  # it could be one: only the org knows
        assert "does not accept" in refused(bench, bench.connect(token_file=str(file)), "0" * 42).message
        return
    said = refused(bench, bench.connect(token_file=str(file)), "0" * 42)
    assert "holds characters" in said.message
    assert nothing_asked(bench)


@pytest.mark.parametrize("setting", ["token_file", "private_key_file"])
def test_a_secret_in_the_place_of_its_path_is_not_told(bench: Bench, setting: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {"token_file": "", "client_id": "0oa"} if setting == "private_key_file" else {}
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for value in (
        "00leaked-token-in-the-wrong-place",
        "secret\x00key",
        "x" * 5000,
        str(tmp_path),
        str(binary),
        "~nobody/x",
    ):
        said = refused(bench, bench.connect(**{**more, setting: value}), value)
        assert setting in said.message
    assert nothing_asked(bench)


def test_a_revoked_api_token(bench: Bench) -> None:
    conn = bench.connect()
    assert works(conn)
    with bench.org.lock:
        [token] = [t for t in bench.org.api_tokens.values() if t.value == token_of(bench)]
        token.status.set("GONE", bench.sandbox.now(), 0)
    said = refused(bench, conn)
    assert said.code == "E0000011"
    assert "revoked or expired" in said.hint


# -- private_key_jwt -----------------------------------------------------------------------------------------------

FORMS = ["pkcs8", "old", "escaped", "jwk"]


def text_of(key: Any, form: str) -> str:
    if form == "jwk":
        return json.dumps(jwk_of(key, kid=KID))
    pem = pem_of(key, old=form == "old")
    return pem.replace("\n", "\\n") if form == "escaped" else pem


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521"])
def test_a_private_key_by_settings(bench: Bench, tmp_path: Path, kind: Curve, form: str) -> None:
    who = Responder(bench.sandbox, kind)
    conn = signed_in(bench, who, tmp_path, text_of(who.key, form))
    assert works(conn)
    assert str(conn.whoami()[0]) == f"okta:app/{who.app.id}"


@pytest.mark.parametrize("form", [*FORMS, "path"])
def test_a_private_key_by_the_sdks_variables(bench: Bench, tmp_path: Path, form: str) -> None:
    who = Responder(bench.sandbox, "RSA")
    (tmp_path / "key.pem").write_text(pem_of(who.key))
    environ = {
        "OKTA_CLIENT_ORGURL": bench.sandbox.url,
        "OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey",
        "OKTA_CLIENT_CLIENTID": who.app.client_id,
        "OKTA_CLIENT_PRIVATEKEY": str(tmp_path / "key.pem") if form == "path" else text_of(who.key, form),
        "OKTA_CLIENT_KID": KID,
        "OKTA_CLIENT_SCOPES": "okta.apps.read,okta.users.read",
        "OKTA_CLIENT_TOKEN": "stale",
    }
    assert works(bench.connect(environ, token_file="", org_url=""))
    [token] = [t for t in bench.org.access_tokens.values() if t.app == who.app.id]
    assert token.scopes == ("okta.apps.read", "okta.users.read")
    for left_out, words in {
        "OKTA_CLIENT_ORGURL": "no Okta org is named",
        "OKTA_CLIENT_CLIENTID": "client id is not named",
        "OKTA_CLIENT_PRIVATEKEY": "private key is not named",
    }.items():
        less = {name: value for name, value in environ.items() if name != left_out}
        said = refused(bench, bench.connect(less, token_file="", org_url=""), *who.secrets())
        assert words in said.message
        assert left_out in said.hint


def test_a_private_key_without_a_mode_or_a_token_is_what_is_meant(bench: Bench) -> None:
    who = Responder(bench.sandbox)
    environ = {"OKTA_CLIENT_CLIENTID": who.app.client_id, "OKTA_CLIENT_PRIVATEKEY": text_of(who.key, "jwk")}
    assert works(bench.connect(environ, token_file=""))
    environ["OKTA_CLIENT_SCOPES"] = "okta.apps.read okta.roles.read"
    assert works(bench.connect(environ, token_file=""))


@pytest.mark.parametrize("mode", ["Bearer", "JWT", "none"])
def test_a_mode_that_is_not_known_is_not_guessed(bench: Bench, mode: str) -> None:
    environ = {"OKTA_CLIENT_AUTHORIZATIONMODE": mode, "OKTA_CLIENT_TOKEN": token_of(bench)}
    assert "neither SSWS nor PrivateKey" in refused(bench, bench.connect(environ, token_file="")).message
    assert nothing_asked(bench)


def test_half_by_settings_half_by_variables(bench: Bench) -> None:
    who = Responder(bench.sandbox)
    environ = {"OKTA_CLIENT_PRIVATEKEY": pem_of(who.key), "OKTA_CLIENT_KID": KID}
    assert works(bench.connect(environ, token_file="", client_id=who.app.client_id))


def not_keys() -> dict[str, str]:
    """Texts that are no private key that Okta takes; each with something secret in it."""
    key = new_key("P-256")
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    without = {name: value for name, value in jwk_of(key).items() if name != "kty"}
    return {
        "a public key": public.decode(),
        "a public JWK": json.dumps(jwk_of(key.public_key())),
        "a PEM with a password": pem_of(key, password=b"hunter2"),
        "a shared secret": json.dumps({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"}),
        "another curve": pem_of(ec.generate_private_key(ec.SECP256K1())),
        "Ed25519": pem_of(ed25519.Ed25519PrivateKey.generate()),
        "a JWK without its kind": json.dumps(without),
        "a JWK of a kind that is none": json.dumps({**jwk_of(key), "kty": "XX"}),
        "a JWK with a part missing": json.dumps({**without, "kty": "EC", "x": ""}),
        "a set of JWKs": json.dumps({"keys": [jwk_of(key)]}),
        "a list": json.dumps([jwk_of(key)]),
        "half a JWK": json.dumps(jwk_of(key))[:-9],
        "half a PEM": "\n".join(pem_of(key).splitlines()[:2]),
        "a PEM of nothing": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
    }


@pytest.mark.parametrize("what", list(not_keys()))
@pytest.mark.parametrize("way", ["file", "variable"])
def test_what_is_no_private_key_is_not_told(bench: Bench, tmp_path: Path, what: str, way: str) -> None:
    who = Responder(bench.sandbox)
    text = not_keys()[what]
    if way == "file":
        conn = signed_in(bench, who, tmp_path, text)
    else:
        conn = bench.connect({"OKTA_CLIENT_PRIVATEKEY": text}, token_file="", client_id=who.app.client_id)
    said = refused(bench, conn, *[part for part in text.replace('"', "\n").split() if len(part) > 12])
    assert "private key cannot be read" in said.message
    assert nothing_asked(bench)


def test_a_bare_key_in_the_variable_is_taken_for_a_path_and_not_told(bench: Bench) -> None:
    body = "".join(Responder(bench.sandbox).secrets()[:-1])
    said = refused(bench, bench.connect({"OKTA_CLIENT_PRIVATEKEY": body}, token_file="", client_id="0oa"), body)
    assert "OKTA_CLIENT_PRIVATEKEY" in said.message


def test_an_empty_key_file(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    assert "is not named" in refused(bench, signed_in(bench, who, tmp_path, " \n")).message


@pytest.mark.parametrize("wrong", ["key", "kid", "client", "inactive key", "inactive app"])
def test_an_app_that_the_org_does_not_know_so(bench: Bench, tmp_path: Path, wrong: str) -> None:
    who = Responder(bench.sandbox)
    text, changes = pem_of(who.key), dict[str, Any]()
    if wrong == "key":
        text = pem_of(new_key("P-256"))
    elif wrong == "kid":
        changes["key_id"] = "another"
    elif wrong == "client":
        changes["client_id"] = "0oa" + "x" * 17
    elif wrong == "inactive key":
        who.registered.status = Lagged("INACTIVE", START)
    else:
        who.app.status = Lagged("INACTIVE", START)
    said = refused(bench, signed_in(bench, who, tmp_path, text, **changes), *who.secrets(), text)
    assert said.code == "invalid_client"
    assert "private_key_file" in said.hint
    assert len(bench.sandbox.calls()) == 1, "a wrong key is not tried twice"


def test_the_key_id_of_a_jwk_and_the_one_that_is_named(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    assert works(signed_in(bench, who, tmp_path, json.dumps(jwk_of(who.key, kid=KID)), key_id=""))
    assert works(signed_in(bench, who, tmp_path, json.dumps(jwk_of(who.key, kid="old")), key_id=KID))
    refused(bench, signed_in(bench, who, tmp_path, json.dumps(jwk_of(who.key, kid="old")), key_id=""))


def test_the_service_app_goes_before_the_api_token(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path, token_file=bench.settings.token_file)
    assert [r.kind for r in conn.whoami()] == ["app"]


def test_nothing_is_read_or_asked_before_the_first_call(bench: Bench) -> None:
    bench.connect(token_file="/does/not/exist")
    bench.connect(org_url="nonsense")
    assert nothing_asked(bench)


def test_both_ways_see_the_same(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    by_token = (bench.resolve(APP), bench.resolve(USER))
    bench.conn = signed_in(bench, who, tmp_path)
    assert (bench.resolve(APP), bench.resolve(USER)) == by_token


def test_a_key_is_in_no_repr(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)
    conn.whoami()
    tokens = [t.value for t in bench.org.access_tokens.values()]
    seen = repr(vars(conn)) + repr(vars(conn._login)) + repr(conn.settings)
    assert tokens
    for secret in (*tokens, *who.secrets(), token_of(bench)):
        assert secret not in seen
