"""Credentials of Entra in a text, by their shapes, and what stands beside them. Pure.

microsoft/security-utilities, SEC101/156 (AadClientAppIdentifiableCredentials): three characters, `8Q~` and 34 more, or
`7Q~` and 31 more, of those that a URL need not escape. Microsoft docs: access-token-claims-reference, id-token-claims-
reference (issuers, `appid`, `azp`, `oid`, `roles`, `scp`). Of refresh tokens Microsoft publishes no shape ("opaque"):
what begins as those that are seen (`0.A…`, `1.A…`) is taken for one where a word beside it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from nhi_revoke.model.found import Leak
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.spotting import beside, digest, is_filler
from nhi_revoke.provider.unsigned_jwt import Jwt, jwts
from nhi_revoke_entra.naming import APP, GUID, USER, canonical

CLIENT_SECRET, ACCESS_TOKEN, ID_TOKEN = "entra:client-secret", "entra:access-token", "entra:id-token"
REFRESH_TOKEN = "entra:refresh-token"  # noqa: S105 - the name of a kind
_ANY = r"[A-Za-z0-9_.~-]"
SECRET = re.compile(
    rf"(?<![A-Za-z0-9_.~+/-]){_ANY}{{3}}(?:8Q~{_ANY}{{34}}|7Q~{_ANY}{{31}})(?![A-Za-z0-9_~+/=-])(?!\.[A-Za-z0-9_~-])"
)
REFRESH = re.compile(rf"(?<![A-Za-z0-9_.~-])[01]\.A{_ANY}{{60,2500}}(?<![.])(?![A-Za-z0-9_~-])")
IS_REFRESH = re.compile(r"(?P<value>refresh[_ -]?token)", re.IGNORECASE)
_IS = r"[\"']?[\s:=\"'>]{1,6}"
CLIENT = re.compile(
    r"(?i:client[_ -]?id|app(?:lication)?[_ -]?(?:\(client\) )?id|--?u(?:sername)?|service[_ -]?principal[_ -]?id)"
    rf"{_IS}"
    rf"(?P<value>{GUID.pattern})(?![0-9a-fA-F-])"
)
TENANT = re.compile(
    rf"(?:(?i:tenant(?:[_ -]?(?:id|name|domain))?|directory[_ -]?(?:\(tenant\) )?id){_IS}"
    r"|(?i:login\.microsoftonline\.com|login\.microsoftonline\.us|login\.partner\.microsoftonline\.cn|sts\.windows\.net)/)"
    rf"(?P<value>{GUID.pattern}(?![0-9a-fA-F-])|[A-Za-z0-9-]{{1,60}}\.onmicrosoft\.com)"
)
CLOUD = re.compile(
    r"(?P<value>login\.microsoftonline\.(?:com|us)|login\.(?:partner\.microsoftonline|chinacloudapi)\.cn)(?![A-Za-z0-9.-])",
    re.IGNORECASE,
)
"""The token service of a cloud, where the text names one."""
NEAR = 600
"""Characters between a secret and the ids that say whose it is."""
ISSUERS = frozenset(
    {
        "sts.windows.net", "login.microsoftonline.com", "login.windows.net", "login.microsoftonline.us",
        "login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "sts.chinacloudapi.cn",
    }
)  # fmt: skip
ISSUED_BY = re.compile(rf"/({GUID.pattern})(?:/|/v2\.0/?)?")


def recognised(text: str) -> Iterator[Recognised]:
    """Each sighting."""
    for found in SECRET.finditer(text):
        if not is_filler(found[0][:3] + found[0][6:]):
            yield _secret(text, found)
    for token in jwts(text):
        if tenant := tenant_of(token):
            yield _token(token, tenant)
    for found in REFRESH.finditer(text):
        if beside(text, *found.span(), IS_REFRESH, NEAR) and not is_filler(found[0][3:]):
            leak = Leak(REFRESH_TOKEN, digest(found[0]), None, "a refresh token, by the words beside it")
            yield Recognised(leak, Secret(found[0], field="refresh_token"), *found.span())


def tenant_of(token: Jwt) -> str:
    """Id of the tenant that issued it; empty for another issuer's."""
    try:
        issuer = urlsplit(token.text("iss"))
        host, port = issuer.hostname, issuer.port
    except ValueError:
        return ""
    path = ISSUED_BY.fullmatch(issuer.path)
    if issuer.scheme != "https" or host not in ISSUERS or port is not None or path is None:
        return ""
    return path[1].lower()


def app_of(token: Jwt) -> str:
    """appId of the app that an access token was issued to; empty in an ID token."""
    app = token.text("appid") or token.text("azp")
    return app if GUID.fullmatch(app) else ""


def owner_of(token: Jwt) -> PrincipalRef | None:
    """Whoever acts with it: the user, where an app acts for one; else the app."""
    user, app = token.text("oid"), app_of(token)
    sort = token.text("idtyp")
    for_user = sort == "user" or bool(token.text("scp")) or not (app or sort)
    if for_user:
        return canonical(USER, user) if GUID.fullmatch(user) else None
    return canonical(APP, app) if app else None


def _secret(text: str, found: re.Match[str]) -> Recognised:
    client = beside(text, *found.span(), CLIENT, NEAR).lower()
    tenant = beside(text, *found.span(), TENANT, NEAR).lower()
    login = beside(text, *found.span(), CLOUD, NEAR).lower()
    parts = {"client_id": client, "tenant_id": tenant, "login": login}
    public = {name: told for name, told in parts.items() if told}
    whose = f"of app {client}" if client else "by its shape: no app's id stands near it"
    owner = canonical(APP, client) if client else None
    leak = Leak(CLIENT_SECRET, digest(found[0]), owner, f"a client secret {whose}")
    return Recognised(leak, Secret(found[0], field="client_secret", public=public), *found.span())


def _token(token: Jwt, tenant: str) -> Recognised:
    app, user = app_of(token), token.text("oid")
    kind, what = (ACCESS_TOKEN, "an access token") if app or token.text("idtyp") else (ID_TOKEN, "an ID token")
    owner = owner_of(token)
    by = f" of app {app}" if app else ""
    for_whom = f" for user {user}" if owner is not None and owner.kind == USER else ""
    leak = Leak(kind, digest(token.value), owner, f"{what}{by}{for_whom}, issued by tenant {tenant}")
    return Recognised(leak, Secret(token.value, field="token"), token.start, token.end)
