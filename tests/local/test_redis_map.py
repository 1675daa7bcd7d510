"""`redis`: what the map may say, and what the plan says of it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from nhi_revoke.model.change import Impossible
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import (
    NotInstalled,
    Rejected,
)
from nhi_revoke_local.flush.glob import wrong_with
from nhi_revoke_local.flush.redis import Redis
from tests.local.redis_bench import MATCH, REDIS, flush
from tests.local.trial import Trial


@pytest.mark.parametrize(
    "match", ["*", "**", "?*", "*?", "[a-z]*", "[^x]*", "*:*", ":*", "{*}*", r"\**", r"\?*", "[]", "-*", "[a\\]b]*"]
)
def test_a_pattern_that_would_match_everything_is_refused(run: Trial, match: str) -> None:
    step = flush(run, url="redis://127.0.0.1:1", match=match)
    told = REDIS.check(run.conn, step)
    assert told is not None
    assert "would match everything" in told.why
    with pytest.raises(Rejected):
        run.do(REDIS, step)


@pytest.mark.parametrize("match", ["bot[1", "bot\\", "bot\n*", "b" * 513])
def test_a_pattern_that_does_not_read_as_it_looks_is_refused(match: str) -> None:
    assert wrong_with(match)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "missing required field `url`"),
        ({"url": "redis://h"}, "missing required field `match`"),
        ({"url": "http://h", "match": "bot"}, "none of redis://, rediss:// and unix://"),
        ({"url": "redis://:canary@h", "match": "bot"}, "holds a user name or a password"),
        ({"url": "redis://canary@h", "match": "bot"}, "holds a user name or a password"),
        ({"url": "rediss://h?ssl_cert_reqs=none", "match": "bot"}, "holds more than an address"),
        ({"url": "redis://h/x", "match": "bot"}, "a database that is no number"),
        ({"url": "redis://h:99999", "match": "bot"}, "has no such port"),
        ({"url": "redis:///3", "match": "bot"}, "names no host"),
        ({"url": "unix://relative", "match": "bot"}, "names no socket"),
        ({"url": "redis://h", "match": "bot", "db": 3}, "db is for unix:// alone"),
        ({"url": "redis://h/3", "match": "bot", "cluster": True}, "database 0 alone"),
        ({"url": "redis://h", "match": "bot", "ca_file": "/x"}, "asks for no TLS"),
        ({"url": "redis://h", "match": "bot", "password_env": "A", "password_file": "b"}, "are both there"),
        ({"url": "redis://h", "match": "bot", "username": "u"}, "username is there without"),
        ({"url": "redis://h", "match": "bot", "timeout": 0}, "> 0"),
        ({"url": "redis://h", "match": "bot", "pasword_env": "A"}, 'there is no setting "pasword_env"'),
        ({"url": "redis://h", "match": "bot", "password": "canary"}, 'there is no setting "password"'),
    ],
)
def test_what_cannot_work_is_said_before(run: Trial, settings: dict[str, Any], says: str) -> None:
    told = REDIS.check(run.conn, flush(run, **settings))
    assert told is not None
    assert told.why.startswith("redis: ")
    assert says in told.why
    assert "Write" in told.manual or "mean" in told.manual
    assert "canary" not in told.why + told.manual
    shown, breaks = REDIS.tells(settings)
    assert "it will not be done" in shown
    assert breaks == ""


def test_the_nearest_setting_is_named(run: Trial) -> None:
    told = REDIS.check(run.conn, flush(run, url="redis://h", match="bot", pasword_env="A"))
    assert told is not None
    assert 'Did you mean "password_env"?' in told.manual


def test_the_plan_says_what_and_where_and_what_breaks() -> None:
    shown, breaks = REDIS.tells({"url": "rediss://cache.internal:6390/2", "match": MATCH})
    assert shown == f"remove every key {MATCH} from the cache cache.internal:6390/2 (TLS)"
    assert breaks.startswith(f"what {MATCH} held is looked up anew")
    shown, _ = REDIS.tells({"url": "redis://cache.internal", "match": MATCH, "cluster": True})
    assert shown == f"remove every key {MATCH} from the cluster cache.internal:6379, in clear: no TLS"


def test_a_missing_library_names_what_to_type(run: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nhi_revoke_local.flush.base.missing", tuple)
    step = flush(run, url="redis://h", match="bot")
    told = REDIS.check(run.conn, step)
    assert told == Impossible("redis: not installed: redis", "pip install 'nhi-revoke[redis]'")
    with pytest.raises(NotInstalled):
        REDIS.looks(run.conn, step.before)


def test_the_library_is_loaded_where_it_is_used() -> None:
    import subprocess

    code = "import sys, nhi_revoke_local; sys.exit('redis' in sys.modules or 'ssl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert Redis.phase is Phase.FLUSH
