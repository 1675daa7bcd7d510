"""What the intruder stole, and how he tries it: over the socket, with the stolen value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
from msgspec import Struct

REFUSED = frozenset({401, 403})


class ExampleDoor(Struct, frozen=True):
    """One stolen way in."""

    id: str
    kind: str
    says: str
    access: str
    client: httpx.Client
    tries: Callable[[], Sequence[tuple[str, str, str]]]
    """Method, URL, secret: whichever works, the door is open."""

    def open(self) -> bool:
        """Only a clear refusal is shut. Raises httpx.HTTPError for anything unclear."""
        return any(self._try(method, url, secret) for method, url, secret in self.tries())

    def _try(self, method: str, url: str, secret: str) -> bool:
        answer = self.client.request(method, url, headers={"Authorization": f"Bearer {secret}"})
        if answer.status_code in REFUSED:
            return False
        answer.raise_for_status()
        return True
