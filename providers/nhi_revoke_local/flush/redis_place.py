"""Which cache, how it is reached, and which keys: the settings of `redis`, weighed."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_local.flush.glob import wrong_with

EXAMPLE = 'url = "rediss://cache.internal:6379/0", match = "authz:payments-bot:*", password_env = "CACHE_PASSWORD"'
SCHEMES = ("redis", "rediss", "unix")
PORT = 6379


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands beside `use = "redis"` in the map. It is journaled: no secret belongs here."""

    url: Annotated[str, Meta(min_length=1)]
    """`redis://HOST:PORT/DB`, `rediss://…` (TLS) or `unix:///path`; of a cluster any one node."""
    match: Annotated[str, Meta(min_length=1)]
    """Glob of the keys that go."""
    username: str = ""
    password_env: str = ""
    password_file: str = ""
    ca_file: str = ""
    """PEM, for `rediss://`; by default the machine's own."""
    cluster: bool = False
    """Every primary is asked."""
    db: Annotated[int, Meta(ge=0)] = 0
    """For `unix://`; elsewhere it stands in the URL."""
    timeout: Annotated[float, Meta(gt=0, le=60)] = 10.0
    """Seconds that a connection or a single command may take."""


class Where(Struct, frozen=True):
    """One cache. Exactly one of `host` and `path` is there."""

    host: str
    port: int
    path: str
    db: int
    tls: bool
    told: str
    """For messages."""


def where(settings: RedisSettings) -> Where:
    """Raises Rejected for what is no such URL, or holds more than an address."""
    parts = urlsplit(settings.url)
    if parts.scheme not in SCHEMES:
        raise _wrong("url is none of redis://, rediss:// and unix://")
    if "@" in parts.netloc:
        why = "url holds a user name or a password, and what the map says is journaled: it was not used"
        raise _wrong(why, 'username = "NAME" and password_env = "VARIABLE" or password_file = "PATH" beside it')
    if parts.query or parts.fragment:
        raise _wrong("url holds more than an address and a database number")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/") or parts.path == "/":
            raise _wrong("url names no socket", 'url = "unix:///run/redis.sock"')
        return Where("", 0, unquote(parts.path), settings.db, False, f"{parts.path} (db {settings.db})")
    try:
        port = parts.port or PORT
    except ValueError:
        raise _wrong("url has no such port") from None
    number = parts.path.strip("/") or "0"
    if not parts.hostname or not number.isascii() or not number.isdigit():
        raise _wrong("url names no host, or a database that is no number")
    if settings.db:
        raise _wrong("db is for unix:// alone", f'url = "{parts.scheme}://{parts.netloc}/{settings.db}"')
    tls = parts.scheme == "rediss"
    told = f"{parts.hostname}:{port}" if settings.cluster else f"{parts.hostname}:{port}/{int(number)}"
    return Where(parts.hostname, port, "", int(number), tls, f"{told} (TLS)" if tls else told)


def weigh(settings: RedisSettings) -> None:
    """What types alone do not tell. Raises Rejected."""
    at = where(settings)
    if settings.cluster and (at.path or at.db):
        raise _wrong("a cluster has database 0 alone, and no socket that reaches all of it")
    if settings.ca_file and not at.tls:
        raise _wrong("ca_file is there, and url asks for no TLS", 'url = "rediss://…"')
    if settings.password_env and settings.password_file:
        raise _wrong("password_env and password_file are both there")
    if settings.username and not (settings.password_env or settings.password_file):
        raise _wrong("username is there without password_env or password_file")
    if why := wrong_with(settings.match):
        raise _wrong(f'match = "{settings.match}" {why}', 'the bot\'s own keys, as in match = "authz:payments-bot:*"')


def in_clear(settings: RedisSettings) -> bool:
    """Whether a password and keys cross a network as they are."""
    return settings.url.startswith("redis:") and not is_loopback(settings.url)


def _wrong(why: str, instead: str = EXAMPLE) -> Rejected:
    return Rejected(f"redis: {why}", hint=f"Write {instead}.")
