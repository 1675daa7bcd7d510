"""Which requests tell the runs that have not ended: one where a page holds all of a repository, else each status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.access import live_runs as runs
from nhi_revoke_github.access.live_runs import ENDED, STATUSES, Search, live_runs
from nhi_revoke_github.connection import PAGE
from nhi_revoke_github.sandbox import routes_actions as routes
from nhi_revoke_github.sandbox.seed import LEDGER, SHOP
from nhi_revoke_github.sandbox.state import Job

from .conftest import START, Bench

RUNS = f"GET {routes.RUNS}"
BOT = "payments-bot[bot]"


@pytest.fixture
def ledger(bench: Bench) -> Bench:
    """A run of the app, and one of somebody else, that have not ended; and no other ever was."""
    bench.hub.repositories[LEDGER].jobs.clear()
    bench.sandbox.gate.calls.clear()
    for actor in (BOT, "somebody"):
        started(bench, actor)
    return bench


def started(bench: Bench, actor: str, status: str = "in_progress") -> Job:
    return routes.start(bench.hub, bench.hub.repositories[LEDGER], actor, START, status)


def ended(bench: Bench, actor: str, count: int = PAGE) -> None:
    """So many newer ones, which fill a page."""
    for _ in range(count):
        started(bench, actor, ENDED)


def actors(bench: Bench, actor: str = "") -> list[str]:
    return sorted(str(r.row["actor"]["login"]) for r in live_runs(bench.conn, [LEDGER], actor).runs)


def asked(bench: Bench) -> int:
    """Requests for runs since the last time."""
    count = sum(call.name == RUNS for call in bench.sandbox.calls())
    bench.sandbox.gate.calls.clear()
    return count


def test_a_page_that_holds_them_all_is_asked_for_once_a_look(ledger: Bench) -> None:
    assert (actors(ledger), asked(ledger)) == ([BOT, "somebody"], 1)
    assert (actors(ledger, BOT), asked(ledger)) == ([BOT], 1)
    started(ledger, BOT)
    assert (actors(ledger, BOT), asked(ledger)) == ([BOT, BOT], 1), "another look is one of its own"


def test_where_there_are_more_each_status_is_searched_for(ledger: Bench) -> None:
    ended(ledger, "somebody")
    assert (actors(ledger), asked(ledger)) == ([BOT, "somebody"], 1 + len(STATUSES))
    assert not ledger.conn.beyond_a_page - {Search(LEDGER)}


def test_what_one_started_is_searched_for_whoever_started_it_first(ledger: Bench) -> None:
    ended(ledger, "somebody")
    assert (actors(ledger, BOT), asked(ledger)) == ([BOT], 1 + len(STATUSES))
    ended(ledger, BOT)
    assert (actors(ledger, BOT), asked(ledger)) == ([BOT], 1 + len(STATUSES))


def test_by_who_started_it_is_searched_only_where_a_status_has_too_many(
    ledger: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST", 3)
    monkeypatch.setattr(routes, "MOST", 3)
    mine = started(ledger, BOT, "queued")
    for _ in range(3):
        started(ledger, "somebody", "queued")
    ended(ledger, "somebody")
    found = live_runs(ledger.conn, [LEDGER], BOT)
    assert mine.id in {run.id for run in found.runs}
    assert found.cut_off == (LEDGER,), "what others began and it ran again may be beyond"
    assert asked(ledger) == 1 + len(STATUSES) + 1


def test_how_many_there_are_is_learnt_once(ledger: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look asks for everything side by side."""
    ended(ledger, BOT)
    assert actors(ledger, BOT) == [BOT]
    waves = []

    def paced(conn: Any, io: Any, read: Any, items: Any) -> list[Any]:
        waves.append(len(items))
        return [read(item) for item in items]

    monkeypatch.setattr(runs, "paced", paced)
    assert actors(ledger, BOT) == [BOT]
    assert waves == [1 + len(STATUSES)]


def test_what_a_search_misses_the_newest_page_shows(ledger: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(ledger, "somebody")
    started(ledger, BOT)
    pages = ledger.conn.pages

    def forgetful(path: str, needs: str, **query: Any) -> Iterator[tuple[list[Any], bool]]:
        searched = "status" in query or "actor" in query
        return iter([([], True)]) if searched else pages(path, needs, **query)

    monkeypatch.setattr(ledger.conn, "pages", forgetful)
    assert actors(ledger) == [BOT]
    assert actors(ledger, BOT) == [BOT]


def test_a_repository_that_refuses_hides_no_other(ledger: Bench) -> None:
    """Deleted, renamed or hidden since it was listed."""
    routes.start(ledger.hub, ledger.hub.repositories[SHOP], BOT, START, "queued")
    both = live_runs(ledger.conn, [LEDGER, SHOP], BOT)
    assert ({run.repository for run in both.runs}, both.unread) == ({LEDGER, SHOP}, ())
    del ledger.hub.repositories[SHOP]
    left = live_runs(ledger.conn, [LEDGER, SHOP], BOT)
    assert {run.repository for run in left.runs} == {LEDGER}
    [(name, fault)] = left.unread
    assert (name, type(fault)) == (SHOP, Denied)
    with pytest.raises(Denied):
        live_runs(ledger.conn, [SHOP], BOT)


def test_whoever_runs_it_again_has_started_it(ledger: Bench) -> None:
    again = started(ledger, "somebody")
    again.again_by = BOT
    found = live_runs(ledger.conn, [LEDGER], BOT.upper()).runs
    assert {run.id for run in found if run.row["actor"]["login"] == "somebody"} == {again.id}


@pytest.mark.parametrize("status", STATUSES)
def test_what_it_ran_again_is_found_however_many_newer_runs_there_are(ledger: Bench, status: str) -> None:
    """GitHub keeps actor and time of the first attempt: neither the newest page nor a search by actor has it."""
    again = started(ledger, "somebody", status)
    again.again_by = BOT
    ended(ledger, "somebody")
    ended(ledger, BOT)
    found = live_runs(ledger.conn, [LEDGER], BOT).runs
    assert {run.id for run in found if run.row["actor"]["login"] == "somebody"} == {again.id}
