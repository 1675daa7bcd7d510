"""Which cloud: the public one, a national one, or addresses that the settings name.

facts entra.md 4 ("Clouds"): hosts of each; none is built into anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_entra.settings import EntraSettings


class Cloud(Struct, frozen=True):
    """Addresses without a slash at their end."""

    login: str
    """The token service that the cloud's authority is named by: what a token request is for, wherever it is sent."""
    graph: str
    arm: str
    vault: str
    """Suffix of the hosts of its key vaults."""
    login_at: str = ""
    """Where requests to the token service are sent instead."""
    graph_at: str = ""
    """Where requests to Microsoft Graph are sent instead."""

    arm_at: str = ""
    """Where requests to Azure Resource Manager are sent instead."""
    vault_at: str = ""
    """Where requests to key vaults are sent instead, each below it by its name."""

    def vault_url(self, name: str) -> str:
        return f"{self.vault_at}/{name}" if self.vault_at else f"https://{name}.{self.vault}"

    @property
    def arm_url(self) -> str:
        return self.arm_at or self.arm

    @property
    def graph_url(self) -> str:
        return self.graph_at or self.graph

    @property
    def login_url(self) -> str:
        return self.login_at or self.login


CLOUDS = {
    "public": Cloud(
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
        "https://management.azure.com",
        "vault.azure.net",
    ),
    "usgov": Cloud(
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
        "https://management.usgovcloudapi.net",
        "vault.usgovcloudapi.net",
    ),
    "usgov-dod": Cloud(
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        "https://management.usgovcloudapi.net",
        "vault.usgovcloudapi.net",
    ),
    "china": Cloud(
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
        "vault.azure.cn",
    ),
}
FORMER = {"login.chinacloudapi.cn": "china", "login.windows.net": "public"}
"""Former names of token services."""
HINT = "cloud, login_url and graph_url in [entra] of nhi.toml, or AZURE_AUTHORITY_HOST."


def cloud_of(settings: EntraSettings, environ: Mapping[str, str]) -> Cloud:
    """Raises Unauthenticated for a cloud that is none, and for addresses that a secret must not be sent to."""
    name = settings.cloud.strip() or _by_authority(environ.get("AZURE_AUTHORITY_HOST", "").strip())
    if name not in CLOUDS:
        raise Unauthenticated(
            f"the cloud {name!r} is not known: nothing of Entra was looked at",
            hint=f"cloud in [entra] of nhi.toml is one of: {', '.join(CLOUDS)}; or name login_url and graph_url.",
        )
    known = CLOUDS[name]
    return Cloud(
        known.login,
        known.graph,
        known.arm,
        known.vault,
        _checked(settings.login_url, "login_url"),
        _checked(settings.graph_url, "graph_url"),
        _checked(settings.arm_url, "arm_url"),
        _checked(settings.vault_url, "vault_url"),
    )


def host_of(cloud: Cloud) -> str:
    """Of its token service."""
    return urlsplit(cloud.login).hostname or ""


def host_now(host: str) -> str:
    """The present name of a token service that is named by a former one."""
    return host_of(CLOUDS[FORMER[host]]) if host in FORMER else host


def _by_authority(host: str) -> str:
    """Name of the cloud whose token service this is."""
    if not host:
        return "public"
    named = (urlsplit(host if "://" in host else f"https://{host}").hostname or "").lower()
    known = {urlsplit(cloud.login).hostname: name for name, cloud in reversed(CLOUDS.items())}
    return known.get(named) or FORMER.get(named) or named


def _checked(typed: str, which: str) -> str:
    typed = typed.strip().rstrip("/")
    if not typed:
        return ""
    try:
        parts = urlsplit(typed)
        here = is_loopback(typed)
    except ValueError:
        raise _wrong(which, "it cannot be read") from None
    if "@" in parts.netloc or parts.query or parts.fragment or not parts.hostname:
        raise _wrong(which, "it is more than https://, a host and a path")
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise _wrong(which, f"it is not https: {parts.scheme or 'no scheme'}")
    return typed


def _wrong(which: str, why: str) -> Unauthenticated:
    return Unauthenticated(f"{which} of Entra cannot be used: {why}. Nothing was looked at", hint=HINT)
