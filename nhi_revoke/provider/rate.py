"""How fast a tenant may be asked, by a vendor's document or by the operator."""

from __future__ import annotations

from msgspec import Struct


class Rate(Struct, frozen=True):
    """So many requests in so many seconds, whichever they are: in no span of that length more."""

    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds:g}"
