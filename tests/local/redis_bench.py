"""What the tests of `redis` share."""

from __future__ import annotations

from typing import Any

from nhi_revoke.model.step import Step
from nhi_revoke_local.flush.redis import Redis
from tests.local.trial import Trial
from tests.local.valkey import Valkey

REDIS = Redis()
MATCH = "authz:payments-bot:*"
NEVER = {"KEYS", "DEL", "FLUSHDB", "FLUSHALL", "EVAL", "SORT"}


def table(valkey: Valkey, **more: Any) -> dict[str, Any]:
    """Of the map."""
    return {"url": valkey.url, "match": MATCH, **more}


def flush(run: Trial, **settings: Any) -> Step:
    return run.step("redis", "after the seal", before=settings)
