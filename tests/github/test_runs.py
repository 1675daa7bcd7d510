"""Workflow runs: listed by every status, Actions switched off first, cancelled, by force only where that is ignored."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Manual, Notice, Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.kind import View
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_github.access import run, run_cut
from nhi_revoke_github.access.live_runs import STATUSES
from nhi_revoke_github.sandbox import routes_actions as routes
from nhi_revoke_github.sandbox.state import Job, Repository

from .conftest import APP, START, USER, Bench, Whole

REPO = "github:repo/example-payments/shop"
KIND = run_cut.KIND
STANDING = f"{KIND}/example-payments/shop/*"
OFF, CANCEL, FORCE = (f"{KIND}/{name}" for name in ("actions-off", "cancel", "force-cancel"))
SWITCH, POST, BY_FORCE = (f"{verb} {path}" for verb, path in zip(
    ("PUT", "POST", "POST"), (routes.PERMISSIONS, routes.CANCEL, routes.FORCE), strict=True
))  # fmt: skip
LISTS, PERMISSIONS = f"GET {routes.RUNS}", f"GET {routes.PERMISSIONS}"


def shop(bench: Bench | Whole) -> Repository:
    hub = bench.hub if isinstance(bench, Bench) else bench.hub.hub
    return hub.repositories["example-payments/shop"]


def runs_of(bench: Bench, who: str = REPO) -> list[Access]:
    return [a for a in bench.accesses(who, KIND).values() if not a.id.endswith("/*")]


def steps(bench: Bench, who: str = REPO, **intent: object) -> dict[str, Step]:
    """By key; the forced cancel waits for the plain one, as in a plan."""
    made = {s.does: s for s in bench.steps(who, **intent) if s.does.startswith(f"{KIND}/")}
    if FORCE in made:
        made[FORCE] = replace(made[FORCE], after=(made[CANCEL].id,))
    return made


def notices(bench: Bench, **intent: object) -> str:
    return " | ".join(f"{d.level}: {d.says}" for d in bench.draft(REPO, **intent) if isinstance(d, Notice))


def statuses(bench: Bench) -> set[str]:
    return {routes.status_of(j, bench.sandbox.now()) for j in shop(bench).jobs.values()}


# -- looking -----------------------------------------------------------------------------------------------------------


def test_pitfall_15_every_status_is_asked_for(bench: Bench) -> None:
    for status in ("waiting", "requested", "pending"):
        routes.start(bench.hub, shop(bench), "somebody", START, status)
    found = runs_of(bench)
    assert {str(a.before["status"]) for a in found} == set(STATUSES)
    assert all(a.state == "live" and a.family == "session" for a in found)


def test_a_standing_access_always(bench: Bench) -> None:
    shop(bench).jobs.clear()
    [only] = bench.accesses(REPO, KIND).values()
    assert (only.id, only.state) == (STANDING, "unknown")


def test_of_an_app_or_a_user_those_that_it_started(bench: Bench) -> None:
    routes.start(bench.hub, shop(bench), "payments-bot[bot]", START)
    ledger = bench.hub.repositories["example-payments/ledger"]
    elsewhere = routes.start(bench.hub, ledger, "payments-machine", START)
    routes.start(bench.hub, ledger, "somebody", START)
    assert len(runs_of(bench, APP)) == 1
    theirs = {a.id for a in runs_of(bench, USER)}
    assert len(theirs) == 3
    assert f"{KIND}/example-payments/@payments-machine/example-payments/ledger/{elsewhere.id}" in theirs
    assert f"{KIND}/example-payments/@payments-machine/*" in bench.accesses(USER, KIND)
    assert not theirs & {a.id for a in runs_of(bench)}, "the same run has an id for each of its principals"


def test_one_row_a_page(bench: Bench) -> None:
    for _ in range(3):
        routes.start(bench.hub, shop(bench), "somebody", START)
    whole = {a.id for a in runs_of(bench)}
    bench.sandbox.page_size(1)
    assert {a.id for a in runs_of(bench)} == whole


def test_a_thousand_results_are_told_as_cut_off(bench: Bench) -> None:
    for _ in range(routes.MOST + 1):
        routes.start(bench.hub, shop(bench), "somebody", START, "queued")
    found = bench.collect(REPO, KIND)
    [blind] = [f for f in found if isinstance(f, BlindSpot)]
    assert "1000 runs of a status" in blind.why


def test_more_repositories_than_are_looked_into(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MOST_REPOSITORIES", 1)
    [blind] = [f for f in bench.collect(USER, KIND) if isinstance(f, BlindSpot)]
    assert "name more" in blind.why


def test_where_repositories_are_hidden_nothing_is_called_ended(bench: Bench) -> None:
    bench.sandbox.fault("GET /orgs/<org>/repos", "denied")
    who, found = bench.resolve(USER), bench.collect(USER, KIND)
    assert [f for f in found if isinstance(f, BlindSpot)]
    accesses = tuple(f for f in found if isinstance(f, Access))
    inventory = Inventory(identity=Identity("x", (who.ref,)), at=START, principals=(who,), accesses=accesses)
    [told] = bench.kinds[KIND].draft(View(who, inventory), Intent())
    assert isinstance(told, Manual)
    assert "could not be listed" in told.what


def test_a_denied_list_is_unseen_and_not_none(bench: Bench) -> None:
    """Pitfall 13: GitHub answers 404."""
    bench.sandbox.fault(LISTS, "denied", times=5)
    found = bench.collect(REPO, KIND)
    assert [f.needs for f in found if isinstance(f, BlindSpot)] == ["actions=read"]
    assert [f.id for f in found if isinstance(f, Access)] == [STANDING]


def test_whether_actions_is_on_may_be_hidden(bench: Bench) -> None:
    bench.sandbox.fault(PERMISSIONS, "denied", times=2)
    assert [f.needs for f in bench.collect(REPO, KIND) if isinstance(f, BlindSpot)] == ["administration=read"]
    drafted = bench.draft(REPO)
    assert [d for d in drafted if isinstance(d, Manual) and "Settings > Actions" in d.what]
    assert OFF not in {d.does for d in drafted if isinstance(d, Step)}


# -- the brake ---------------------------------------------------------------------------------------------------------


def test_the_brake_by_itself(bench: Bench) -> None:
    """On where something runs, or a runner is suspected; off is said in red."""
    assert OFF in steps(bench)
    assert OFF not in steps(bench, brake="off")
    assert "danger: --brake off: Actions of example-payments/shop stays on" in notices(bench, brake="off")
    shop(bench).jobs.clear()
    assert OFF not in steps(bench)
    assert "--brake on switches it off" in notices(bench)
    assert OFF in steps(bench, brake="on")
    assert OFF in steps(bench, reason=Reason.RUNNER_COMPROMISE)


def test_pitfall_16_actions_is_switched_off_and_on_again_as_it_was(bench: Bench) -> None:
    allowed = {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": ["octo/*"]}
    shop(bench).allowed_actions, shop(bench).selected_actions = "selected", dict(allowed)
    off = steps(bench)[OFF]
    assert (off.phase, off.brake, off.ends) == (Phase.CUT, True, ())
    assert isinstance(bench.do(off), Done)
    assert bench.seen(off) == {"enabled": False}
    assert isinstance(bench.do(off), Already)
    bench.sandbox.meddle("push-workflow")
    assert len(shop(bench).jobs) == 2, "nothing new begins"
    assert isinstance(bench.undo(off), Done)
    on = shop(bench)
    assert on.actions_on is not None
    assert (on.actions_on.shown, on.allowed_actions, on.selected_actions) == (True, "selected", allowed)
    assert isinstance(bench.undo(off), Already)


def test_one_that_was_off_stays_off(bench: Bench) -> None:
    actions = shop(bench).actions_on
    assert actions is not None
    actions.set(False, START, 0.0)
    assert OFF not in steps(bench, brake="on")
    assert "off already" in notices(bench, brake="on")


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_cancelled_is_seen_when_it_has_ended(bench: Bench) -> None:
    """202 is no end (pitfall 3 of requests that are accepted)."""
    cancel = steps(bench)[CANCEL]
    change = bench.do(cancel)
    assert isinstance(change, Done)
    assert len(change.left["runs"]) == 2
    assert bench.seen(cancel) is None
    assert bench.doors()["job-token"]
    bench.sandbox.advance(routes.CANCELS_IN)
    assert bench.seen(cancel) == change.left
    assert not bench.doors()["job-token"]
    assert statuses(bench) == {"completed"}
    assert isinstance(bench.do(cancel), Already)


def test_pitfall_14_force_is_never_first(bench: Bench) -> None:
    """Where no cancel was asked for, the forced one asks for a plain one."""
    force = replace(steps(bench)[FORCE], after=())
    bench.do(force)
    assert BY_FORCE not in bench.writes()
    assert bench.writes().count(POST) == 2


def test_force_only_for_what_ignores_the_cancel(bench: Bench) -> None:
    stubborn = routes.start(bench.hub, shop(bench), "payments-machine", START, stubborn=True)
    made = steps(bench)
    bench.do(made[CANCEL])
    bench.sandbox.advance(60)
    assert bench.seen(made[CANCEL]) is None
    assert isinstance(bench.do(made[FORCE]), Done)
    assert bench.writes().count(BY_FORCE) == 1
    assert bench.run.left(made[FORCE].id) == {"runs": [f"example-payments/shop/{stubborn.id}"]}
    bench.sandbox.advance(1)
    assert bench.seen(made[FORCE])
    assert isinstance(bench.do(made[FORCE]), Already)


def test_what_began_since_is_cancelled_too(bench: Bench) -> None:
    cancel = steps(bench)[CANCEL]
    bench.sandbox.meddle("push-workflow")
    bench.sandbox.meddle("start-queued")
    bench.do(cancel)
    bench.sandbox.advance(routes.CANCELS_IN)
    assert bench.seen(cancel)
    assert not any(bench.doors()[d] for d in bench.doors() if "run" in d or "job" in d)


def test_one_run_alone(bench: Bench) -> None:
    one = next(a for a in runs_of(bench) if a.before["status"] == "queued")
    made = steps(bench, scope=one.id)
    assert set(made) == {CANCEL, FORCE}
    assert made[FORCE].ends == (one.id,)
    bench.do(made[CANCEL])
    assert bench.seen(made[CANCEL])
    assert statuses(bench) == {"completed", "in_progress"}
    assert bench.doors()["job-token"]


def test_of_an_actor_its_own_runs_alone(bench: Bench) -> None:
    others = routes.start(bench.hub, shop(bench), "somebody", START)
    made = steps(bench, USER)
    assert OFF not in made, "nobody switches off every repository"
    bench.do(made[CANCEL])
    bench.sandbox.advance(routes.CANCELS_IN)
    assert bench.seen(made[CANCEL])
    assert bench.seen(made[FORCE])
    assert routes.status_of(others, bench.sandbox.now()) == "in_progress"


def test_with_nothing_to_lose_it_needs_no_consent(bench: Bench) -> None:
    assert not any(s.reversible for s in steps(bench).values() if s.does != OFF)
    shop(bench).jobs.clear()
    made = steps(bench)
    assert all(s.reversible for s in made.values())
    bench.do(made[CANCEL])
    assert isinstance(bench.undo(made[CANCEL]), Already)
    bench.sandbox.meddle("push-workflow")
    bench.do(made[CANCEL])
    told = bench.undo(made[CANCEL])
    assert isinstance(told, Impossible)
    assert "gh run rerun" in told.manual


def test_kept_sessions(bench: Bench) -> None:
    assert not steps(bench, keep_sessions=True)


def test_a_denied_cancel_is_a_fault(bench: Bench) -> None:
    bench.sandbox.fault(POST, "denied")
    with pytest.raises(Denied):
        bench.do(steps(bench)[CANCEL])


def test_what_survives_is_said(bench: Bench) -> None:
    assert "no API revokes a GITHUB_TOKEN" in notices(bench)
    assert "OIDC live on" in notices(bench)


# -- whole runs --------------------------------------------------------------------------------------------------------


def plan_of(whole: Whole, **intent: object) -> Plan:
    return whole.plan(replace(Intent(rotate="no"), **intent), name=REPO)


def ours(lines: list[str]) -> list[str]:
    return [line for line in lines if "shop/*" in line]


@pytest.mark.parametrize("meddling", ["", "start-queued", "push-workflow"])
def test_a_whole_run_ends_them_all_and_says_so(whole: Whole, meddling: str) -> None:
    plan = plan_of(whole)
    if meddling:
        whole.hub.meddle(meddling)
    report = whole.run(plan)
    order = [c.name for c in whole.sandbox.calls() if c.by == "operator" and c.mutates]
    assert order.index(SWITCH) < order.index(POST)
    assert BY_FORCE not in order
    assert whole.outcome(report, STANDING).fate == "ended"
    assert not {d for d in whole.open_doors() if "job-token" in d or "run" in d}
    assert not ours(mispredicted(whole, report))
    for late in ("start-queued", "push-workflow"):
        whole.hub.meddle(late)
    assert not ours(mispredicted(whole, report)), "nothing begins afterwards"


def test_a_stubborn_run_is_ended_by_force(whole: Whole) -> None:
    job = next(iter(shop(whole).jobs.values()))
    job.stubborn = True
    report = whole.run(plan_of(whole))
    assert whole.outcome(report, STANDING).fate == "ended"
    assert whole.outcome(report, f"{KIND}/example-payments/shop/{job.id}").fate == "ended"
    assert not ours(mispredicted(whole, report))


def test_a_run_that_nothing_ends_is_told_as_open(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(job: Job, now: object, seconds: float) -> None:
        return None

    monkeypatch.setattr(routes, "_end", never)
    report = whole.run(plan_of(whole))
    assert whole.outcome(report, STANDING).fate == "open"
    assert not ours(mispredicted(whole, report))


def test_released_and_undone(whole: Whole) -> None:
    report = whole.run(plan_of(whole))
    undone = whole.undo(report.run)
    actions = shop(whole).actions_on
    assert actions is not None
    assert actions.shown, undone
    whole.clock.advance(60)
    assert not {d for d in whole.open_doors() if "job-token" in d or "run" in d}, "no run comes back"


def test_what_needs_the_brake_goes_before_its_release(whole: Whole) -> None:
    """A mint on the repository releases it: by the brake's own undo, which has the same key."""
    deliver = f'\n[[identity.payments-bot.deliver]]\nfrom = "github:deploy-key"\nprincipal = "{REPO}"\nto = "file:/x"\n'
    whole._seeded = replace(whole.seeded, map=whole.seeded.map + deliver)
    plan = whole.plan(Intent(rotate="now", replace=("github:deploy-key",)))
    phases = {s.id: s.phase for s in plan.steps}
    assert Phase.RELEASE in phases.values()
    for step in plan.steps:
        if step.does in (CANCEL, FORCE):
            assert Phase.RELEASE not in {phases[before] for before in step.after}
