"""`report -o caep --sign-with`: real tokens by a real key, and nothing of the key anywhere."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nhi_revoke.render.caep import TYPES
from nhi_revoke.testing.conformance import World
from tests.cli.conftest import Cli

ISSUER, AUDIENCE = "https://ir.example/", "https://sp.example/"


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def signing(path: Path) -> tuple[str, ...]:
    return ("--sign-with", str(path), "--issuer", ISSUER, "--audience", AUDIENCE, "--key-id", "2026-1")


def test_each_event_is_a_token_that_its_receiver_can_verify(cli: Cli, key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    cli("revoke", "payments-bot", "--yes", "--allow-irreversible", "--case", "IR-17")
    (tmp_path / "key.pem").write_bytes(pem(key))
    plain = cli("report", "@last", "-o", "caep")
    ran = cli("report", "@last", "-o", "caep", *signing(tmp_path / "key.pem"))
    assert ran.code == plain.code
    tokens = ran.out.splitlines()
    assert len(tokens) == len(plain.json["claims"]) > 0
    for token, unsigned in zip(tokens, plain.json["claims"], strict=True):
        assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "secevent+jwt", "kid": "2026-1"}
        claims = jwt.decode(token, key.public_key(), algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
        assert {"sub", "exp"}.isdisjoint(claims)
        assert claims["sub_id"] == {"format": "iss_sub", "iss": ISSUER, "sub": unsigned["sub_id"]["id"]}
        assert (claims["jti"], claims["events"]) == (unsigned["jti"], unsigned["events"])
        assert all(name.startswith(TYPES) for name in claims["events"])
    for each in plain.json["not_claimed"]:
        assert f"NOT CLAIMED  {each['on']}  session-revoked: {each['why']}" in ran.err
    assert cli("report", "@last", "-o", "caep", "-q", *signing(tmp_path / "key.pem")).err == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-o", "caep", "--sign-with", "key.pem"), "signed events need --issuer, --audience, --key-id, too"),
        (("-o", "caep", "--issuer", ISSUER), "signed events need --sign-with, --audience, --key-id, too"),
        (("-o", "caep", "--redact", *signing(Path("key.pem"))), "no receiver knows a pseudonym"),
        (("-o", "html", *signing(Path("key.pem"))), "it goes with -o caep alone"),
        (("-o", "caep", *signing(Path("nowhere.pem"))), "cannot be read: No such file or directory"),
        (("-o", "caep", *signing(Path("short.pem"))), "names no private key that fits: RSA of 2048 bits"),
        (("-o", "caep", *signing(Path("curve.pem"))), "names no private key that fits: RSA of 2048 bits"),
        (("-o", "caep", *signing(Path("other.pem"))), "names no private key that fits: RSA of 2048 bits"),
    ],
)
def test_half_of_it_or_a_key_that_does_not_fit_is_refused(
    cli: Cli, world: World, words: tuple[str, ...], says: str
) -> None:
    cli("revoke", "payments-bot", "--yes", "--allow-irreversible")
    folder = world.folder
    (folder / "short.pem").write_bytes(pem(rsa.generate_private_key(65537, 1024)))  # noqa: S505 - too short is the point
    (folder / "curve.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    (folder / "other.pem").write_text("hunter2-is-no-key")
    ran = cli("report", "@last", *words)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert "hunter2" not in ran.err
