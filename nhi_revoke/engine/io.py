"""The engine's side of `provider/io.py`: fan-out, retries, HTTP clients on one TLS context."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from nhi_revoke.engine.clock import Clock, Interrupted
from nhi_revoke.engine.event import ReadEvent, Tell
from nhi_revoke.provider.fault import NoAnswer, Throttled, Unavailable
from nhi_revoke.provider.loopback import is_near

if TYPE_CHECKING:
    import ssl

    import httpx

    from nhi_revoke.model.found import Leak
    from nhi_revoke.provider.secret import Secret

T = TypeVar("T")
R = TypeVar("R")
Show = Callable[[str], bool]
"""Shows a line to the person at the terminal; False where nobody sits there."""

FAN_OUT = 32
LONGEST_PAUSE = 20.0
"""Seconds between two tries, unless the vendor asks for more."""
LONGEST_OBEYED = 120.0
"""Seconds of `Retry-After` that are waited out; a longer one is a failure to report."""
TRIES = {Throttled: 8, Unavailable: 4, NoAnswer: 3}


class EngineIo:
    """One per command. Makes threads and clients only when first needed; `close` ends them."""

    def __init__(
        self,
        clock: Clock,
        *,
        tell: Tell | None = None,
        show: Show | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self.clock = clock
        self.tell = tell
        self._show = show
        self.stop = threading.Event()
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, protects nothing
        self._lock = threading.Lock()
        self._pools: dict[bool, ThreadPoolExecutor] = {}
        """What fans out, and what fans out aside."""
        self._inside = threading.local()
        self._clients: dict[tuple[str, ssl.SSLContext | None], httpx.Client] = {}
        self._tls: ssl.SSLContext | None = None
        self._slots: dict[str, list[datetime]] = {}
        """When requests of each paced key went and may go: of its last span, oldest first."""
        self._leaked: list[tuple[Leak, Secret]] = []

    def now(self) -> datetime:
        return self.clock.now()

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        work = list(items)
        if len(work) < 2:
            return [do(item) for item in work]
        within = getattr(self._inside, "pool", False)
        given = self._handed(do, work, within)
        own: dict[int, Future[R]] = {}
        if within:
            # A worker that waited for the pool could wait for ever: it does itself what nobody has begun, from the
            # last on, as the others take the first.
            for number in range(len(work) - 1, -1, -1):
                if number >= len(given) or given[number].cancel():
                    own[number] = _done(do, work[number])
        futures = [own[number] if number in own else given[number] for number in range(len(work))]
        errors = [e for f in futures if (e := f.exception()) is not None]
        if errors:
            raise errors[0]
        return [f.result() for f in futures]

    def _handed(self, do: Callable[[T], R], work: Sequence[T], within: bool) -> list[Future[R]]:
        """To the pool: all of it, or, `within` a worker, what it took before it was closed."""
        aside = getattr(self._inside, "aside", False)
        with self._lock:
            pool = self._pools.get(aside)
            if pool is None:
                name = "fan-out-aside" if aside else "fan-out"
                mark = partial(self._mark, aside)
                pool = self._pools[aside] = ThreadPoolExecutor(FAN_OUT, thread_name_prefix=name, initializer=mark)
            futures: list[Future[R]] = []
            try:
                futures.extend(pool.submit(do, item) for item in work)  # what was taken before an error stays
            except RuntimeError:  # closed meanwhile: a worker ends what it began
                if not within:
                    raise
            return futures

    def _mark(self, aside: bool) -> None:
        self._inside.pool, self._inside.aside = True, aside

    def aside(self) -> None:
        """Of this thread: what it fans out goes to threads of its own. For what may wait long (a published rate) beside
        what must not.
        """
        self._inside.aside = True

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

    def pace(self, key: str, per_second: float, at_once: int = 1, count: int = 1) -> None:
        """A slot is given, in the order of asking, where no span that it lies in holds more than `at_once` of this key.

        Raises Interrupted after Ctrl-C.
        """
        if count > at_once:
            raise ValueError(f"{count} never go together where {at_once} may")
        span, now = timedelta(seconds=at_once / per_second), self.now()
        with self._lock:
            near = [slot for slot in self._slots.get(key, ()) if slot > now - span]
            slot = now if len(near) + count <= at_once else near[count - at_once - 1] + span
            self._slots[key] = sorted(near + [slot] * count)
        wait = (slot - now).total_seconds()
        if wait > 0:
            self.clock.wait(wait, self.stop)
        if self.stop.is_set():
            raise Interrupted

    def hold(self, leak: Leak, value: Secret) -> None:
        """A leaked value that was handed over, for `leaked`."""
        with self._lock:
            self._leaked.append((leak, value))

    @property
    def leaks(self) -> Sequence[Leak]:
        """What was handed over, without the values."""
        with self._lock:
            return tuple(leak for leak, _ in self._leaked)

    def leaked(self, kind: str) -> Sequence[Secret]:
        with self._lock:
            return tuple(value for leak, value in self._leaked if leak.kind == kind)

    def progress(self, what: str, done: int, of: int) -> None:
        if self.tell is not None:
            self.tell(ReadEvent(what, done, of))

    def show(self, says: str) -> bool:
        return self._show is not None and self._show(says)

    def _context(self) -> ssl.SSLContext:
        from nhi_revoke.provider.httpx_alone import httpx

        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls

    def http(self, base_url: str, tls: ssl.SSLContext | None = None) -> httpx.Client:
        from nhi_revoke.engine.cookieless import CookielessClient
        from nhi_revoke.provider.httpx_alone import httpx

        with self._lock:
            client = self._clients.get((base_url, tls))
            if client is None:
                client = CookielessClient(
                    base_url=base_url,
                    # A sandbox on http needs no TLS context, which takes 50 ms to make.
                    verify=(tls or self._context()) if base_url.startswith("https:") else False,
                    follow_redirects=False,
                    trust_env=not is_near(base_url),  # a proxy would get what is meant for this machine alone
                    timeout=httpx.Timeout(20.0, connect=5.0),
                )
                self._clients[base_url, tls] = client
            return client

    def close(self) -> None:
        """Ends the threads and the clients."""
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        for client in self._clients.values():
            client.close()


def _done(do: Callable[[T], R], item: T) -> Future[R]:
    """Done here and now, whatever comes of it."""
    future: Future[R] = Future()
    try:
        future.set_result(do(item))
    except BaseException as failure:  # noqa: BLE001 - raised by `map` once all have ended, as a pool's own is
        future.set_exception(failure)
    return future
