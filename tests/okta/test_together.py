"""Who asks while the same is asked already hears that answer; whoever asks later, or after a change, asks anew."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nhi_revoke_okta.scopes import APPS
from tests.held_request import PATIENCE, HeldRequest, until_waiting

from .conftest import Bench


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_side_by_side_all_hear_one_answer_and_the_next_asks_anew(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/v1/apps/{bench.sandbox.scene.app.id}/credentials/secrets"
    held = HeldRequest(monkeypatch, path)

    def look() -> list[dict[str, Any]]:
        return list(bench.conn.rows(path, APPS.read))

    first = pool.submit(look)
    assert held.began.wait(PATIENCE)
    others = [pool.submit(look) for _ in range(2)]
    until_waiting(bench.conn._reads.together, 2)
    held.go.set()
    assert [future.result(PATIENCE) for future in others] == [first.result(PATIENCE)] * 2
    assert held.count(path) == 1
    assert look() == first.result()
    assert held.count(path) == 2


def test_what_was_asked_before_a_change_is_told_to_nobody_after_it(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/v1/apps/{bench.sandbox.scene.app.id}"
    held = HeldRequest(monkeypatch, path)
    before = pool.submit(bench.conn.get, path, APPS.read)
    assert held.began.wait(PATIENCE)
    bench.conn.send("POST", f"{path}/lifecycle/deactivate", APPS.manage)
    after = pool.submit(bench.conn.get, path, APPS.read).result(PATIENCE)
    held.go.set()
    assert (before.result(PATIENCE)["status"], after["status"]) == ("ACTIVE", "INACTIVE")
