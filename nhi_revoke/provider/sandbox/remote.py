"""The sandbox's clock, read from another process through the control door."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from nhi_revoke.provider.sandbox.control import LOOPBACK

TIMEOUT = 10.0


class RemoteClock:
    """Tells and moves a sandbox's time. Only for loopback: no live vendor's clock can be moved.

    One request on first use and one per `advance`; in between, time is this machine's monotonic clock plus what was
    learnt. A clock that somebody else moved is seen after `refresh` only.
    """

    def __init__(self, control_url: str) -> None:
        """Raises ValueError for anything but an http URL of a loopback host."""
        parts = urlsplit(control_url)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            raise ValueError(f"a sandbox's control door is on loopback (http://127.0.0.1:…), not at {control_url!r}")
        self._url = control_url.rstrip("/") + "/clock"
        self._base: tuple[datetime, float] | None = None
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """UTC. Raises OSError when the sandbox is gone."""
        with self._lock:
            at, mark = self._base or self._ask(None)
            return at + timedelta(seconds=time.monotonic() - mark)

    def advance(self, seconds: float) -> None:
        """Raises ValueError for a negative number, OSError when the sandbox is gone."""
        if seconds < 0:
            raise ValueError("a sandbox's clock never goes back")
        with self._lock:
            self._ask({"advance": seconds})

    def refresh(self) -> None:
        """Ask again what time it is there."""
        with self._lock:
            self._ask(None)

    def _ask(self, body: dict[str, Any] | None) -> tuple[datetime, float]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - http on loopback only, checked when built
            self._url, data=data, headers={"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=TIMEOUT) as answer:
            told = json.loads(answer.read())
        at = datetime.fromisoformat(str(told["now"])).astimezone(UTC)
        self._base = (at, time.monotonic())
        return self._base
