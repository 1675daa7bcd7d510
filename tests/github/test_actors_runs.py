"""Runs of one user over many repositories: old ones that it ran again, and repositories that move meanwhile."""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.provider.fault import Rejected
from nhi_revoke_github.access import live_runs as live
from nhi_revoke_github.connection import PAGE, GithubConnection
from nhi_revoke_github.sandbox import routes_actions as routes
from nhi_revoke_github.sandbox.seed import LEDGER

from .conftest import START, USER, Bench
from .test_runs import CANCEL, FORCE, KIND, shop, statuses, steps


def test_what_an_actor_ran_again_is_ended_in_a_busy_repository_and_nothing_else(bench: Bench) -> None:
    """An intruder with the user's token runs an old deployment again: a GITHUB_TOKEN, and its clouds, once more."""
    again = routes.start(bench.hub, shop(bench), "somebody", START)
    again.again_by = "payments-machine"
    others = routes.start(bench.hub, shop(bench), "somebody", START)
    for _ in range(PAGE):
        routes.start(bench.hub, shop(bench), "somebody", START, "completed")
    made = steps(bench, USER)
    bench.do(made[CANCEL])
    assert bench.seen(made[FORCE]) is None, "it has not ended yet"
    bench.sandbox.advance(routes.CANCELS_IN)
    assert bench.seen(made[FORCE])
    now = bench.sandbox.now()
    assert (routes.status_of(again, now), routes.status_of(others, now)) == ("completed", "in_progress")


def hidden(monkeypatch: pytest.MonkeyPatch, repository: str) -> None:
    real = live._page

    def page(conn: GithubConnection, search: live.Search) -> object:
        if search.repository == repository:
            raise Rejected(f"GitHub sends GET /repos/{repository}/actions/runs elsewhere (301): it was not followed")
        return real(conn, search)

    monkeypatch.setattr(live, "_page", page)


def test_a_repository_that_moves_meanwhile_saves_no_run_in_another(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever administers one repository renames it, and every cancel would have failed by that."""
    ledger = bench.hub.repositories[LEDGER]
    there = routes.start(bench.hub, ledger, "payments-machine", START)
    others = routes.start(bench.hub, shop(bench), "somebody", START)
    made = steps(bench, USER)
    hidden(monkeypatch, LEDGER)
    change = bench.do(made[CANCEL])
    assert isinstance(change, Done)
    assert (len(change.left["runs"]), change.left["unread"]) == (2, [LEDGER])
    bench.sandbox.advance(routes.CANCELS_IN)
    now = bench.sandbox.now()
    assert {routes.status_of(j, now) for j in shop(bench).jobs.values() if j is not others} == {"completed"}
    assert routes.status_of(others, now) == "in_progress"
    with pytest.raises(Rejected, match="elsewhere"):
        bench.seen(made[CANCEL])
    monkeypatch.undo()
    assert bench.seen(made[CANCEL]) is None, "it goes on there"
    assert isinstance(bench.do(made[FORCE]), Done)
    bench.sandbox.advance(routes.CANCELS_IN)
    assert bench.seen(made[FORCE])
    assert routes.status_of(there, bench.sandbox.now()) == "completed"


def test_a_repository_that_cannot_be_looked_at_is_unseen_and_hides_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden(monkeypatch, LEDGER)
    found = bench.collect(USER, KIND)
    [blind] = [f for f in found if isinstance(f, BlindSpot)]
    assert blind.why.startswith(f"its runs in {LEDGER}: ")
    assert (blind.counts, blind.needs) == (True, "another look")
    standing, *runs = [f for f in found if isinstance(f, Access)]
    assert standing.before["repositories"] == ["example-payments/shop"]
    assert len(runs) == 2
    bench.do(steps(bench, USER)[CANCEL])
    bench.sandbox.advance(routes.CANCELS_IN)
    assert statuses(bench) == {"completed"}
