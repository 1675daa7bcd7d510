"""`redis` through the command line, against a real Valkey: what the plan says, the run does, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.incident.conftest import BOT, YES, Incident
from tests.local.valkey import Valkey, serving

MATCH = "authz:payments-bot:*"


@pytest.fixture(scope="module")
def one_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with serving(tmp_path_factory.mktemp("v")) as server:
        yield server


@pytest.fixture
def valkey(one_valkey: Valkey, incident: Incident) -> Valkey:
    """The bot's decisions are cached there, and the map says so."""
    one_valkey.client.flushall()
    one_valkey.client.acl_setuser("default", enabled=True, nopass=True, reset=True, categories=["+@all"], keys=["*"])
    one_valkey.client.config_resetstat()
    one_valkey.fill(1204, others=300)
    incident.map += f'\n[[identity.{BOT}.flush]]\nuse = "redis"\nurl = "{one_valkey.url}/0"\nmatch = "{MATCH}"\n'
    return one_valkey


def left(valkey: Valkey) -> tuple[int, int]:
    """Keys of the bot, keys of others."""
    keys = [key.decode() for key in valkey.client.keys("*")]
    mine = sum(key.startswith("authz:payments-bot:") for key in keys)
    return mine, len(keys) - mine


def flushes(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in data["steps"] if step["does"] == "redis"]


@pytest.mark.parametrize("command", [("plan", BOT), ("revoke", BOT, "--dry-run")])
def test_a_dry_run_counts_and_changes_nothing(incident: Incident, valkey: Valkey, command: tuple[str, ...]) -> None:
    ran = incident(*command)
    assert ran.code == 0, ran
    at = f"127.0.0.1:{valkey.port}/0"
    says = f"remove every key {MATCH} from the cache {at} after the seal (1,204 keys match now, of 1,504 keys)"
    assert says in ran.words
    assert f"what {MATCH} held is looked up anew" in ran.words
    assert left(valkey) == (1204, 300)
    assert not {"UNLINK", "DEL", "KEYS", "SET"} & (set(valkey.calls()) - {"KEYS", "SET"})
    assert incident.mutations == []


def test_a_run_empties_the_cache_of_these_keys_and_of_no_other(incident: Incident, valkey: Valkey) -> None:
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert ran.code in (6, 8, 9), ran
    assert left(valkey) == (0, 300)
    [step] = flushes(ran.data)
    assert (step["result"], step["proof"]) == ("done", "recorded")
    assert step["detail"] == "removed: 1,204 keys; a second look found none"
    told = incident("report", "@last")
    assert "FLUSHED RECORDED redis removed: 1,204 keys; a second look found none" in told.words


def test_a_rotation_flushes_after_the_delivery_and_again_after_the_seal(incident: Incident, valkey: Valkey) -> None:
    """The workload fills its cache in between, with the new credential: told, and no failure."""
    filled: list[Any] = []

    def fill(event: Any) -> None:
        if getattr(event, "phase", "") == "seal" and not filled:
            valkey.client.set("authz:payments-bot:new", "allow")
            filled.append(event)

    ran = incident("rotate", BOT, *YES, "-o", "json", on_event=fill)
    assert ran.code in (6, 8, 9), ran
    assert [step["result"] for step in flushes(ran.data)] == ["done", "done"]
    assert sorted(step["detail"].partition(";")[0] for step in flushes(ran.data)) == [
        "removed: 1 key", "removed: 1,204 keys",
    ]  # fmt: skip
    assert left(valkey) == (0, 300)


def test_a_cache_that_is_down_makes_the_run_partial_and_nothing_else_fails(
    incident: Incident, one_valkey: Valkey
) -> None:
    incident.map += f'\n[[identity.{BOT}.flush]]\nuse = "redis"\nurl = "redis://127.0.0.1:1"\nmatch = "{MATCH}"\n'
    plan = incident("plan", BOT)
    assert plan.code == 0
    assert "(could not be asked: the cache 127.0.0.1:1/0 could not be reached: nothing was asked)" in plan.words
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert ran.code == 5, ran
    failed = [step for step in ran.data["steps"] if step["result"] in ("failed", "lost", "impossible", "skipped")]
    assert [step["does"] for step in failed] == ["redis"]
    assert incident.key_states()[incident.leaked] is False
    one_valkey.client.flushall()
    one_valkey.fill(3, others=2)


def test_what_an_acl_denies_is_resumed_once_it_is_allowed(incident: Incident, valkey: Valkey) -> None:
    valkey.client.execute_command("ACL", "SETUSER", "default", "-unlink")
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert ran.code == 5, ran
    assert any("does not allow this user UNLINK (its ACL)" in error["message"] for error in ran.json["errors"])
    assert left(valkey) == (1204, 300)
    valkey.client.execute_command("ACL", "SETUSER", "default", "+@all")
    again = incident("resume", "@last", "-o", "json")
    assert [step["result"] for step in flushes(again.data)] == ["done"]
    assert left(valkey) == (0, 300)


@pytest.mark.parametrize("more", ['url = "redis://:canary-cache@127.0.0.1:1"', 'password = "canary-cache"'])
def test_a_secret_in_the_map_is_nowhere_else(incident: Incident, more: str) -> None:
    """It is not used: the map's settings stand in plans and journals."""
    url = more if more.startswith("url") else f'url = "redis://127.0.0.1:1"\n{more}'
    incident.map += f'\n[[identity.{BOT}.flush]]\nuse = "redis"\n{url}\nmatch = "{MATCH}"\n'
    saved = incident.folder / "plan.json"
    ran = incident("plan", BOT, "--save", str(saved), "-o", "json")
    assert ran.code == 0, ran
    told = [s["says"] for s in ran.data["steps"] if s["does"] == "redis"]
    assert all("it will not be done" in says for says in told)
    run = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert run.code == 5, run
    assert [step["result"] for step in flushes(run.data)] == ["impossible"]
    shown = incident("config", "show")
    for text in (ran.out, ran.err, run.out, run.err, shown.out, saved.read_text(), incident.journal().read_text()):
        assert "canary-cache" not in text
