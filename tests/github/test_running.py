"""GitHub shows no former value: whoever has it by now are runs that had begun. They are named, and nothing is ended."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.sandbox import routes_actions as routes
from nhi_revoke_github.sandbox.state import Job
from nhi_revoke_github.store import running

from .conftest import Bench
from .test_store import DEPENDABOT, ENV, ORG, REPO, SECRET, STORE, step_of

SHOP = "example-payments/shop"
LIST = f"GET {routes.RUNS}"


@pytest.fixture
def ready(bench: Bench) -> Bench:
    bench.run.give("m1", SECRET)
    bench.run.lefts["m1"] = {"id": "41", "field": SECRET.field, "public": dict(SECRET.public)}
    bench.hub.repositories[SHOP].jobs.clear()
    return bench


def started(bench: Bench, status: str = "in_progress") -> Job:
    return routes.start(bench.hub, bench.hub.repositories[SHOP], "dev", bench.sandbox.now(), status)


def served(bench: Bench, to: str) -> str:
    for verb in ("stage", "serve"):
        change = getattr(STORE, verb).apply(bench.conn, step_of(to, verb), bench.run)
        assert isinstance(change, Done)
        bench.run.lefts[f"{verb}-0"] = change.left
    return str(bench.run.left("serve-0").get("leaves") or "")


def finished(bench: Bench, to: str) -> str:
    """By another process, which holds no secret."""
    bench.run.secrets.clear()
    step = replace(step_of(to, "forget"), id="finish-serve-0")
    change: Any = STORE.forget.apply(bench.conn, step, bench.run)
    assert isinstance(change, Done | Already)
    bench.run.lefts[step.id] = change.left
    assert STORE.forget.seen(bench.conn, step, bench.run) == change.left
    return str(change.left.get("leaves") or "")


@pytest.mark.parametrize("to", [REPO, ENV, DEPENDABOT])
def test_runs_that_may_have_read_it_are_named_until_they_have_ended(ready: Bench, to: str) -> None:
    """A repository's secrets are read when a run is queued, an environment's when its job begins."""
    ended, first, second = started(ready, "completed"), started(ready), started(ready)
    waiting = started(ready, "queued")
    ready.sandbox.advance(5)
    said = served(ready, to)
    name, began = to.rpartition("/")[2], "began" if to == ENV else "were queued"
    may = [second, first] if to == ENV else [waiting, second, first]
    assert f"{len(may)} run(s) of {SHOP} that {began} before secret {name} was written have not ended" in said
    assert f"may still hold the former value: {', '.join(str(job.id) for job in may)} (" in said
    assert f"gh run cancel {may[0].id} --repo {SHOP}" in said
    assert str(ended.id) not in said
    ready.sandbox.advance(5)
    later = started(ready)
    first.status.set("completed", ready.sandbox.now(), 0.0)
    told = finished(ready, to)
    assert f"former value: {', '.join(str(job.id) for job in may if job is not first)} (" in told
    assert str(later.id) not in told
    jobs = ready.hub.repositories[SHOP].jobs
    assert {job.id: job.status.shown for job in jobs.values() if job is not first} == {
        ended.id: "completed", second.id: "in_progress", waiting.id: "queued", later.id: "in_progress",
    }, "no run was ended"  # fmt: skip


def test_where_nothing_runs_nothing_is_said(ready: Bench) -> None:
    assert served(ready, REPO) == ""
    assert finished(ready, REPO) == ""


def test_a_secret_that_was_not_there_had_no_former_value(ready: Bench) -> None:
    started(ready)
    ready.sandbox.advance(5)
    assert served(ready, f"{SHOP}/BRAND_NEW") == ""
    assert finished(ready, f"{SHOP}/BRAND_NEW") == ""


def test_a_denied_list_is_a_blind_spot_and_fails_nothing(ready: Bench) -> None:
    started(ready)
    ready.sandbox.fault(LIST, "denied", times=9)
    said = served(ready, REPO)
    assert f"whether runs of {SHOP} still hold the former value of secret PAYMENTS_KEY was not seen" in said
    assert "was not seen" in finished(ready, REPO)


def test_an_organisations_secret_says_that_nobody_looked(ready: Bench) -> None:
    started(ready)
    ready.sandbox.advance(5)
    said = served(ready, ORG)
    assert "the repositories that may read it were not looked at" in said
    assert said == finished(ready, ORG)


def test_every_page_is_read_and_a_long_list_is_cut_with_its_number(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "NAMED", 2)
    for _ in range(4):
        started(ready)
    ready.sandbox.page_size(1)
    ready.sandbox.advance(5)
    said = served(ready, REPO)
    assert "4 run(s)" in said
    assert " and 2 more (" in said


def test_no_value_is_told(ready: Bench) -> None:
    started(ready)
    ready.run.give("m1", Secret("canary-of-a-value", field="private_key", public={"id": "41"}))
    ready.sandbox.advance(5)
    served(ready, REPO)
    assert "canary-of-a-value" not in json.dumps(ready.run.lefts)
