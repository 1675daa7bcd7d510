"""Google Cloud: key files, API keys, OAuth's tokens and secrets, HMAC keys; and what only looks like one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache

from nhi_revoke.model.liveness import Alive
from nhi_revoke.provider.spotting import digest

from .making import LATER, URL, Maker
from .sample import LookAlike, Sample

MAKER = Maker("gcp")
EMAIL = "payments@shop-prod.iam.gserviceaccount.com"
OWNER = f"gcp:sa/{EMAIL}"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@cache
def pem() -> str:
    """A key of nobody's: small, since a large one takes long to make."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it signs nothing
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_file(key_id: str, email: str = EMAIL, **more: str) -> dict[str, str]:
    return {
        "type": "service_account", "project_id": "shop-prod", "private_key_id": key_id, "private_key": pem(),
        "client_email": email, "client_id": "115823456789012345678",
        "token_uri": "https://oauth2.googleapis.com/token", **more,
    }  # fmt: skip


def of_key(name: str, around: str = "{}", indent: int | None = 2, owner: str = OWNER, **more: str) -> Sample:
    key_id = MAKER.hex(40)
    text = around.replace("{}", json.dumps(key_file(key_id, **more), indent=indent))
    return Sample(f"gcp-{name}", text, "gcp:key", key_id, pem(), owner)


def of_wrapped_key(name: str, text: str, *, encoded: bool) -> Sample:
    """In base64, or as a text within a document."""
    key_id = MAKER.hex(40)
    file = json.dumps(key_file(key_id), indent=2)
    spelled = base64.b64encode(file.encode()).decode() if encoded else json.dumps(file)
    return Sample(f"gcp-{name}", text.replace("{}", spelled), "gcp:key", key_id, pem(), OWNER)


def sample(name: str, text: str, kind: str, value: str, state: Alive = "dead", public_id: str = "") -> Sample:
    return Sample(f"gcp-{name}", text.format(value), f"gcp:{kind}", public_id or digest(value), value, state=state)


def api_key() -> str:
    return f"AIza{MAKER.drawn(35, URL)}"


def bearer(middle: str = "") -> str:
    return f"ya29.{middle}{MAKER.drawn(140, URL)}"


def refresh() -> str:
    return f"1//0{MAKER.drawn(99, URL)}"


def oauth_secret() -> str:
    return f"GOCSPX-{MAKER.drawn(28, URL)}"


def client() -> str:
    return f"{MAKER.drawn(12, '123456789')}-{MAKER.drawn(32, 'abcdefghij0123456789')}.apps.googleusercontent.com"


def access_id() -> str:
    return f"GOOG1E{MAKER.drawn(55, BASE32)}"


def of_hmac(name: str, text: str, secret: str = "") -> Sample:
    """Without a secret its id alone stands in the text."""
    key = access_id()
    return Sample(f"gcp-{name}", text.format(key, secret), "gcp:hmac-key", key, secret, state="unknown")


CLIENT = client()
SAMPLES: tuple[Sample, ...] = (
    of_key("key-file"),
    of_key("key-on-one-line", indent=None),
    of_key("key-in-a-log", "2026-11-28 loaded {} from disk"),
    of_key("key-in-a-document", '{"apiVersion": "v1", "data": {}}'),
    of_key("key-of-nobody", owner="", email="a@evil.example"),
    of_key("key-with-another-endpoint", token_uri="https://evil.example/token"),
    of_wrapped_key("key-in-base64", '{"private_key": "{}", "valid_after": "2026"}', encoded=True),
    of_wrapped_key("key-in-base64-in-env", "GCP_SA_KEY={}\n", encoded=True),
    of_wrapped_key("key-as-a-text", '{"credentials": {}, "project": "shop-prod"}', encoded=False),
    sample("api-key", "{}", "api-key", api_key()),
    sample("api-key-in-url", "GET https://example.com/v1/x?key={}&alt=json", "api-key", api_key()),
    sample("api-key-new-form", "GEMINI_API_KEY={}\n", "api-key", f"AQ.{MAKER.drawn(50, URL)}"),
    sample("access-token", "Authorization: Bearer {}", "access-token", bearer()),
    sample("access-token-of-account", '{{"access_token": "{}", "expires_in": 3599}}', "access-token", bearer("c.")),
    sample("access-token-in-log", "token={} scope=cloud-platform", "access-token", bearer("a0")),
    sample("refresh-token", '{{"refresh_token": "{}"}}', "refresh-token", refresh(), "unknown"),
    sample("refresh-token-in-env", "GOOGLE_REFRESH_TOKEN={}", "refresh-token", refresh(), "unknown"),
    sample("client-secret", "client_secret: {}", "oauth-client-secret", oauth_secret(), "unknown"),
    sample(
        "client-secret-of-client", f'{{{{"client_id": "{CLIENT}", "client_secret": "{{}}"}}}}', "oauth-client-secret",
        oauth_secret(), "unknown", CLIENT,
    ),
    of_hmac("hmac-id", "aws_access_key_id = {}"),
    of_hmac("hmac-key", '{{"accessId": "{}", "secret": "{}"}}', MAKER.blob(30)),
    of_hmac("hmac-in-ini", "[s3]\naccess_key = {}\nsecret_key = {}\n", MAKER.blob(30)),
)  # fmt: skip


