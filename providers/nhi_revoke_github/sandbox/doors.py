"""How GitHub refuses a stolen way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.http_door import HttpDoor

if TYPE_CHECKING:
    import httpx


class GithubDoor(HttpDoor, frozen=True):
    def refused(self, answer: httpx.Response) -> bool:
        """404, too: what a token may not see any more is not there."""
        return super().refused(answer) or answer.status_code == 404
