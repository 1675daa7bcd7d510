"""GitHub's errors and limits in the contract's words.

GitHub docs: rate-limits-for-the-rest-api (403 or 429; primary: x-ratelimit-remaining 0 and x-ratelimit-reset in epoch
seconds; secondary: retry-after, else at least a minute), troubleshooting-the-rest-api (404 where a private resource may
not be seen).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke.provider.fault import Denied, Fault, Rejected, Throttled
from nhi_revoke.provider.http import Refusal, Vendor
from nhi_revoke.provider.retry import RateHeaders

HIDDEN = "hidden-or-absent"
"""Code of a 404: "no permission" and "there is none" are answered alike (facts okta-github.md 2.4, 13)."""
REFUSED = "bad-credentials"
"""Code of a 401: GitHub itself refused the credential, which a file that cannot be read never says."""
NOT_SERVED = "not-served"
"""Code of a 410: the API's version, or this part of it, is not served there (any more). It says of nothing that there
is none (facts okta-github.md 2.3)."""
A_WORD = re.compile(r"[a-z_]{1,40}")
TOO_FAST = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
"""In the message of a 403 that is about speed, though no header says so (facts okta-github.md 2.4, 19)."""
A_MINUTE = 60.0


class Github(Vendor):
    title: ClassVar[str] = "GitHub"
    rates: ClassVar[RateHeaders] = RateHeaders(
        "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", refusals=(403, 429), untold=A_MINUTE
    )

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """`errors[].code` of a 422; the permission that is missing stands in a header of a 403."""
        if status == 404:
            return Refusal(HIDDEN, needs=_needed(headers), fault=Denied)
        if status == 401:
            return Refusal(REFUSED)
        if status == 410:
            hint = "This GitHub does not serve that version of its API, or this part of it (any more)."
            return Refusal(NOT_SERVED, hint=hint, fault=Rejected)
        told = body if isinstance(body, dict) else {}
        if status == 403 and TOO_FAST.search(str(told.get("message") or "")):
            return Refusal("secondary-limit", fault=Throttled)
        code, errors = "", told.get("errors")
        if isinstance(errors, list) and errors and isinstance(errors[0], dict):
            said = str(errors[0].get("code") or "")
            code = said if A_WORD.fullmatch(said) else ""
        fault: type[Fault] | None = None
        return Refusal(code, needs=_needed(headers) if status == 403 else "", fault=fault)

    def bucket(self, path: str) -> str:
        """One limit for all of REST; the audit log has its own."""
        return "audit-log" if path.endswith("/audit-log") else "core"


class ToToken(Github):
    """As GitHub answers the operator's token."""

    operator: ClassVar[str] = "the operator's token"
    login: ClassVar[str] = "The token is revoked or expired: token_file in [github] of nhi.toml, or GH_TOKEN."


class ToApp(Github):
    """As it answers the operator's GitHub App, and the token of its installation."""

    operator: ClassVar[str] = "the operator's GitHub App"
    login: ClassVar[str] = (
        "The App's key is not a registered one, or the App is another: app_id and private_key_file in [github] of "
        "nhi.toml."
    )


class ToHeld(Github):
    """As it answers a compromised app whose key or secret the operator holds."""

    operator: ClassVar[str] = "the key or secret of the app that is held"
    login: ClassVar[str] = "[[github.apps]] of nhi.toml names it."


def _needed(headers: Mapping[str, str]) -> str:
    """`x-accepted-github-permissions` (fine-grained), else `x-accepted-oauth-scopes` (classic)."""
    told = headers.get("x-accepted-github-permissions", "") or headers.get("x-accepted-oauth-scopes", "")
    return told if re.fullmatch(r"[A-Za-z0-9_:=;, -]{1,200}", told) else ""
