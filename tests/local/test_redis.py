"""`redis` against a real Valkey: the bot's keys go, no other does, and what came back is told."""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke_local.flush.redis import Redis
from tests.local.redis_bench import MATCH, NEVER, REDIS, flush, table
from tests.local.trial import Trial
from tests.local.valkey import Valkey


def test_the_keys_go_and_no_other(run: Trial, valkey: Valkey) -> None:
    valkey.fill(2500, others=300)
    step = flush(run, **table(valkey))
    assert REDIS.check(run.conn, step) is None
    assert valkey.client.dbsize() == 2800, "the preflight removes nothing"
    assert run.seen(REDIS, step) is None
    change = run.do(REDIS, step)
    assert isinstance(change, Done)
    assert change.left == {"match": MATCH, "removed": 2500}
    assert valkey.client.dbsize() == 300
    assert run.seen(REDIS, step) == {"match": MATCH, "removed": 2500, "there": 0}
    assert isinstance(run.undo(REDIS, step), Impossible)


def test_what_is_sent_holds_up_nobody(run: Trial, valkey: Valkey) -> None:
    valkey.fill(3000)
    valkey.client.config_resetstat()
    step = flush(run, **table(valkey))
    REDIS.looks(run.conn, step.before)
    run.do(REDIS, step)
    run.seen(REDIS, step)
    calls = valkey.calls()
    assert not NEVER & set(calls)
    assert 2 <= calls["UNLINK"] <= 8, "a page at a time; how many keys come with one is the server's"
    assert calls["SCAN"] >= 4


def test_the_look_counts_and_changes_nothing(run: Trial, valkey: Valkey) -> None:
    assert REDIS.looks(run.conn, table(valkey)) == "0 keys match now, of 0 keys"
    valkey.fill(1, others=0)
    assert REDIS.looks(run.conn, table(valkey)) == "1 key matches now, of 1 key"
    valkey.fill(1204)
    assert REDIS.looks(run.conn, table(valkey)) == "1,204 keys match now, of 1,214 keys"
    assert valkey.client.dbsize() == 1214
    assert "UNLINK" not in valkey.calls()


def test_a_look_ends_in_time_and_says_so(run: Trial, valkey: Valkey) -> None:
    valkey.fill(5000)
    seconds = iter(range(0, 1000, 3))
    said = Redis(lambda: float(next(seconds))).looks(run.conn, table(valkey))
    assert said.startswith("at least ")
    assert said.endswith("now, of 5,010 keys; 4 s were not enough to look at all")


def test_a_cache_that_fills_again_is_told_and_no_failure(run: Trial, valkey: Valkey) -> None:
    """A workload with the new credential fills it, and rightly: with which one, a cache does not tell."""
    valkey.fill(20)
    step = flush(run, **table(valkey))
    run.do(REDIS, step)
    valkey.client.set("authz:payments-bot:new", "allow")
    run.lefts[step.id] = run.seen(REDIS, step) or {}
    told = REDIS.prove(run.conn, step, run)
    assert told.proof is Proof.REQUESTED
    assert told.how.startswith("removed: 20 keys; 1 key matches again, written since")
    valkey.client.delete("authz:payments-bot:new")
    run.lefts[step.id] = run.seen(REDIS, step) or {}
    told = REDIS.prove(run.conn, step, run)
    assert (told.proof, told.how) == (Proof.RECORDED, "removed: 20 keys; a second look found none")


def test_without_a_second_look_nothing_is_proven(run: Trial) -> None:
    assert REDIS.prove(run.conn, flush(run), run).proof is Proof.REQUESTED


@pytest.mark.parametrize(
    ("match", "goes", "stays"),
    [
        ("a[ut]thz:bot", ["authz:bot", "atthz:bot"], ["asthz:bot"]),
        ("bot:?", ["bot:1", "bot:2"], ["bot:12", "bot:"]),
        (r"bot\*:*", ["bot*:1"], ["bots:1"]),
        (r"bot\[1\]", ["bot[1]"], ["bot1"]),
        ("{payments}:*", ["{payments}:1", "{payments}:2"], ["payments:1", "{ledger}:1"]),
        ("schlüssel:*", ["schlüssel:1"], ["schluessel:1"]),
        ("bot:[^a]", ["bot:b"], ["bot:a"]),
    ],
)
def test_globs_mean_what_redis_means(run: Trial, valkey: Valkey, match: str, goes: list[str], stays: list[str]) -> None:
    for key in (*goes, *stays):
        valkey.client.set(key, "x")
    run.do(REDIS, flush(run, **table(valkey, match=match)))
    assert {key.decode() for key in valkey.client.keys("*")} == set(stays)


def test_a_type_of_any_kind_goes(run: Trial, valkey: Valkey) -> None:
    valkey.client.hset("authz:payments-bot:h", "f", "v")
    valkey.client.rpush("authz:payments-bot:l", *range(1000))
    valkey.client.set("authz:payments-bot:t", "x", ex=1000)
    valkey.client.set(b"authz:payments-bot:\xff\x00 bytes", "x")
    change = run.do(REDIS, flush(run, **table(valkey)))
    assert isinstance(change, Done)
    assert change.left["removed"] == 4
    assert valkey.client.dbsize() == 0


def test_the_database_of_the_url_and_no_other(run: Trial, valkey: Valkey) -> None:
    valkey.fill(3, others=0)
    valkey.client.execute_command("SELECT", 0)
    assert REDIS.looks(run.conn, table(valkey, url=f"{valkey.url}/5")).startswith("0 keys match")
    run.do(REDIS, flush(run, **table(valkey, url=f"{valkey.url}/5")))
    assert valkey.client.dbsize() == 3


def test_by_a_socket(run: Trial, valkey: Valkey) -> None:
    valkey.fill(3)
    step = flush(run, url=f"unix://{valkey.socket}", match=MATCH)
    assert REDIS.check(run.conn, step) is None
    run.do(REDIS, step)
    assert valkey.client.dbsize() == 10
    assert REDIS.looks(run.conn, {**step.before, "db": 2}).startswith("0 keys match")
