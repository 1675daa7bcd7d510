"""Self-hosted runners: noted, and removed where a runner is suspected or one is named; a busy one is not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.access import runner
from nhi_revoke_github.sandbox import routes_runners as routes

from .conftest import Bench, Whole

REPO = "github:repo/example-payments/shop"
KIND = runner.KIND
REMOVE = f"DELETE {routes.RUNNER}"
SUSPECTED: dict[str, Any] = {"reason": Reason.RUNNER_COMPROMISE}


def own(bench: Bench) -> tuple[int, dict[str, Any]]:
    [(unique, row)] = bench.hub.repositories["example-payments/shop"].runners.items()
    return unique, row


def job(bench: Bench) -> int:
    return next(iter(bench.hub.repositories["example-payments/shop"].jobs))


def removal(bench: Bench, **intent: Any) -> list[Step]:
    return [s for s in bench.steps(REPO, **intent) if s.does == f"{KIND}/remove"]


def test_the_repositorys_and_the_organisations_are_noted(bench: Bench) -> None:
    found = bench.accesses(REPO, KIND)
    assert {a.door for a in found.values()} == {"shop-runner-1", "org-runner-1"}
    assert not any(a.opens for a in found.values())
    assert removal(bench) == []
    bench.sandbox.page_size(1)
    routes.new_runner(bench.hub, bench.hub.org_runners, "org-runner-2")
    assert len(bench.accesses(REPO, KIND)) == 3


@pytest.mark.parametrize("path", [routes.RUNNERS, routes.ORG_RUNNERS])
def test_a_denied_list_hides_its_half_alone(bench: Bench, path: str) -> None:
    bench.sandbox.fault(f"GET {path}", "denied")
    found = bench.collect(REPO, KIND)
    assert len([f for f in found if isinstance(f, Access)]) == 1
    [blind] = [f for f in found if isinstance(f, BlindSpot)]
    assert blind.needs.endswith("=read")


def test_removed_where_a_runner_is_suspected(bench: Bench) -> None:
    [step] = removal(bench, **SUSPECTED)
    assert not step.reversible
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"state": "gone"}
    assert isinstance(bench.do(step), Already)
    assert bench.hub.org_runners, "other repositories use the organisation's"
    assert bench.writes() == [REMOVE]
    drafted = bench.draft(REPO, **SUSPECTED)
    assert [d for d in drafted if isinstance(d, Notice) and "runners of the organisation are not removed" in d.says]


def test_one_of_the_organisation_where_it_is_named(bench: Bench) -> None:
    named = next(a for a in bench.accesses(REPO, KIND).values() if a.before["org"])
    [step] = removal(bench, scope=named.id)
    assert isinstance(bench.do(step), Done)
    assert not bench.hub.org_runners
    assert own(bench)


def test_what_survives_is_said(bench: Bench) -> None:
    says = " ".join(d.says for d in bench.draft(REPO, **SUSPECTED) if isinstance(d, Notice))
    assert "stops no host" in says


def test_pitfall_17_a_busy_one_is_told_with_what_to_do(bench: Bench) -> None:
    own(bench)[1]["job"] = job(bench)
    [step] = removal(bench, **SUSPECTED)
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "works on a job" in change.why
    assert "cancel the run" in change.manual
    assert bench.seen(step) is None


def test_pitfall_13_a_404_is_not_called_gone(bench: Bench) -> None:
    [step] = removal(bench, **SUSPECTED)
    bench.sandbox.fault(f"GET {routes.RUNNERS}", "denied", times=2)
    with pytest.raises(Denied):
        bench.seen(step)
    with pytest.raises(Denied):
        bench.do(step)


def test_in_a_whole_run_its_job_is_ended_first(whole: Whole) -> None:
    shop = whole.hub.hub.repositories["example-payments/shop"]
    next(iter(shop.runners.values()))["job"] = next(iter(shop.jobs))
    report = whole.run(whole.plan(replace(Intent(rotate="no"), **SUSPECTED), name=REPO))
    assert not shop.runners
    assert [o.fate for o in report.outcomes if o.access.door == "shop-runner-1"] == ["ended"]
    assert [o.fate for o in report.outcomes if o.access.door == "org-runner-1"] == ["kept"]
