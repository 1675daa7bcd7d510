"""Which GitHub: github.com, an Enterprise Server, or a host with data residency.

GitHub docs: getting-started-with-the-rest-api (api.github.com; https://HOST/api/v3; https://api.SUBDOMAIN.ghe.com).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_github.settings import GithubSettings

DOTCOM = "https://api.github.com"
A_HOST = re.compile(r"[a-z0-9:]([a-z0-9.:-]*[a-z0-9:])?")
HINT = 'api_url = "https://api.github.com" in [github] of nhi.toml (https://HOST/api/v3 of an Enterprise Server).'


def api_url(settings: GithubSettings, environ: Mapping[str, str]) -> str:
    """Without a slash at its end. Raises Unauthenticated for what is no API's URL."""
    typed = (settings.api_url or environ.get("GITHUB_API_URL", "") or DOTCOM).strip().rstrip("/")
    try:
        parts = urlsplit(typed)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _wrong("it cannot be read") from None
    if "@" in parts.netloc or "\\" in typed or parts.query or parts.fragment or not A_HOST.fullmatch(host):
        raise _wrong("it is more than https://, a host and a path")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(typed)):
        raise _wrong(f"it is not https: {parts.scheme or 'no scheme'}")
    if host in ("github.com", "www.github.com"):
        raise _wrong(f"{host} is the site, not its API: https://api.github.com")
    if host.endswith(".ghe.com") and not host.startswith("api."):
        raise _wrong(f"{host} is the site, not its API: https://api.{host}")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"


def site_url(api: str) -> str:
    """Where a person clicks: of the API's URL."""
    parts = urlsplit(api)
    if parts.path.endswith("/api/v3"):
        return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/api/v3')}"
    return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"


def oidc_issuer(api: str) -> str:
    """Issuer of the tokens that jobs sign in to clouds with, without `https://`, as clouds name it: of the API's URL.

    GitHub docs: OpenID Connect reference; of a server HOST/_services/token, with data residency token.actions.NAME.
    """
    parts = urlsplit(api)
    host = parts.netloc.removeprefix("api.")
    if parts.path.endswith("/api/v3"):
        return f"{host}/_services/token"
    return f"token.actions.{host}" if host.endswith(".ghe.com") else "token.actions.githubusercontent.com"


def _wrong(why: str) -> Unauthenticated:
    return Unauthenticated(f"the URL of GitHub's API cannot be used: {why}. Nothing was looked at", hint=HINT)
