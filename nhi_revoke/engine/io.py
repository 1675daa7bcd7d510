"""The engine's side of `provider/io.py`: fan-out, retries, HTTP clients on one TLS context."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from nhi_revoke.engine.clock import Clock, Interrupted
from nhi_revoke.provider.fault import NoAnswer, Throttled, Unavailable

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")
R = TypeVar("R")

FAN_OUT = 16
LONGEST_PAUSE = 20.0
"""Seconds between two tries, unless the vendor asks for more."""
LONGEST_OBEYED = 120.0
"""Seconds of `Retry-After` that are waited out; a longer one is a failure to report."""
TRIES = {Throttled: 8, Unavailable: 4, NoAnswer: 3}


class EngineIo:
    """One per command. Makes threads and clients only when first needed; `close` ends them."""

    def __init__(self, clock: Clock, *, jitter: random.Random | None = None) -> None:
        self.clock = clock
        self.stop = threading.Event()
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, protects nothing
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._inside = threading.local()
        self._clients: dict[str, httpx.Client] = {}
        self._tls: ssl.SSLContext | None = None

    def now(self) -> datetime:
        return self.clock.now()

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        work = list(items)
        if len(work) < 2 or getattr(self._inside, "pool", False):
            return [do(item) for item in work]  # a worker of this pool never waits for the pool: no deadlock
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(FAN_OUT, thread_name_prefix="fan-out", initializer=self._mark)
            futures: list[Future[R]] = [self._pool.submit(do, item) for item in work]
        errors = [e for f in futures if (e := f.exception()) is not None]
        if errors:
            raise errors[0]
        return [f.result() for f in futures]

    def _mark(self) -> None:
        self._inside.pool = True

    def ask(self, call: Callable[[], T], *, repeatable: bool) -> T:
        tried: dict[type[Exception], int] = {}
        while True:
            try:
                return call()
            except (Throttled, Unavailable, NoAnswer) as fault:
                kind = next(k for k in TRIES if isinstance(fault, k))  # a provider may have its own kinds of these
                tried[kind] = tried.get(kind, 0) + 1
                if tried[kind] >= TRIES[kind] or (kind is NoAnswer and not repeatable):
                    raise
                pause = self._pause(fault, sum(tried.values()))
                if pause > LONGEST_OBEYED:
                    raise
            if self.stop.is_set():
                raise Interrupted
            self.clock.wait(pause, self.stop)
            if self.stop.is_set():
                raise Interrupted

    def _pause(self, fault: Exception, tries: int) -> float:
        if isinstance(fault, Throttled) and fault.retry_after is not None:
            return fault.retry_after
        return min(LONGEST_PAUSE, 0.25 * 2.0**tries) * (0.75 + self._jitter.random() / 2)

    def _context(self) -> ssl.SSLContext:
        import httpx

        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls

    def http(self, base_url: str) -> httpx.Client:
        import httpx

        with self._lock:
            client = self._clients.get(base_url)
            if client is None:
                client = httpx.Client(
                    base_url=base_url,
                    # A sandbox on http needs no TLS context, which takes 50 ms to make.
                    verify=self._context() if base_url.startswith("https:") else False,
                    follow_redirects=False,
                    timeout=httpx.Timeout(20.0, connect=5.0),
                )
                self._clients[base_url] = client
            return client

    def close(self) -> None:
        """Ends the threads and the clients."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        for client in self._clients.values():
            client.close()
