"""Where Google Cloud's APIs are: the public universe, a sovereign one, or addresses that the settings name.

facts gcp.md 7, 27: hosts and the token endpoint of a sovereign cloud differ; none is built into anything else.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_gcp.settings import GcpSettings

PUBLIC = "googleapis.com"
IAM, IAM_CREDENTIALS, ORG_POLICY, POLICY_ANALYZER = "iam", "iamcredentials", "orgpolicy", "policyanalyzer"
STORAGE, AI_PLATFORM = "storage", "aiplatform"
API_KEYS, RESOURCE_MANAGER = "apikeys", "cloudresourcemanager"
COMPUTE, RUN = "compute", "run"
LOGGING = "logging"
SECRET_MANAGER = "secretmanager"  # noqa: S105 - the name of an API
APIS = (
    IAM, IAM_CREDENTIALS, ORG_POLICY, POLICY_ANALYZER, STORAGE, AI_PLATFORM, API_KEYS, RESOURCE_MANAGER, SECRET_MANAGER,
    COMPUTE, RUN, LOGGING,
)  # fmt: skip


def url_of(settings: GcpSettings, api: str, universe: str) -> str:
    """Without a slash at its end. Raises Unauthenticated for an address that no bearer must be sent to."""
    named = str(getattr(settings, f"{api}_url"))
    return checked(named, f"{api}_url") or f"https://{api}.{universe}"


def grpc_target(settings: GcpSettings, universe: str) -> tuple[str, bool]:
    """`host:port` of the IAM API, and whether it is without TLS. Raises Unauthenticated."""
    named = settings.iam_grpc.strip()
    if not named:
        return f"{IAM}.{universe}:443", False
    try:
        parts = urlsplit(f"https://{named}")
        wrong = parts.netloc != named or parts.port is None or "@" in named
    except ValueError:
        wrong = True
    if wrong:
        raise _wrong("iam_grpc", "it is no host:port")
    return named, is_loopback(f"https://{named}")


def checked(typed: str, which: str) -> str:
    """Raises Unauthenticated for an address that a secret must not be sent to."""
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


def on_loopback(settings: GcpSettings) -> bool:
    """Whether these settings reach this machine only. Default credentials may reach anywhere."""
    urls = [settings.token_url, *(str(getattr(settings, f"{api}_url")) for api in APIS)]
    try:
        here = all(is_loopback(checked(url, "url")) for url in urls)
        return here and bool(settings.credentials_file) and grpc_target(settings, PUBLIC)[1]
    except Unauthenticated:
        return False


def _wrong(which: str, why: str) -> Unauthenticated:
    return Unauthenticated(
        f"{which} of Google Cloud cannot be used: {why}. Nothing was looked at",
        hint="universe_domain, iam_grpc, token_url and the …_url settings in [gcp] of nhi.toml.",
    )
