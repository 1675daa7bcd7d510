"""Which org: its URL from the settings or the Okta SDK's variable, and what makes it none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_okta.settings import OktaSettings

HINT = 'org_url = "https://acme.okta.com" in [okta] of nhi.toml, or OKTA_CLIENT_ORGURL.'
A_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*|[0-9a-f:]+")


def org_url(settings: OktaSettings, environ: Mapping[str, str]) -> str:
    """Scheme and host in one form, no slash at the end. Raises Unauthenticated for what is no org's URL."""
    typed = (settings.org_url or environ.get("OKTA_CLIENT_ORGURL", "")).strip()
    if not typed:
        raise Unauthenticated("no Okta org is named: nothing of Okta was looked at", hint=HINT)
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname or "", parts.port
        here = is_loopback(typed)
    except ValueError:
        raise _wrong("it cannot be read") from None
    if "@" in typed:
        raise _wrong("it holds a user name or password")
    if not typed.lower().startswith("https://") and not (here and typed.lower().startswith("http://")):
        raise _wrong("it does not begin with https://")
    if not A_HOST.fullmatch(host) or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _wrong("it is more than https:// and a host, or the host is none")
    first, _, rest = host.partition(".")
    if first.endswith("-admin"):
        raise _wrong(f"{host} is the admin console's host: the org's own is {first.removesuffix('-admin')}.{rest}")
    named = f"[{host}]" if ":" in host else host
    given = "" if port in (None, {"https": 443, "http": 80}[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{named}{given}"


def host_of(settings: OktaSettings, environ: Mapping[str, str]) -> str:
    """The org's host, as a scope; empty where none is named or it is no org's."""
    try:
        return urlsplit(org_url(settings, environ)).netloc
    except Unauthenticated:
        return ""


def _wrong(why: str) -> Unauthenticated:
    return Unauthenticated(f"the URL of the Okta org cannot be used: {why}. Nothing was looked at", hint=HINT)
