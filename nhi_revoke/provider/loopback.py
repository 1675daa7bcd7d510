"""Whether an address is this machine's own, or beside it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """True only for a URL whose host is `localhost` or a loopback address. Names are never looked up."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_near(url: str) -> bool:
    """Loopback, or a link-local address, where clouds put what serves one machine alone: no proxy stands between."""
    if is_loopback(url):
        return True
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_link_local
    except ValueError:
        return False
