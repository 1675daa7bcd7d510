"""How Entra refuses a stolen way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.http_door import HttpDoor
from nhi_revoke_entra.words import NOT_FOUND

if TYPE_CHECKING:
    import httpx

REFUSED_GRANTS = frozenset({"invalid_grant", "invalid_client", "unauthorized_client"})


class EntraDoor(HttpDoor, frozen=True):
    def refused(self, answer: httpx.Response) -> bool:
        """At the token endpoint by an OAuth error; by 404 where what the way in opens was deleted."""
        by_grant = answer.status_code == 400 and answer.json().get("error") in REFUSED_GRANTS
        return super().refused(answer) or by_grant or _is_missing(answer)


def _is_missing(answer: httpx.Response) -> bool:
    """The object, and not a path that this sandbox does not have."""
    return answer.status_code == 404 and (answer.json().get("error") or {}).get("code") == NOT_FOUND
