"""A stolen way in, tried over a socket with the stolen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import httpx

REFUSED = frozenset({401, 403})


class HttpDoor(Struct, frozen=True):
    """One way in. `tries`: requests of which one that succeeds means open. A vendor that says no in more words has its
    own `refused`.
    """

    id: str
    kind: str
    says: str
    access: str
    tries: Callable[[], Sequence[Mapping[str, Any]]]
    client: httpx.Client

    def open(self) -> bool:
        """Only a clear refusal is shut. Raises httpx.HTTPError for anything unclear."""
        return any(self._try(request) for request in self.tries())

    def refused(self, answer: httpx.Response) -> bool:
        """Whether the vendor clearly says no."""
        return answer.status_code in REFUSED

    def _try(self, request: Mapping[str, Any]) -> bool:
        answer = self.client.request(**request)
        if self.refused(answer):
            return False
        answer.raise_for_status()
        return True
