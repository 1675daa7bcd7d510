"""`redis`: a Redis, or what speaks its protocol, forgets the keys of one pattern, and no other.

Facts of the vendor: `redis_cache.py`, `redis_fault.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace

from nhi_revoke.model.change import Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.io import Run
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.flush.base import LocalFlush
from nhi_revoke_local.flush.redis_cache import Met, Once, opened
from nhi_revoke_local.flush.redis_place import EXAMPLE, RedisSettings, in_clear, weigh, where

LOOK = 4.0
"""Seconds that a look for the plan may take: it then tells what it met so far. One answer may take as long."""


class Redis(LocalFlush[RedisSettings]):
    """SCAN and UNLINK, page by page; then it looks whether any key came back."""

    name: ClassVar[str] = "redis"
    permissions: ClassVar[tuple[str, ...]] = (
        "SCAN",
        "UNLINK",
        "DBSIZE",
        "CLUSTER SLOTS (of a cluster)",
    )
    says: ClassVar[str] = "removes the keys of one pattern from a Redis or Valkey, and no other"
    survives: ClassVar[str] = "what a process has read already; keys of other patterns, databases and caches"
    source: ClassVar[str] = "Redis docs: SCAN, UNLINK"
    shape: ClassVar[type[RedisSettings]] = RedisSettings
    example: ClassVar[str] = EXAMPLE
    needs_installed: ClassVar[tuple[str, ...]] = ("redis",)
    extra: ClassVar[str] = "redis"

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        """`ticks`: seconds, for how long a look for the plan has taken."""
        self._ticks = ticks

    def weigh(self, settings: RedisSettings) -> None:
        weigh(settings)

    def plainly(self, settings: RedisSettings) -> tuple[str, str]:
        what = "cluster" if settings.cluster else "cache"
        clear = ", in clear: no TLS" if in_clear(settings) else ""
        says = f"remove every key {settings.match} from the {what} {where(settings).told}{clear}"
        return says, f"what {settings.match} held is looked up anew: a burst of calls to what fills that cache"

    def unready(self, conn: LocalConnection, settings: RedisSettings) -> Impossible | None:
        if settings.ca_file and not os.path.isfile(os.path.expanduser(settings.ca_file)):
            return Impossible("redis: ca_file names no file", "Correct ca_file in the map.")
        with opened(conn.io, settings) as cache:
            cache.refuse_unfit()
        return None

    def looks(self, conn: LocalConnection, settings: Json) -> str:
        read = self.settings(settings)
        self.installed()
        until = self._ticks() + LOOK
        with opened(Once(conn.io), replace(read, timeout=min(read.timeout, LOOK))) as cache:
            met = cache.count(lambda: self._ticks() < until)
            of = cache.size()
        if not met.whole:
            return f"at least {_match(met)} now{_of(of)}; {LOOK:g} s were not enough to look at all"
        return f"{_match(met)} now{_of(of)}"

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        settings = self.settings(step.before)
        with opened(conn.io, settings) as cache:
            removed = cache.forget()
        return Done({"match": settings.match, "removed": removed}, conn.now())

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        """Whether keys match again is told, and no failure: a workload may fill its cache with the new credential."""
        left = run.left(step.id)
        if "removed" not in left:
            return None
        with opened(conn.io, self.settings(step.before)) as cache:
            return {**left, "there": cache.count().keys}

    def prove(self, conn: LocalConnection, step: Step, run: Run) -> Proven:
        left = run.left(step.id)
        there = left.get("there")
        gone = f"removed: {_keys(left.get('removed', 0))}"
        if there == 0:
            return Proven(Proof.RECORDED, f"{gone}; a second look found none")
        if there is None:
            return Proven(Proof.REQUESTED, f"{gone}; nobody looked again")
        again = f"{_match(Met(there))} again, written since: by which credential, a cache does not tell"
        return Proven(Proof.REQUESTED, f"{gone}; {again}")


def _keys(many: int) -> str:
    return f"{many:,} key{'s' * (many != 1)}"


def _match(met: Met) -> str:
    return f"{_keys(met.keys)} match{'es' * (met.keys == 1)}"


def _of(size: int | None) -> str:
    return f", of {_keys(size)}" if size is not None else ""
