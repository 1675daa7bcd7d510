"""A vendor's clock, learnt from the Date headers of its answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

A_TICK = timedelta(seconds=1.5)
"""Date headers have whole seconds: what is known is kept while an answer's date allows it, this much included."""


def parse_date(header: str) -> datetime | None:
    """The moment of an HTTP date (RFC 9110, 5.6.7), UTC; None where it is none."""
    try:
        told = parsedate_to_datetime(header)
        return told.astimezone(UTC) if told.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class VendorClock:
    """This machine's clock (`local`, UTC), corrected by what the vendor tells. Thread-safe."""

    def __init__(self, local: Callable[[], datetime]) -> None:
        self.local = local
        self._ahead: timedelta | None = None
        self._lock = threading.Lock()

    @property
    def ahead(self) -> timedelta:
        """How far the vendor's clock is ahead of this machine's, as far as is known; zero until an answer came."""
        return self._ahead or timedelta(0)

    def now(self) -> datetime:
        """UTC; this machine's own until an answer came."""
        return self.local() + self.ahead

    def learn(self, header: str, asked: datetime | None = None) -> None:
        """The Date header of an answer that has just come; anything unreadable is passed over.

        `asked`: when the request was sent, by this machine's clock. The answer was dated between then and now: a slow
        one must not set the clock back.
        """
        told = parse_date(header)
        if told is None:
            return
        least = told - self.local()
        most = (least if asked is None else told - asked) + A_TICK
        with self._lock:
            if self._ahead is None or not least <= self._ahead < most:
                self._ahead = least
