"""Who asks while the same is asked already hears that answer; whoever asks later, or after a change, asks anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.access import deploy_key
from nhi_revoke_github.permissions import ADMINISTRATION
from nhi_revoke_github.repositories import walk
from nhi_revoke_github.sandbox.seed import LEDGER, SHOP
from tests.held_request import PATIENCE, HeldRequest, until_waiting

from .conftest import Bench

KEYS, SWITCH = f"/repos/{SHOP}/keys", f"/repos/{SHOP}/actions/permissions"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.mark.parametrize("denied", [False, True])
def test_side_by_side_all_hear_one_answer_and_the_next_asks_anew(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, denied: bool
) -> None:
    if denied:
        bench.sandbox.allow_only(["metadata:*"])
    held = HeldRequest(monkeypatch, KEYS)

    def look() -> Any:
        try:
            return sorted(deploy_key.listed(bench.conn, SHOP))
        except Denied as fault:
            return fault.message

    first = pool.submit(look)
    assert held.began.wait(PATIENCE)
    others = [pool.submit(look) for _ in range(3)]
    until_waiting(bench.conn._reads.together, 3)
    held.go.set()
    told = [future.result(PATIENCE) for future in (first, *others)]
    assert told == [told[0]] * 4
    assert isinstance(told[0], str) is denied
    assert held.count(KEYS) == 1
    assert look() == told[0]
    assert held.count(KEYS) == 2


def test_what_was_asked_before_a_change_is_told_to_nobody_after_it(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldRequest(monkeypatch, SWITCH)
    before = pool.submit(bench.conn.get, SWITCH, ADMINISTRATION.read)
    assert held.began.wait(PATIENCE)
    bench.conn.send("PUT", SWITCH, ADMINISTRATION.write, {"enabled": False})
    after = pool.submit(bench.conn.get, SWITCH, ADMINISTRATION.read).result(PATIENCE)
    held.go.set()
    assert (before.result(PATIENCE)["enabled"], after["enabled"]) == (True, False)


def test_other_queries_and_other_permissions_are_other_questions(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldRequest(monkeypatch, KEYS)
    looks: list[Callable[[], Any]] = [
        lambda: list(bench.conn.rows(KEYS, ADMINISTRATION.read)),
        lambda: list(bench.conn.rows(KEYS, ADMINISTRATION.read, per_page=1)),
        lambda: list(bench.conn.rows(KEYS, "")),
    ]
    first = pool.submit(looks[0])
    assert held.began.wait(PATIENCE)
    others = [pool.submit(look).result(PATIENCE) for look in looks[1:]]
    held.go.set()
    assert [len(told) for told in others] == [len(first.result(PATIENCE))] * 2
    assert held.count(KEYS) == 3


def test_two_that_begin_a_walk_at_once_go_it_together(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    repos = "/orgs/example-payments/repos"
    held = HeldRequest(monkeypatch, repos)

    def going() -> Any:
        return walk(bench.conn, bench.io, "deploy keys", "", lambda name: deploy_key.listed(bench.conn, name))

    first = pool.submit(going)
    assert held.began.wait(PATIENCE)
    other = pool.submit(going)
    until_waiting(bench.conn.together, 1)
    held.go.set()
    assert first.result(PATIENCE) is other.result(PATIENCE)
    assert [name for name, _ in first.result().found] == [LEDGER, SHOP]
    assert [held.count(path) for path in (repos, KEYS, f"/repos/{LEDGER}/keys")] == [1, 1, 1]
    assert going() is not first.result(), "a second walk is one of its own"
    assert held.count(repos) == 2


def test_of_a_walk_that_fails_both_hear(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.sandbox.allow_only(["metadata:*"])
    held = HeldRequest(monkeypatch, "/orgs/example-payments/repos")

    def going() -> Any:
        return walk(bench.conn, bench.io, "deploy keys", "", lambda name: deploy_key.listed(bench.conn, name))

    first = pool.submit(going)
    assert held.began.wait(PATIENCE)
    other = pool.submit(going)
    until_waiting(bench.conn.together, 1)
    held.go.set()
    assert {type(future.exception(PATIENCE)) for future in (first, other)} == {Denied}