def _texts() -> Iterator[tuple[str, str]]:
    for number in range(3):
        yield f"api-key-short-{number}", api_key()[:-1]
        yield f"api-key-long-{number}", api_key() + "a"
        yield f"api-key-in-a-word-{number}", f"x{api_key()}"
        yield f"client-id-{number}", client()
        yield f"number-{number}", MAKER.drawn(21, "123456789")
    yield "api-key-placeholder", "AIza" + "X" * 35
    yield "api-key-typed", "AIzaSyYourApiKeyHereReplaceThisValue01_"
    yield "api-key-documented", "AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe"
    yield "api-key-new-short", f"AQ.{MAKER.drawn(49, URL)}"
    yield "api-key-new-placeholder", "AQ." + "x" * 50
    yield "bearer-short", f"ya29.{MAKER.drawn(20, URL)}"
    yield "bearer-placeholder", "ya29." + "x" * 120
    yield "bearer-typed", "ya29.your-access-token-goes-here-and-is-longer-than-this-line"
    yield "bearer-in-a-word", f"a{bearer()}"
    yield "refresh-short", f"1//0{MAKER.drawn(20, URL)}"
    yield "refresh-placeholder", "1//0" + "x" * 90
    yield "refresh-in-base64", f"{MAKER.blob(30)[:40]}1//0{MAKER.drawn(60)}"
    yield "refresh-in-a-path", f"s3://bucket/1//0{MAKER.drawn(60)}"
    yield "secret-short", oauth_secret()[:-1]
    yield "secret-long", oauth_secret() + "a"
    yield "secret-placeholder", "GOCSPX-" + "x" * 28
    yield "secret-typed", "GOCSPX-your-client-secret-goes-here"
    yield "hmac-short", access_id()[:-1]
    yield "hmac-long", access_id() + "A"
    yield "hmac-small", access_id().lower()
    yield "hmac-placeholder", "GOOG1E" + "A" * 55
    yield "hmac-documented", "GOOGTS7C7FUP3AIRVJTE2BCDKINBTES3HC2GY5CBFJDCQ2SYHV6A6XXVTJFSA"
    yield "key-without-private-half", json.dumps({k: v for k, v in key_file("a" * 40).items() if k != "private_key"})
    yield "key-id-alone", f'"private_key_id": "{MAKER.hex(40)}"'
    yield "key-id-short", json.dumps(key_file(MAKER.hex(39)))
    yield "base64-of-another-object", base64.b64encode(json.dumps({"a": MAKER.blob(900)}).encode()).decode()
    yield "escaped-id-alone", json.dumps(json.dumps({"private_key_id": MAKER.hex(40)}))
    yield "account", EMAIL
    yield "id-token", MAKER.jwt(iss="https://accounts.google.com", aud="x", sub="115823456789012345678", exp=LATER)
    yield "resource", f"projects/shop-prod/serviceAccounts/{EMAIL}/keys/{MAKER.hex(40)}"
    yield "private-key-alone", pem()


LOOKALIKES: tuple[LookAlike, ...] = tuple(LookAlike(f"gcp-{name}", text) for name, text in (*_texts(), *MAKER.common()))
