"""Who asks while the same is asked already hears that answer; whoever asks later, or after a change, asks anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nhi_revoke_gcp.hierarchy import policy_at, write_policy_at
from nhi_revoke_gcp.iam import Iam
from nhi_revoke_gcp.named import account_at
from nhi_revoke_gcp.permissions import DISABLE_ACCOUNT, SEE_PROJECT
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.universe import RESOURCE_MANAGER
from tests.held_request import PATIENCE, HeldRequest, until_waiting

from .conftest import Bench

PROJECT = f"/v3/projects/{seed.PROJECT}"
POLICY = f"{PROJECT}:getIamPolicy"
ACCOUNT = f"projects/{seed.PROJECT}/serviceAccounts/{seed.EMAIL}"
LOOKS: dict[str, Callable[[Bench], Any]] = {
    PROJECT: lambda bench: bench.conn.get(RESOURCE_MANAGER, PROJECT, SEE_PROJECT),
    POLICY: lambda bench: policy_at(bench.conn, f"projects/{seed.PROJECT}"),
}
"""A read by GET, and one by POST."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.mark.parametrize("path", list(LOOKS))
def test_side_by_side_all_hear_one_answer_and_the_next_asks_anew(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    held = HeldRequest(monkeypatch, path)
    first = pool.submit(LOOKS[path], bench)
    assert held.began.wait(PATIENCE)
    others = [pool.submit(LOOKS[path], bench) for _ in range(2)]
    until_waiting(bench.conn._reads.together, 2)
    held.go.set()
    assert [future.result(PATIENCE) for future in others] == [first.result(PATIENCE)] * 2
    assert held.count(path) == 1
    assert LOOKS[path](bench) == first.result()
    assert held.count(path) == 2


def test_what_was_asked_before_a_change_is_told_to_nobody_after_it(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go, real = threading.Event(), threading.Event(), Iam._called

    def called(iam: Iam, method: str, request: dict[str, Any], needs: str, *, reads: bool) -> Any:
        answer = real(iam, method, request, needs, reads=reads)
        if reads and not began.is_set():
            began.set()
            assert go.wait(PATIENCE)
        return answer

    monkeypatch.setattr(Iam, "_called", called)
    before = pool.submit(account_at, bench.conn, ACCOUNT)
    assert began.wait(PATIENCE)
    bench.conn.iam.send("disable_service_account", {"name": ACCOUNT}, DISABLE_ACCOUNT, again=True)
    after = pool.submit(account_at, bench.conn, ACCOUNT).result(PATIENCE)
    go.set()
    told = before.result(PATIENCE)
    assert told is not None
    assert after is not None
    assert (told.disabled, after.disabled) == (False, True)


def test_a_change_over_rest_counts_too(bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldRequest(monkeypatch, PROJECT)
    first = pool.submit(LOOKS[PROJECT], bench)
    assert held.began.wait(PATIENCE)
    policy = policy_at(bench.conn, f"projects/{seed.PROJECT}", whole=True)
    write_policy_at(bench.conn, f"projects/{seed.PROJECT}", policy)
    assert LOOKS[PROJECT](bench) is not None
    assert held.count(PROJECT) == 2, "nobody waited for what was asked before"
    held.go.set()
    first.result(PATIENCE)
