"""`redis`: as whom a cache is reached, over what, and what each refusal means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.provider.fault import (
    Denied,
    Fault,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke_local.flush.redis import Redis
from nhi_revoke_local.flush.redis_cache import Cache
from tests.local.certificates import certificate
from tests.local.redis_bench import MATCH, NEVER, REDIS, flush, table
from tests.local.trial import NOON, Trial
from tests.local.valkey import Valkey, cluster_of, saying, tls_before

# -- who may, and as whom ------------------------------------------------------------------------------------------


@pytest.fixture
def flusher(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A user with what `permissions` says, and no more."""
    may = [f"+{name.lower()}" for name in Redis.permissions if " " not in name]
    valkey.client.acl_setuser(
        "flusher", enabled=True, passwords=["+canary-pass"], reset=True, commands=may, keys=["authz:payments-bot:*"]
    )
    monkeypatch.setenv("CACHE_PASSWORD", "canary-pass")
    return table(valkey, username="flusher", password_env="CACHE_PASSWORD")


def test_the_declared_permissions_are_enough(run: Trial, valkey: Valkey, flusher: dict[str, Any]) -> None:
    valkey.fill(5)
    step = flush(run, **flusher)
    assert REDIS.check(run.conn, step) is None
    assert REDIS.looks(run.conn, flusher) == "5 keys match now, of 15 keys"
    run.do(REDIS, step)
    assert run.seen(REDIS, step) == {"match": MATCH, "removed": 5, "there": 0}


def test_without_dbsize_the_count_stands_alone(run: Trial, valkey: Valkey, flusher: dict[str, Any]) -> None:
    valkey.client.execute_command("ACL", "SETUSER", "flusher", "-dbsize")
    assert REDIS.looks(run.conn, flusher) == "0 keys match now"


@pytest.mark.parametrize("command", ["SCAN", "UNLINK"])
def test_a_command_that_the_acl_denies(run: Trial, valkey: Valkey, flusher: dict[str, Any], command: str) -> None:
    valkey.fill(5)
    valkey.client.execute_command("ACL", "SETUSER", "flusher", f"-{command.lower()}")
    with pytest.raises(Denied) as caught:
        run.do(REDIS, flush(run, **flusher))
    assert f"does not allow this user {command}" in caught.value.message
    assert caught.value.needs.startswith(command)
    assert valkey.client.dbsize() == 15


def test_keys_that_the_acl_denies(run: Trial, valkey: Valkey, flusher: dict[str, Any]) -> None:
    valkey.fill(5)
    valkey.client.execute_command("ACL", "SETUSER", "flusher", "resetkeys", "~other:*")
    with pytest.raises(Denied) as caught:
        run.do(REDIS, flush(run, **flusher))
    assert caught.value.needs == f"UNLINK on keys {MATCH}"
    assert valkey.client.dbsize() == 15


