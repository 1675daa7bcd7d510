"""Somebody else's service that is told of a run: its address in the map, one POST to it, its reason where it says no.

RFC 9110, 9.2.2: a POST is repeated only where its receiver can tell that it is the same one; both flushes see to that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from nhi_revoke.model.concern import Concern
from nhi_revoke.model.mask import MASK
from nhi_revoke.provider.fault import Fault, Rejected
from nhi_revoke.provider.http import Answer, HttpApi, Refusal, Vendor
from nhi_revoke.provider.io import Concerned, Io, Run
from nhi_revoke.provider.loopback import is_loopback

LONGEST_REASON = 200
REASONS = ("description", "detail", "message", "error_description", "error", "title")
"""Fields of an error's body that may say why, in this order (RFC 8935, 2.4; RFC 9457)."""
_SECRETIVE = re.compile(r"[A-Za-z0-9_\-+/=.]{24,}")
"""Long enough for a key or a token: no reason needs it."""


class Receiver(Vendor):
    """Its refusals are told with its reason, bounded, and without what could be a secret."""

    title: ClassVar[str] = "the receiver"

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        said = body if isinstance(body, dict) else {}
        code = said.get("err") or said.get("code")
        why = next((said[name] for name in REASONS if isinstance(said.get(name), str)), "")
        refused = Rejected if 400 <= status < 500 and status != 408 else None
        return Refusal(code=code if isinstance(code, str) else "", hint=plain(why), fault=refused)


def plain(text: str) -> str:
    """What somebody else wrote, fit for a line of a report."""
    shown = "".join(char for char in text[: 4 * LONGEST_REASON] if char.isprintable())
    return _SECRETIVE.sub(MASK, shown)[:LONGEST_REASON].strip()


def concern_of(run: Run) -> Concern:
    """Whom the run concerns."""
    if not isinstance(run, Concerned):
        raise TypeError("a run that concerns nobody")
    return run.concern


def address(use: str, url: str) -> str:
    """How messages call the receiver: host and path. Raises Rejected for what may not be told of a run."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Rejected(f"{use}: url is none", hint='Write url = "https://HOST/PATH".') from None
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
        why = f"{use}: url must begin with https:// (http:// reaches this machine alone)"
        raise Rejected(why, hint='Write url = "https://HOST/PATH".')
    if not parts.hostname or (not url.isascii() and MASK not in url) or parts.fragment:
        raise Rejected(f"{use}: url names no host, or holds what no URL does", hint='Write url = "https://HOST/PATH".')
    if "@" in parts.netloc or MASK in url:
        why = f"{use}: url holds a secret, and what the map says is journaled: it was not used"
        raise Rejected(why, hint="Name a variable or a file beside it, and leave the url without.")
    return f"{parts.hostname}{f':{port}' if port else ''}{parts.path}"


def post(io: Io, use: str, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
    """Sent once, and again where no answer came: `headers` or the content say that it is the same. No redirect is
    followed. Raises the faults of the contract; what was refused, with the receiver's reason.
    """
    parts = urlsplit(url)
    api = HttpApi(io, f"{parts.scheme}://{parts.netloc}", Receiver())
    path = url[len(api.base_url) :] or "/"
    told = f"what was sent to {address(use, url)}"
    try:
        return api.call("POST", path, content=content, headers=headers, again=True, what=told, any_body=True)
    except Rejected as refused:
        why = f"{refused.message}: {refused.hint}" if refused.hint else refused.message
        fault: Fault = Rejected(why, code=refused.code)
    raise fault
