"""Okta: API tokens with the words that make them ones, JWTs by issuer, secrets and keys of clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from nhi_revoke.model.liveness import Alive
from nhi_revoke.provider.spotting import digest

from .making import LATER, PAST, URL, Maker
from .sample import LookAlike, Sample

MAKER = Maker("okta")
CLIENT, USER = f"0oa{MAKER.drawn(17)}", f"00u{MAKER.drawn(17)}"
APP = f"okta:app/{CLIENT}"
ORG = "acme.okta.com"


def api_token() -> str:
    return f"00{MAKER.drawn(40, URL)}"


def secret(length: int = 64) -> str:
    return MAKER.drawn(length, URL)


def access(**claims: Any) -> str:
    told = {
        "iss": f"https://{ORG}", "sub": CLIENT, "cid": CLIENT, "jti": f"AT.{MAKER.drawn(43)}", "ver": 1,
        "aud": f"https://{ORG}", "scp": ["okta.apps.read"], "iat": PAST, "exp": LATER,
    }  # fmt: skip
    return MAKER.jwt(**{**told, **claims})


@cache
def jwk() -> str:
    """A key of nobody's."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from jwt.algorithms import ECAlgorithm

    made = json.loads(ECAlgorithm.to_jwk(generate_private_key(SECP256R1())))
    return json.dumps({**made, "kid": "found-key"})


def public_jwk() -> str:
    return json.dumps({name: told for name, told in json.loads(jwk()).items() if name != "d"})


def sample(
    name: str, text: str, kind: str, value: str, state: Alive = "dead", owner: str = "", public_id: str = ""
) -> Sample:
    whole = text.replace("{}", value)
    return Sample(f"okta-{name}", whole, f"okta:{kind}", public_id or digest(value), value, owner, state)


def of_client(name: str, text: str, value: str) -> Sample:
    return sample(name, text, "client-secret", value, owner=APP)


def of_token(name: str, text: str, state: Alive = "dead") -> Sample:
    return sample(f"api-token-{name}", text, "api-token", api_token(), state)


def of_access(name: str, text: str, value: str, state: Alive = "dead", owner: str = APP) -> Sample:
    return sample(f"access-token{name}", text, "access-token", value, state, owner)


def of_key(name: str, text: str) -> Sample:
    return sample(name, text, "client-key", jwk(), owner=APP, public_id="found-key")


SDK = f'{{"orgUrl": "https://{ORG}", "clientId": "{CLIENT}", "privateKey": KEY}}'.replace("KEY", "{}")
DOCUMENT = f'{{"clientId": "{CLIENT}", "clientSecret": "SECRET", "domain": "{ORG}"}}'.replace("SECRET", "{}")
FLAT = f"OKTA_OAUTH2_CLIENT_ID={CLIENT} OKTA_OAUTH2_CLIENT_SECRET={{}} # dev.okta-emea.com"
SERVER = f"https://{ORG}/oauth2/default"
SAMPLES: tuple[Sample, ...] = (
    of_token("in-header", f"curl -H 'Authorization: SSWS {{}}' https://{ORG}/api/v1/users"),
    of_token("in-env", f"OKTA_CLIENT_ORGURL=https://{ORG}\nOKTA_CLIENT_TOKEN={{}}\n"),
    of_token("of-console", "https://acme-admin.okta.com made okta_api_token: '{}'"),
    of_token("in-yaml", "okta:\n  client:\n    orgUrl: https://dev-123.oktapreview.com\n    token: {}\n"),
    of_token("without-org", "Authorization: SSWS {}", "unknown"),
    of_token("in-terraform", 'provider "okta" {\n  api_token = "{}"\n}', "unknown"),
    of_access("", "Bearer {}", access()),
    of_access("-of-user", "{}", access(sub=USER, uid=USER, scp=["openid", "email"]), owner=f"okta:user/{USER}"),
    of_access("-ended", "token={}", access(exp=PAST)),
    of_access("-bound", "DPoP {}", access(cnf={"jkt": "x"}), "unknown"),
    of_access("-of-server", '{"access_token": "{}"}', access(iss=SERVER, scp=["payments.write"]), "unknown"),
    of_access("-of-own-domain", "{}", access(iss="https://login.example.com")),
    of_client("client-secret", f"issuer=https://{ORG}\nclient_id={CLIENT}\nclient_secret={{}}\n", secret()),
    of_client("client-secret-in-json", DOCUMENT, secret()),
    of_client("client-secret-short", FLAT, secret(40)),
    of_key("client-key", SDK),
    of_key("client-key-before", f"{{}}\nclient {CLIENT} of {ORG}"),
)


def _texts() -> Iterator[tuple[str, str]]:
    for number in range(3):
        yield f"token-bare-{number}", api_token()
        yield f"token-beside-okta-{number}", f"okta request {api_token()} answered 200"
        yield f"token-short-{number}", f"Authorization: SSWS {api_token()[:-1]}"
        yield f"token-long-{number}", f"Authorization: SSWS {api_token()}a"
        yield f"token-other-field-{number}", f"gitlab_token: {api_token()}"
        yield f"secret-without-client-{number}", f"client_secret={secret()}"
        yield f"secret-of-another-{number}", f"client_id={MAKER.guid()} client_secret={secret()}"
    yield "token-hex", f"OKTA_TOKEN=00{MAKER.hex(40)}"
    yield "token-placeholder", "Authorization: SSWS 00" + "x" * 40
    yield "token-typed", "OKTA_API_TOKEN=00your-okta-api-token-goes-here-replace-it-"
    yield "token-other-begin", f"OKTA_API_TOKEN=01{MAKER.drawn(40, URL)}"
    yield "token-variable", "Authorization: SSWS ${api_token}"
    yield "token-id", f"okta token id 00T{MAKER.drawn(17)}"
    yield "client-id", f"okta client_id={CLIENT}"
    yield "secret-length", f"client_id={CLIENT} client_secret={secret(50)}"
    yield "secret-placeholder", f"client_id={CLIENT} client_secret={'x' * 64}"
    yield "secret-typed", f"client_id={CLIENT} client_secret=your-client-secret-from-the-console-goes"
    yield "secret-hash", f"client_id={CLIENT} client_secret={MAKER.hex(64)}"
    yield "secret-other-field", f"client_id={CLIENT} secret_hash={secret()}"
    yield "public-key", f'{{"clientId": "{CLIENT}", "jwks": {{"keys": [{public_jwk()}]}}}}'
    yield "key-without-client", jwk()
    yield "key-symmetric", f'{{"clientId": "{CLIENT}", "key": {{"kty": "oct", "k": "{secret(43)}"}}}}'
    for name, claims in (
        ("elsewhere", {"iss": "https://issuer.example.com", "jti": "one"}),
        ("before", {"iss": "https://acme.okta.com.evil.example", "jti": "one"}),
        ("end", {"iss": "https://evilokta.com", "jti": "one"}),
        ("plain", {"iss": "http://acme.okta.com"}),
        ("port", {"iss": "https://acme.okta.com:8443"}),
        ("path", {"iss": "https://acme.okta.com/other"}),
        ("no-client", {"cid": None}),
        ("scopes-in-words", {"iss": "https://login.example.com", "scp": "a b"}),
        ("no-issuer", {"iss": None}),
    ):
        yield f"jwt-{name}", access(**claims)
    yield "jwt-without-its-end", access()[:150]


LOOKALIKES: tuple[LookAlike, ...] = tuple(
    LookAlike(f"okta-{name}", text) for name, text in (*_texts(), *MAKER.common())
)
