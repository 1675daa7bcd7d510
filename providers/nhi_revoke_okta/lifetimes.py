"""How long an access token lives on after whatever minted it was ended. Nothing ends it before its time.

Okta docs: manage-user-creds (60 minutes, fixed, at the org server; 5 minutes to 24 hours, by policy rule, at a custom
one); OpenAPI: accessTokenLifetimeMinutes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nhi_revoke.provider.kind import View
    from nhi_revoke_okta.connection import Named, OktaConnection

ACCESS_TOKEN = "okta:access-token"  # noqa: S105 - the name of a kind
ORG_MINUTES = 60
"""Of the org server: fixed."""
ORG_TOKENS_LIVE = ORG_MINUTES * 60.0
"""Seconds: given back sooner, a right of the app is a right of whoever holds one of its tokens."""
ONCE = "once its tokens have expired"
MINUTES = "minutes"
"""In `before` of the standing access, and of each step that ends what mints tokens."""


def token_minutes(view: View) -> int:
    """The longest that a token of this principal may live, as the inventory shows it; for a step's `before`. Pure."""
    told = (access.before.get(MINUTES) for access in view.of(ACCESS_TOKEN))
    return max((int(m) for m in told if isinstance(m, int | float)), default=ORG_MINUTES)


def access_token_ends(conn: OktaConnection, named: Named, minutes: int = ORG_MINUTES) -> dict[str, str]:
    """For `left["residuals"]`: the standing access of the principal's tokens, and when the last one minted until now
    has expired. Asks nothing.

    `minutes`: of the longest rule, from the step's `before`; never less than the org server's own.
    """
    lives = timedelta(minutes=max(minutes, ORG_MINUTES))
    until = (conn.now() + lives + timedelta(seconds=1)).replace(microsecond=0)
    return {f"{ACCESS_TOKEN}/{conn.scope}/{named.id}/*": until.isoformat().replace("+00:00", "Z")}
