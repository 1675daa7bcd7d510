"""One of Google's APIs over REST: whoever reads what is read already hears that answer, until something is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json

from nhi_revoke.provider.http import READS, Answer, HttpApi
from nhi_revoke.provider.shared_reads import SharedReads
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_gcp.login import Login
from nhi_revoke_gcp.words import Google

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io


class GoogleApi(HttpApi):
    """Thread-safe. Made without I/O."""

    def __init__(self, io: Io, base_url: str, login: Login, clock: VendorClock, reads: SharedReads[Any]) -> None:
        """`reads`: of the whole connection."""
        super().__init__(io, base_url, Google(), login, clock=clock)
        self._reads = reads

    def call(self, method: str, path: str, **more: Any) -> Answer:
        """As HttpApi's. What is no GET counts as a change."""
        if method in READS:
            return self._shared(method, path, **more)
        with self._reads.changing():
            return super().call(method, path, **more)

    def ask(self, path: str, needs: str, body: dict[str, Any]) -> Answer:
        """A read that Google takes as a POST. Raises as `call`, NoAnswer among it."""
        return self._shared("POST", path, needs=needs, body=body, again=True)

    def _shared(self, method: str, path: str, **more: Any) -> Answer:
        key = (self.base_url, method, path, json.encode(more, order="deterministic"))
        answer: Answer = self._reads.read(key, lambda: HttpApi.call(self, method, path, **more))
        return answer
