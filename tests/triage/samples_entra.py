"""Entra: client secrets with and without the ids that say whose they are, JWTs by issuer, refresh tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nhi_revoke.model.liveness import Alive
from nhi_revoke.provider.spotting import digest

from .making import BASE62, LATER, PAST, Maker
from .sample import LookAlike, Sample

MAKER = Maker("entra")
LETTERS = BASE62 + "_-~."
TENANT, CLIENT, USER, ROLE_ID = (MAKER.guid() for _ in range(4))
APP = f"entra:app/{CLIENT}"
GRAPH = "https://graph.microsoft.com"
V1, V2 = f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.com/{TENANT}/v2.0"


def secret(version: str = "8", length: int = 34) -> str:
    """It neither begins nor ends as a sentence does."""
    return f"{MAKER.drawn(3)}{version}Q~{MAKER.drawn(length - 1, LETTERS)}{MAKER.drawn(1)}"


def access(**claims: Any) -> str:
    told = {"aud": GRAPH, "iss": V1, "exp": LATER, "appid": CLIENT, "oid": ROLE_ID, "idtyp": "app", "tid": TENANT}
    return MAKER.jwt(**{**told, **claims})


def for_user(**claims: Any) -> str:
    return access(**{"idtyp": "user", "oid": USER, "scp": "User.Read Mail.Read", **claims})


def refresh(begins: str = "0.A") -> str:
    return f"{begins}{MAKER.drawn(60, BASE62 + '_-')}.AgABAAEAAAD{MAKER.drawn(300, BASE62 + '_-')}"


def sample(name: str, text: str, kind: str, value: str, state: Alive = "dead", owner: str = "") -> Sample:
    return Sample(f"entra-{name}", text.replace("{}", value), f"entra:{kind}", digest(value), value, owner, state)


def of_secret(name: str, text: str, value: str, owner: str = "") -> Sample:
    """Of an app that the sandbox does not know: it may be another tenant's."""
    return sample(name, text, "client-secret", value, "unknown", owner)


ENV = f"AZURE_TENANT_ID={TENANT}\nAZURE_CLIENT_ID={CLIENT}\nAZURE_CLIENT_SECRET={{}}\n"
AZ = f'{{"appId": "{CLIENT}", "displayName": "bot", "password": "{{}}", "tenant": "{TENANT}"}}'.replace("{{}}", "{}")
LOGIN = f"az login --service-principal -u {CLIENT} -p '{{}}' --tenant {TENANT}".replace("{{}}", "{}")
SAMPLES: tuple[Sample, ...] = (
    of_secret("secret-bare", "{}", secret()),
    of_secret("secret-quoted", "pw = '{}'", secret()),
    of_secret("secret-at-the-end", "The leaked one is {}.", secret()),
    of_secret("secret-former", "client_secret: {}", secret("7", 31)),
    of_secret("secret-in-env", ENV, secret(), APP),
    of_secret("secret-of-az", AZ, secret(), APP),
    of_secret("secret-on-a-line", LOGIN, secret(), APP),
    of_secret(
        "secret-in-terraform", f'client_id = "{CLIENT}"\nclient_secret = "{{}}"\ntenant_id = "{TENANT}"', secret(), APP
    ),
    of_secret("secret-without-tenant", f"ARM_CLIENT_ID={CLIENT}\nARM_CLIENT_SECRET={{}}", secret(), APP),
    sample("graph-token", "Authorization: Bearer {}", "access-token", access(), owner=APP),
    sample("graph-token-v2", "{}", "access-token", access(iss=V2, appid=None, azp=CLIENT), owner=APP),
    sample("graph-token-of-user", '"access_token":"{}"', "access-token", for_user(), owner=f"entra:user/{USER}"),
    sample("ended-token", "token={}", "access-token", access(exp=PAST), owner=APP),
    sample("vault-token", "Bearer {}", "access-token", access(aud="https://vault.azure.net"), "unknown", APP),
    sample(
        "government-token", "{}", "access-token",
        access(iss=f"https://login.microsoftonline.us/{TENANT}/v2.0", aud=MAKER.guid()), "unknown", APP,
    ),
    sample(
        "id-token", "id_token={}", "id-token", MAKER.jwt(iss=V2, aud=CLIENT, oid=USER, tid=TENANT, exp=LATER),
        "unknown", f"entra:user/{USER}",
    ),
    sample("refresh-token", '{"refresh_token": "{}"}', "refresh-token", refresh(), "unknown"),
    sample("refresh-token-newer", "refresh_token={}&grant_type=x", "refresh-token", refresh("1.A"), "unknown"),
    sample(
        "refresh-token-in-cache", '{"credential_type": "RefreshToken", "secret": "{}"}', "refresh-token", refresh(),
        "unknown",
    ),
)  # fmt: skip


def _texts() -> Iterator[tuple[str, str]]:
    for number in range(3):
        yield f"secret-short-{number}", secret(length=33)
        yield f"secret-long-{number}", secret(length=35)
        yield f"secret-former-long-{number}", secret("7", 32)
        yield f"secret-other-version-{number}", secret("6")
        yield f"secret-no-tilde-{number}", f"{MAKER.drawn(3)}8Q-{MAKER.drawn(34)}"
        yield f"secret-id-{number}", f"client_secret_id = {MAKER.guid()}"
        yield f"refresh-without-words-{number}", refresh()
    yield "secret-placeholder", "xxx8Q~" + "x" * 34
    yield "secret-typed", "abc8Q~your-client-secret-value-goes-here-0"
    yield "secret-in-a-url", f"https://example.com/a/{secret()}/b"
    yield "secret-in-base64", f"{MAKER.blob(30)[:20]}8Q~{MAKER.blob(60)}"
    yield "hint", "hint: abc8Q~"
    yield "documented", "client_secret=sampleCredentia1s"
    yield "thumbprint", f"x5t: {MAKER.hex(40).upper()}"
    for name, issuer in (
        ("elsewhere", f"https://login.example.com/{TENANT}/v2.0"),
        ("before", f"https://sts.windows.net.evil.example/{TENANT}/"),
        ("plain", f"http://sts.windows.net/{TENANT}/"),
        ("port", f"https://sts.windows.net:8443/{TENANT}/"),
        ("user", f"https://evil.example/@sts.windows.net/{TENANT}/"),
        ("no-tenant", "https://sts.windows.net/common/"),
        ("b2c", f"https://acme.b2clogin.com/{TENANT}/v2.0/"),
        ("more", f"https://sts.windows.net/{TENANT}/more/"),
    ):
        yield f"issuer-{name}", access(iss=issuer)
    yield "assertion", MAKER.jwt(iss=CLIENT, sub=CLIENT, aud=V2, exp=LATER)
    yield "token-cut", access()[:200]
    yield "token-five-parts", f"{access()}.{MAKER.drawn(40)}.{MAKER.drawn(20)}"
    yield "refresh-short", f"refresh_token=0.A{MAKER.drawn(20)}"
    yield "refresh-of-another", f"refresh_token={MAKER.drawn(300)}"
    yield "version", "refresh_token rotation since 1.A and 0.A of the library"


LOOKALIKES: tuple[LookAlike, ...] = tuple(
    LookAlike(f"entra-{name}", text) for name, text in (*_texts(), *MAKER.common())
)
