"""Credentials of Okta in a text, by their shapes and by the words beside them. Pure.

An API token is `00` and forty characters, which is too common a word without `SSWS` before it, or Okta's name and a
field for tokens beside it. Okta docs: concepts/okta-organizations (domains), reference/api/oidc (claims: `cid`, `uid`,
`scp`, a `jti` that begins with `AT.`). A client secret has no shape: a field says what it is, and a client id of Okta's
own form whose. So it is with a private key, as JWK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from nhi_revoke.model.found import Leak
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.spotting import beside, digest, is_filler
from nhi_revoke.provider.unsigned_jwt import Jwt, jwts
from nhi_revoke_okta.naming import APP, APP_ID, USER, USER_ID, canonical

API_TOKEN, ACCESS_TOKEN = "okta:api-token", "okta:access-token"
CLIENT_SECRET, CLIENT_KEY = "okta:client-secret", "okta:client-key"
DOMAINS = ("okta.com", "oktapreview.com", "okta-emea.com")
"""Where Okta's orgs are."""
_DOMAIN = "|".join(map(re.escape, DOMAINS))
ORG = re.compile(
    rf"(?<![A-Za-z0-9.@_-])(?P<value>(?!(?:www|developer|help|support|login|trust)\.)[a-z0-9][a-z0-9-]{{0,62}}"
    rf"\.(?:{_DOMAIN}))(?![A-Za-z0-9-])(?!\.[A-Za-z0-9])",
    re.IGNORECASE,
)
TOKEN = re.compile(r"(?<![0-9A-Za-z_+/-])00[0-9A-Za-z_-]{40}(?![0-9A-Za-z_+/=-])")
SCHEME = re.compile(r"SSWS[\"'\s:=]{1,4}$")
FIELD = re.compile(r"(?:token|api[_-]?key|ssws)[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}[\"'(]{0,2}$", re.IGNORECASE)
NAMED = re.compile(r"(?P<value>okta)", re.IGNORECASE)
SECRET = re.compile(
    r"client[_.-]?secret[\"']?[\s:=\"'>]{1,6}(?P<value>[A-Za-z0-9_-]{64}|[A-Za-z0-9_-]{40})(?![A-Za-z0-9_+/=-])",
    re.IGNORECASE,
)
CLIENT = re.compile(r"(?<![0-9A-Za-z_-])(?P<value>0oa[0-9A-Za-z]{17})(?![0-9A-Za-z_-])")
KTY = re.compile(r'"kty"\s*:\s*"(?:RSA|EC)"')
HEX = re.compile(r"[0-9a-fA-F]+")
NEAR = 400
KEY = 4000
"""Characters of a JWK before its `kty`, at most."""
SERVER = re.compile(r"/oauth2/([A-Za-z0-9_-]{1,60})")


def recognised(text: str) -> Iterator[Recognised]:
    """Each sighting."""
    yield from _api_tokens(text)
    for token in jwts(text):
        if is_oktas(token):
            yield _access_token(token)
    for found in SECRET.finditer(text):
        client = beside(text, *found.span("value"), CLIENT, NEAR)
        if client and not is_filler(found["value"]) and not HEX.fullmatch(found["value"]):
            yield _of_client(text, CLIENT_SECRET, "a secret", found["value"], found.span("value"), client)
    for whole, span, jwk in _private_jwks(text):
        if client := beside(text, *span, CLIENT, NEAR):
            key_id = str(jwk.get("kid") or "")
            yield _of_client(text, CLIENT_KEY, "a private key", whole, span, client, key_id)


def is_org(host: str) -> bool:
    """Whether it is a host of Okta's own that an org may have."""
    return bool(ORG.fullmatch(host))


def issuer_of(token: Jwt) -> tuple[str, str]:
    """Host, and id of a custom authorization server (empty: the org's own); an empty host where it is none of Okta's
    form.
    """
    try:
        issuer = urlsplit(token.text("iss"))
        host, port = (issuer.hostname or "").lower(), issuer.port
    except ValueError:
        return "", ""
    server = SERVER.fullmatch(issuer.path)
    if issuer.scheme != "https" or port is not None or (issuer.path.strip("/") and server is None):
        return "", ""
    return host, server[1] if server else ""


def is_oktas(token: Jwt) -> bool:
    """By its issuer's host; at a host of the customer's own by three claims that Okta alone has together."""
    host, _ = issuer_of(token)
    if not host or not token.text("cid"):
        return False
    by_claims = token.text("jti").startswith("AT.") and isinstance(token.claims.get("scp"), list)
    return is_org(host) or by_claims


def owner_of(token: Jwt) -> PrincipalRef | None:
    """The user, where a client acts for one; else the client, whose id is the app's for most."""
    user = next((each for each in (token.text("uid"), token.text("sub")) if USER_ID.fullmatch(each)), "")
    if user:
        return canonical(USER, user)
    client = token.text("cid")
    return canonical(APP, client) if APP_ID.fullmatch(client) else None


def _api_tokens(text: str) -> Iterator[Recognised]:
    for found in TOKEN.finditer(text):
        before = text[max(0, found.start() - 40) : found.start()]
        fits = bool(FIELD.search(before)) and bool(beside(text, *found.span(), NAMED, NEAR))
        if not (SCHEME.search(before) or fits) or is_filler(found[0][2:]) or HEX.fullmatch(found[0]):
            continue
        org = _org(text, found.span())
        at = f" of {org}" if org else ""
        leak = Leak(API_TOKEN, digest(found[0]), None, f"an API token{at}: its shape does not tell its id or its owner")
        public = {"org": org} if org else {}
        yield Recognised(leak, Secret(found[0], field="token", public=public), *found.span())


def _access_token(token: Jwt) -> Recognised:
    host, server = issuer_of(token)
    where = f"server {server} of {host}" if server else host
    leak = Leak(ACCESS_TOKEN, digest(token.value), owner_of(token), f"an access token of client {token.text('cid')}, "
                f"issued by {where}")  # fmt: skip
    return Recognised(leak, Secret(token.value, field="token", public={"org": host}), token.start, token.end)


def _of_client(
    text: str, kind: str, what: str, value: str, span: tuple[int, int], client: str, key_id: str = ""
) -> Recognised:
    public = {"client_id": client, **({"kid": key_id} if key_id else {})}
    if org := _org(text, span):
        public["org"] = org
    leak = Leak(kind, key_id or digest(value), canonical(APP, client), f"{what} of client {client}")
    return Recognised(leak, Secret(value, field=kind.partition(":")[2], public=public), *span)


def _org(text: str, span: tuple[int, int]) -> str:
    """The host of the org that is named nearest; of an admin console its org's."""
    first, _, rest = beside(text, *span, ORG, NEAR).lower().partition(".")
    return f"{first.removesuffix('-admin')}.{rest}" if rest else ""


def _private_jwks(text: str) -> Iterator[tuple[str, tuple[int, int], dict[str, Any]]]:
    """As it stands, where, and read."""
    for found in KTY.finditer(text):
        start = text.rfind("{", max(0, found.start() - KEY), found.start())
        if start < 0:
            continue
        try:
            jwk, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        private = jwk.get("d") if isinstance(jwk, dict) else None
        if isinstance(private, str) and not is_filler(private):
            yield text[start:end], (start, end), jwk
