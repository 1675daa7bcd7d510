"""Which Vault, in which namespace, and by which CA: from the settings, or the variables of `vault` and `bao`.

`bao server -h` names the BAO_ variables; seen of OpenBao 2.7: `bao` prefers one to its VAULT_ namesake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_vault.settings import VaultSettings

if TYPE_CHECKING:
    import ssl

HINT = 'VAULT_ADDR, or addr = "https://vault.example.com:8200" in [vault] of nhi.toml.'
A_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+")
A_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


def told(environ: Mapping[str, str], name: str) -> str:
    """A variable of `bao`, else the one of `vault`: `ADDR`, `TOKEN`, …; empty where neither is set."""
    return (environ.get(f"BAO_{name}") or environ.get(f"VAULT_{name}") or "").strip()


def url_of(settings: VaultSettings, environ: Mapping[str, str]) -> str:
    """Scheme, host and port, no slash at the end. Raises Unauthenticated where none is named, or it is no address."""
    typed = settings.addr.strip() or told(environ, "ADDR")
    if not typed:
        raise Unauthenticated("no Vault is named: nothing of Vault was looked at", hint=HINT)
    try:
        parts = urlsplit(typed)
        host, port = (parts.hostname or "").lower(), parts.port
        here = is_loopback(typed)
    except ValueError:
        raise _wrong("it cannot be read") from None
    if "@" in typed:
        raise _wrong("it holds a user name or password")
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise _wrong("it is not https://: the token and the new secret would go over the network in clear")
    if not A_HOST.fullmatch(host) or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _wrong("it is more than https://, a host and a port, or the host is none")
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + (f":{port}" if port is not None else "")


def namespace_of(settings: VaultSettings, environ: Mapping[str, str]) -> str:
    """Without slashes at its ends; empty: the root. Raises Unauthenticated for what is no namespace."""
    name = (settings.namespace or told(environ, "NAMESPACE")).strip().strip("/")
    if name and not A_NAMESPACE.fullmatch(name):
        raise Unauthenticated(
            "what is named as Vault's namespace is none: nothing of Vault was looked at",
            hint="VAULT_NAMESPACE, or namespace in [vault] of nhi.toml.",
        )
    return name


def scope_of(settings: VaultSettings, environ: Mapping[str, str]) -> str:
    """`https://host:port/namespace`, which a run keeps; empty where none can be told."""
    try:
        return "/".join(filter(None, (url_of(settings, environ), namespace_of(settings, environ))))
    except Unauthenticated:
        return ""


def tls_of(settings: VaultSettings, environ: Mapping[str, str]) -> ssl.SSLContext | None:
    """Where a CA or a client certificate is named; None: as everywhere. Raises Unauthenticated for unreadable files."""
    ca, folder = settings.ca_cert or told(environ, "CACERT"), ""
    if not ca:
        folder = told(environ, "CAPATH")
    cert = settings.client_cert or told(environ, "CLIENT_CERT")
    key = settings.client_key or told(environ, "CLIENT_KEY")
    if not (ca or folder or cert):
        return None
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca or None, capath=folder or None)
        if cert:
            context.load_cert_chain(cert, key or None, password=_no_password)
    except (OSError, ValueError) as error:
        why = type(error).__name__
    else:
        return context
    raise Unauthenticated(
        f"the CA or the client certificate for Vault cannot be read ({why}): nothing of Vault was looked at",
        hint="VAULT_CACERT, VAULT_CLIENT_CERT, VAULT_CLIENT_KEY, or ca_cert and the like in [vault] of nhi.toml.",
    )


def _no_password() -> str:
    """Without it OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted")


def _wrong(why: str) -> Unauthenticated:
    return Unauthenticated(f"the address of Vault cannot be used: {why}. Nothing was looked at", hint=HINT)