def test_a_wrong_password_and_none(
    run: Trial, valkey: Valkey, flusher: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CACHE_PASSWORD", "canary-wrong")
    with pytest.raises(Unauthenticated) as caught:
        REDIS.check(run.conn, flush(run, **flusher))
    assert "does not accept the user name and password" in caught.value.message
    assert "canary" not in repr(caught.value)
    valkey.client.acl_setuser("default", enabled=True, reset=True, passwords=["+canary-pass"], categories=["+@all"])
    try:
        with pytest.raises(Unauthenticated) as caught:
            REDIS.check(run.conn, flush(run, **table(valkey)))
        assert "wants a password, and the map names none" in caught.value.message
        kept = tmp_path / "password"
        kept.write_text("canary-pass\n")
        step = flush(run, **table(valkey, password_file=str(kept)))
        valkey.client.acl_setuser("default", enabled=True, keys=["*"])
        assert REDIS.check(run.conn, step) is None
        assert REDIS.looks(run.conn, step.before).startswith("0 keys")
    finally:
        valkey.client.acl_setuser("default", enabled=True, nopass=True, categories=["+@all"], keys=["*"])


def test_a_password_where_the_cache_has_none(run: Trial, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_PASSWORD", "canary-any")
    with pytest.raises(Unauthenticated) as caught:
        REDIS.looks(run.conn, table(valkey, password_env="CACHE_PASSWORD"))
    assert "has no password, and the map names one" in caught.value.message


def test_where_the_password_lies_is_checked_before(run: Trial, valkey: Valkey, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for more, said in (
        ({"password_env": "NO_SUCH_VARIABLE"}, "the variable NO_SUCH_VARIABLE (password_env) is not set"),
        ({"password_file": str(tmp_path / "none")}, "cannot be read (FileNotFoundError)"),
        ({"password_file": str(tmp_path / "empty")}, "cannot be read (it is empty)"),
    ):
        with pytest.raises(Unauthenticated) as caught:
            REDIS.check(run.conn, flush(run, **table(valkey, **more)))
        assert said in caught.value.message
    assert "AUTH" not in valkey.calls()


# -- TLS -----------------------------------------------------------------------------------------------------------


def test_tls_with_a_ca_of_ones_own(run: Trial, valkey: Valkey, tmp_path: Path) -> None:
    valkey.fill(4)
    pem, key = certificate(tmp_path, "localhost")
    with tls_before(valkey.port, pem, key) as door:
        step = flush(run, url=f"rediss://localhost:{door.port}/0", match=MATCH, ca_file=str(pem))
        assert REDIS.check(run.conn, step) is None
        assert REDIS.looks(run.conn, step.before).startswith("4 keys match")
        run.do(REDIS, step)
    assert valkey.client.dbsize() == 10


@pytest.mark.parametrize("host", ["cache.internal", "localhost"])
def test_a_certificate_of_another_host_or_of_nobody(
    run: Trial, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The password does not go there."""
    monkeypatch.setenv("CACHE_PASSWORD", "canary-pass")
    pem, key = certificate(tmp_path, host)
    trusted = {"ca_file": str(pem)} if host != "localhost" else {}
    with tls_before(valkey.port, pem, key) as door:
        url = f"rediss://localhost:{door.port}"
        step = flush(run, url=url, match=MATCH, password_env="CACHE_PASSWORD", **trusted)
        told = REDIS.check(run.conn, step)
    assert told is not None
    assert "shows a certificate that is not trusted" in told.why
    assert ("cache.internal" in told.why or "localhost" in told.why) if trusted else "self" in told.why
    assert not {"AUTH", "SCAN", "HELLO"} & set(valkey.calls())


def test_tls_where_none_is_spoken(run: Trial, valkey: Valkey) -> None:
    """Valkey waits for more of what it takes for a command."""
    step = flush(run, url=f"rediss://127.0.0.1:{valkey.port}", match=MATCH, timeout=0.1)
    with pytest.raises(Unavailable) as caught:
        REDIS.check(run.conn, step)
    assert f"127.0.0.1:{valkey.port}/0 (TLS) could not be reached in time" in caught.value.message


def test_tls_that_is_answered_in_clear(run: Trial) -> None:
    with saying(b"-ERR Protocol error\r\n", always=True) as door:
        told = REDIS.check(run.conn, flush(run, url=f"rediss://127.0.0.1:{door.port}", match=MATCH))
    assert told is not None
    assert "redis:// and rediss:// may be mixed up" in told.why


# -- clusters and replicas -----------------------------------------------------------------------------------------


def test_every_primary_of_a_cluster(run: Trial, valkey_cluster: list[Valkey]) -> None:
    import redis

    client: Any = redis.RedisCluster(host="127.0.0.1", port=valkey_cluster[0].port)
    for number in range(300):
        client.set(f"authz:payments-bot:{number}", "x")
        client.set(f"authz:ledger-bot:{number}", "x")
        client.set(f"{{payments}}:{number}", "x")
    held = [server.client.dbsize() for server in valkey_cluster]
    assert all(held), "all three hold keys"
    step = flush(run, url=valkey_cluster[0].url, match=MATCH, cluster=True)
    assert REDIS.check(run.conn, step) is None
    assert REDIS.looks(run.conn, step.before) == "300 keys match now, of 900 keys"
    change = run.do(REDIS, step)
    assert isinstance(change, Done)
    assert change.left["removed"] == 300
    assert run.seen(REDIS, step) == {"match": MATCH, "removed": 300, "there": 0}
    tagged = flush(run, url=valkey_cluster[1].url, match="{payments}:*", cluster=True)
    run.do(REDIS, tagged)
    assert sum(server.client.dbsize() for server in valkey_cluster) == 300
    for server in valkey_cluster:
        assert not NEVER & set(server.calls())
    client.close()


def test_a_cluster_that_the_map_does_not_call_one(run: Trial, valkey_cluster: list[Valkey]) -> None:
    """It would remove the keys of one node, and call it done."""
    told = REDIS.check(run.conn, flush(run, url=valkey_cluster[0].url, match=MATCH))
    assert told is not None
    assert "is one node of a cluster" in told.why
    assert "cluster = true" in told.manual


def test_a_single_server_that_the_map_calls_a_cluster(run: Trial, valkey: Valkey) -> None:
    told = REDIS.check(run.conn, flush(run, **table(valkey, cluster=True)))
    assert told is not None
    assert "is no cluster: take cluster = true out of the map" in told.why


def test_a_cluster_with_a_hole(run: Trial, tmp_path: Path) -> None:
    """What the missing node holds is nobody's: never "none there"."""
    with cluster_of(tmp_path) as servers:
        servers[0].client.execute_command("CLUSTER", "DELSLOTSRANGE", 0, 100)
        with pytest.raises(Unavailable):
            run.do(REDIS, flush(run, url=servers[0].url, match=MATCH, cluster=True))


def test_a_replica_is_refused(run: Trial, valkey: Valkey) -> None:
    valkey.fill(3)
    valkey.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        step = flush(run, **table(valkey))
        told = REDIS.check(run.conn, step)
        assert told is not None
        assert "is a read-only replica" in told.why
        assert "primary" in told.manual
        with pytest.raises(Rejected) as caught:
            run.do(REDIS, step)
        assert "nothing was removed" in caught.value.message
        assert valkey.client.dbsize() == 13
    finally:
        valkey.client.execute_command("REPLICAOF", "NO", "ONE")


# -- answers that a server gives on a bad day ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", Unavailable, "still loading its data"),
        (b"-MOVED 3999 127.0.0.1:6381\r\n", Rejected, "is one node of a cluster"),
        (b"-CLUSTERDOWN The cluster is down\r\n", Unavailable, "is not whole"),
        (b"-ERR max number of clients reached\r\n", Throttled, "as many clients as it takes"),
        (b"-ERR unknown command 'SCAN', with args canary\r\n", Rejected, "knows no SCAN"),
        (b"-MISCONF canary\r\n", Rejected, "refused SCAN"),
        (b"-NOPERM canary\r\n", Denied, "does not allow this user SCAN"),
        (b"", NoAnswer, "did not answer SCAN in time"),
    ],
)
def test_what_a_bad_answer_means(run: Trial, answer: bytes, kind: type[Fault], says: str) -> None:
    with saying(answer) as door:
        step = flush(run, url=f"redis://127.0.0.1:{door.port}", match=MATCH, timeout=0.1)
        with pytest.raises(kind) as caught:
            run.do(REDIS, step)
    assert says in caught.value.message
    assert "canary" not in repr(caught.value)
    assert caught.value.__context__ is None, "the library's own exception holds the connection"


def test_a_look_for_the_plan_is_tried_once(run: Trial) -> None:
    """A plan, and the end of its process, wait for no cache."""
    with saying(b"") as door, pytest.raises(NoAnswer):
        REDIS.looks(run.conn, {"url": f"redis://127.0.0.1:{door.port}", "match": MATCH, "timeout": 0.1})
    with pytest.raises(Unavailable):
        REDIS.looks(run.conn, {"url": "redis://127.0.0.1:1", "match": MATCH})
    assert run.clock.now() == NOON, "nothing was waited for"


def test_nobody_there(run: Trial) -> None:
    with pytest.raises(Unavailable) as caught:
        run.do(REDIS, flush(run, url="redis://127.0.0.1:1", match=MATCH))
    assert caught.value.message == "the cache 127.0.0.1:1/0 could not be reached: nothing was asked"
    with pytest.raises(Unavailable):
        run.do(REDIS, flush(run, url="redis://127.0.0.1:1", match=MATCH, cluster=True))


def test_a_cache_that_goes_away_half_way(run: Trial, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some keys went: whatever comes of the rest, "nothing was changed" would be a lie."""
    valkey.fill(5000)
    sent = Cache._unlink

    def once(self: Cache, node: Any, keys: Any) -> int:
        removed = sent(self, node, keys)
        monkeypatch.setattr(Cache, "_unlink", gone)
        return removed

    def gone(self: Cache, node: Any, keys: Any) -> int:
        raise Unavailable("the cache could not be reached")

    monkeypatch.setattr(Cache, "_unlink", once)
    step = flush(run, **table(valkey))
    with pytest.raises(NoAnswer) as caught:
        run.do(REDIS, step)
    assert re.search(r"\(after [1-9][0-9]* keys were removed\)", caught.value.message)
    monkeypatch.setattr(Cache, "_unlink", sent)
    assert run.seen(REDIS, step) is None, "so it is asked again"
    run.do(REDIS, step)
    assert valkey.client.dbsize() == 10
