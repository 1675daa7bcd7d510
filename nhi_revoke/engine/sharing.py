"""What a tenant may be asked, shared by many workers: the engine's side of it.

Each connection gets an `Io` of its own, which knows the tenant and asks the share before anything is sent. Without a
share connections get the engine's own, and nothing of this is in the way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.provider.connection import CountedFor
from nhi_revoke.provider.fault import Throttled
from nhi_revoke.provider.pace import UsedUp
from nhi_revoke.provider.rate import Rate

if TYPE_CHECKING:
    import ssl

    import httpx

    from nhi_revoke.engine.io import EngineIo
    from nhi_revoke.provider.connection import Connection
    from nhi_revoke.provider.retry import Window
    from nhi_revoke.provider.secret import Secret

AT_ONCE = 0.02
"""Seconds in which a request follows its turn. Whatever is sent later (a login came between) takes another turn."""
T = TypeVar("T")
R = TypeVar("R")


class Wish(Struct, frozen=True):
    """Requests that somebody is about to send."""

    provider: str
    scope: str
    """Empty as long as nobody knows it."""
    settings: str
    """Name of the settings by which the tenant is reached: what is counted by where its scope is not known."""
    count: int = 1
    """As the vendor counts them; they go together."""
    bucket: str = ""
    """What the vendor counts them by besides the tenant."""
    reads: bool = True
    """They change nothing: what changes something goes first."""
    rate: Rate | None = None
    """What the vendor documents: for the tenant, or, for `Share.pace`, for the bucket."""
    owed: int = 0
    """So many more were sent before the scope was known, and counted by the name of the settings alone."""
    named: str = ""
    """As the plan names the tenant, which the vendor may count for by another name."""
    was_unknown: bool = False
    """The scope was learnt by this very connection: those settings lead to it."""


class Share(Protocol):
    """Over all workers. Thread-safe."""

    def take(self, wish: Wish, stop: threading.Event) -> str:
        """Returns when these may be sent, and that is at once: the scope that they were counted for.

        Raises Interrupted as soon as `stop` is set.
        """
        ...

    def pace(self, wish: Wish, stop: threading.Event) -> None:
        """Returns when so many more may go by `wish.rate` of its bucket, which is a matter of its own.

        Raises as `take`.
        """
        ...

    def answered(self, wish: Wish, told: Window | None, seconds: float) -> None:
        """They were answered, or failed. `told`: what the vendor said of its window; it ends in so many `seconds`."""
        ...

    def refused(self, wish: Wish, seconds: float | None) -> None:
        """The vendor asked to wait so long; None: it did not say how long."""
        ...


class SharedIo:
    """The `Io` of one connection, made before it: `bind` tells which."""

    def __init__(self, io: EngineIo, share: Share, provider: str, scope: str, settings: str, rate: Rate | None) -> None:
        """`scope`: as it is asked for. `settings`: their name. `rate`: what the vendor documents for a tenant."""
        self._io, self._share = io, share
        self._provider, self._asked, self._settings, self._rate = provider, scope, settings, rate
        self._conn: Connection | None = None
        self._lock = threading.Lock()
        self._owed = 0
        self._began_unknown = False
        self._inside = threading.local()

    def bind(self, conn: Connection) -> None:
        self._conn = conn

    def is_of(self, conn: Connection) -> bool:
        return self._conn is conn

    @property
    def scope(self) -> str:
        """What the vendor counts for, as far as it is known."""
        if self._conn is None:
            return self._asked
        return self._conn.counted_for if isinstance(self._conn, CountedFor) else self._conn.scope

    # -- asking ----------------------------------------------------------------------------------------------------

    def ask(self, call: Callable[[], T], *, repeatable: bool) -> T:
        def once() -> T:
            self._inside.paid_at = None  # of a call around this one
            self.sends()
            self._inside.paid_at = time.monotonic()  # what is sent right away, and says so itself, is this one
            try:
                return call()
            finally:
                self._inside.paid_at = None
                self.answered(1, "", None, 0.0)

        return self.ask_counted(once, repeatable=repeatable)

    # Of `provider.counting.Counting`.

    def ask_counted(self, call: Callable[[], T], *, repeatable: bool) -> T:
        def once() -> T:
            self._inside.bucket = ""
            try:
                return call()
            except UsedUp:
                raise  # of a window that the share was told of as well
            except Throttled as fault:
                self._share.refused(self._wish(1, self._inside.bucket), fault.retry_after)
                raise

        return self._io.ask(once, repeatable=repeatable)

    def sends(self, count: int = 1, *, bucket: str = "", reads: bool = True) -> None:
        self._inside.bucket = bucket
        paid_at, self._inside.paid_at = getattr(self._inside, "paid_at", None), None
        if paid_at is not None and time.monotonic() - paid_at < AT_ONCE:
            count -= 1
            if not count:
                return
        wish = self._wish(count, bucket, reads=reads)
        counted = self._share.take(self._owing(wish), self._io.stop)
        if not counted:
            with self._lock:
                self._owed += count

    def answered(self, count: int, bucket: str, told: Window | None, seconds: float) -> None:
        self._share.answered(self._wish(count, bucket), told, seconds)

    def pace(self, key: str, per_second: float, at_once: int = 1, count: int = 1) -> None:
        """A rate that is told for a tenant holds for all its workers together."""
        if at_once == 1 and per_second < 1:  # how often one thing is looked at, and one run alone does that
            self._io.pace(key, per_second, at_once, count)
            return
        if count > at_once:
            raise ValueError(f"{count} never go together where {at_once} may")
        self._share.pace(self._wish(count, key, rate=Rate(at_once, at_once / per_second)), self._io.stop)

    def _wish(self, count: int, bucket: str, *, reads: bool = True, rate: Rate | None = None) -> Wish:
        scope = self.scope
        if not scope:
            self._began_unknown = True
        named = self._conn.scope if self._conn is not None else self._asked
        return Wish(
            self._provider, scope, self._settings, count, bucket, reads, rate or self._rate,
            named=named, was_unknown=bool(scope) and self._began_unknown,
        )  # fmt: skip

    def _owing(self, wish: Wish) -> Wish:
        """With what was sent before the scope was known."""
        if not wish.scope or not self._owed:
            return wish
        with self._lock:
            owed, self._owed = self._owed, 0
        return replace(wish, owed=owed)

    # -- the engine's own ------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self._io.now()

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        return self._io.map(do, items)

    def leaked(self, kind: str) -> Sequence[Secret]:
        return self._io.leaked(kind)

    def progress(self, what: str, done: int, of: int) -> None:
        self._io.progress(what, done, of)

    def show(self, says: str) -> bool:
        return self._io.show(says)

    def http(self, base_url: str, tls: ssl.SSLContext | None = None) -> httpx.Client:
        return self._io.http(base_url, tls)
