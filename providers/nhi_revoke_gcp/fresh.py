"""What was read a moment ago, for whoever asks within a few seconds: several kinds look at the same things at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.known import Known

FRESH = timedelta(seconds=10)
"""How long what was read is told again: a later look, after a change has settled, reads anew."""


class FreshReads:
    """A refusal is told again, too: it is one answer to many kinds."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._known: Known[Any] = Known(now, FRESH)

    def told(self, key: Hashable, look: Callable[[], Any]) -> Any:
        """What `look` gives, or its fault: never raises one."""

        def looked() -> Any:
            try:
                return look()
            except Fault as fault:
                return fault

        return self._known.once(key, looked)
