"""How Okta refuses a stolen way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.http_door import HttpDoor

if TYPE_CHECKING:
    import httpx

REFUSED_GRANTS = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"})


class OktaDoor(HttpDoor, frozen=True):
    def refused(self, answer: httpx.Response) -> bool:
        """At the token endpoint by an OAuth error; a session that is no more by a 404."""
        by_grant = answer.status_code == 400 and answer.json().get("error") in REFUSED_GRANTS
        no_session = answer.status_code == 404 and "session" in self.kind
        return super().refused(answer) or by_grant or no_session
