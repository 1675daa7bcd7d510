"""An open cache: its keys of one pattern counted and removed, node by node, a page at a time.

Redis docs, SCAN: what is there from the first page to the last is returned, what comes or goes meanwhile may be, and a
key may be returned twice. UNLINK takes the names at once and frees the memory beside. KEYS, DEL and FLUSHDB are never
sent: each of them holds up every other client.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, NoAnswer, Rejected, Unavailable
from nhi_revoke_local.flush.base import secret_of
from nhi_revoke_local.flush.redis_fault import CLUSTER, REPLICA, UNKNOWN, asked
from nhi_revoke_local.flush.redis_place import RedisSettings, where

T = TypeVar("T")
R = TypeVar("R")

PAGE = 1000
"""About so many keys one SCAN looks at, and one UNLINK names: less than a millisecond of the server's one thread each
(`python -m benchmarks.redis_flush`)."""


class Asks(Protocol):
    """Of `Io`, what a cache needs."""

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]: ...

    def ask(self, call: Callable[[], T], *, repeatable: bool) -> T: ...


class Once:
    """Asks nothing twice: a plan waits for no cache."""

    def __init__(self, io: Asks) -> None:
        self._io = io

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        return self._io.map(do, items)

    def ask(self, call: Callable[[], T], *, repeatable: bool) -> T:
        return call()


class Met(Struct, frozen=True):
    """What a look met."""

    keys: int
    whole: bool = True
    """False where the time ran out before the end."""
    of: int | None = None
    """About how many keys there are in all; None where the cache does not say."""


class Cache:
    """Made by `opened`."""

    def __init__(self, io: Asks, settings: RedisSettings, client: Any, *, signed: bool) -> None:
        self._io = io
        self._settings = settings
        self._client = client
        self._signed = signed
        self._at = where(settings).told

    def refuse_unfit(self) -> None:
        """Raises Rejected for a replica, a Sentinel, or a node of a cluster that the map does not call one."""
        for node in self._nodes():
            said = self._hello(node)
            if said.get("mode") == "cluster" and not self._settings.cluster:
                raise Rejected(f"redis: {self._at} is one node of a cluster", hint=CLUSTER)
            if said.get("mode") == "sentinel":
                raise Rejected(f"redis: {self._at} is a Sentinel, and keeps no keys", hint=REPLICA)
            if said.get("role") in ("replica", "slave"):
                raise Rejected(f"redis: {self._at} is a read-only replica", hint=REPLICA)

    def count(self, more: Callable[[], bool] = lambda: True) -> Met:
        """How many keys match now. `more`: asked before each page whether there is time for it."""

        def one(node: Any) -> Met:
            keys = 0
            for page in self._pages(node):
                keys += len(page)
                if not more():
                    return Met(keys, whole=False)
            return Met(keys)

        met = self._io.map(one, self._nodes())
        return Met(sum(m.keys for m in met), all(m.whole for m in met))

    def size(self) -> int | None:
        """About how many keys there are in all; None where the ACL does not let this user ask."""
        try:
            return sum(int(self._ask(node, "DBSIZE")) for node in self._nodes())
        except Denied:
            return None

    def forget(self) -> int:
        """Removes what matches; how many keys went. Raises NoAnswer where some went and then an answer did not come."""
        gone: list[int] = []

        def one(node: Any) -> None:
            held: list[bytes] = []
            for page in self._pages(node):
                held += page
                if len(held) >= PAGE:
                    removed = self._unlink(node, held)
                    gone.append(removed)
                    held = []
            if held:
                gone.append(self._unlink(node, held))

        try:
            self._io.map(one, self._nodes())
        except Unavailable as fault:
            if sum(gone):
                raise NoAnswer(f"{fault.message} (after {sum(gone)} keys were removed)", code=fault.code) from None
            raise
        except Fault as fault:
            if sum(gone):
                fault.message += f" (after {sum(gone)} keys were removed)"
            raise
        return sum(gone)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _nodes(self) -> Sequence[Any]:
        if not self._settings.cluster:
            return (self._client,)
        return [self._client.get_redis_connection(node) for node in self._client.get_primaries()]

    def _pages(self, node: Any) -> Iterator[Sequence[bytes]]:
        cursor: Any = 0
        while True:
            cursor, keys = self._ask(node, "SCAN", cursor, "MATCH", self._settings.match, "COUNT", PAGE)
            yield keys
            if not int(cursor):
                return

    def _unlink(self, node: Any, keys: Sequence[bytes]) -> int:
        """In a cluster each key is a command of its own, all of them sent together: one command may not span slots."""
        needs = f"UNLINK on keys {self._settings.match}"

        def unlink() -> int:
            if not self._settings.cluster:
                return int(node.execute_command("UNLINK", *keys))
            pipe = self._client.pipeline()
            for key in keys:
                pipe.execute_command("UNLINK", key)
            return sum(int(each) for each in pipe.execute())

        def send() -> int:
            return asked(unlink, self._at, "UNLINK", signed=self._signed, needs=needs)

        return self._io.ask(send, repeatable=True)

    def _hello(self, node: Any) -> dict[str, str]:
        """What the server says of itself; nothing where it is too old for the question. Every user may ask it."""
        try:
            said = self._ask(node, "HELLO")
        except Rejected as fault:
            if fault.code != UNKNOWN:
                raise
            return {}
        pairs = said.items() if isinstance(said, dict) else zip(said[::2], said[1::2], strict=False)
        return {_text(name): _text(value) for name, value in pairs}

    def _ask(self, node: Any, command: str, *more: Any) -> Any:
        def send() -> Any:
            return asked(lambda: node.execute_command(command, *more), self._at, command, signed=self._signed)

        return self._io.ask(send, repeatable=True)


@contextmanager
def opened(io: Asks, settings: RedisSettings) -> Iterator[Cache]:
    """Closed at the end. Raises Unauthenticated for a password that is not where the map says."""
    password = secret_of("redis", "password", settings.password_env, settings.password_file)
    signed = password is not None
    options = _options(settings)
    if password is not None:
        options |= {"username": settings.username or None, "password": password.reveal()}

    def connect() -> Any:
        return asked(lambda: _client(settings, options), where(settings).told, "CLUSTER SLOTS", signed=signed)

    client = io.ask(connect, repeatable=True)
    try:
        yield Cache(io, settings, client, signed=signed)
    finally:
        with suppress(OSError):
            client.close()


def _client(settings: RedisSettings, options: dict[str, Any]) -> Any:
    """A client of a cluster asks at once which nodes there are; the other asks nothing yet."""
    import redis

    at = where(settings)
    if settings.cluster:
        return redis.RedisCluster(host=at.host, port=at.port, **options)
    if at.path:
        return redis.Redis(unix_socket_path=at.path, db=at.db, **options)
    return redis.Redis(host=at.host, port=at.port, db=at.db, **options)


def _options(settings: RedisSettings) -> dict[str, Any]:
    """Nothing is repeated by the library: the engine does that, on its own clock."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if where(settings).tls:
        options |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
        if settings.ca_file:
            options["ssl_ca_certs"] = os.path.expanduser(settings.ca_file)
    return options


def _text(said: Any) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
