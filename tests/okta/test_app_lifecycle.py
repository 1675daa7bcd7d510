"""The app itself: stopped where it could repair itself, started again on release; what it issued counts as living."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Notice, Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_okta.access import app as the_app
from nhi_revoke_okta.sandbox import plant_app, seed
from nhi_revoke_okta.scopes import APPS

from .conftest import APP, START, Bench, Whole

KIND = the_app.KIND
DOES = f"{KIND}/deactivate"
TERMINAL = f"okta:app/{plant_app.TERMINAL}"


def stops(bench: Bench, **intent: Any) -> list[Step]:
    return [s for s in bench.steps(APP, **intent) if s.does == DOES]


def notices(bench: Bench, **intent: Any) -> list[Notice]:
    found = [d for d in bench.draft(APP, **intent) if isinstance(d, Notice)]
    return [n for n in found if "repair itself" in n.says or "outside of Okta" in n.says]


def powerful(bench: Bench) -> None:
    """It administers apps, and holds the scope for it."""
    with bench.org.lock:
        app = bench.sandbox.scene.app
        seed.add_role(bench.org, app.roles, "APP_ADMIN", START)
        seed.add_grant(bench.org, app, "okta.apps.manage", START)


# -- listing -----------------------------------------------------------------------------------------------------------


def test_the_app_as_an_access(bench: Bench) -> None:
    [access] = bench.accesses(APP, KIND).values()
    assert (access.family, access.state, access.opens) == ("principal", "live", False)
    assert access.id == f"{KIND}/{bench.sandbox.scene.app.id}"
    with bench.org.lock:
        bench.sandbox.scene.app.status.set("INACTIVE", START, 0)
    [access] = bench.accesses(APP, KIND).values()
    assert (access.state, access.before) == ("disabled", {"status": "INACTIVE"})
    assert "activate it again" in access.note


def test_a_denied_look_names_the_scope(bench: Bench) -> None:
    bench.resolve(APP)
    bench.sandbox.allow_only([])
    with pytest.raises(Denied) as said:
        list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(APP), bench.io))
    assert said.value.needs == APPS.read


# -- whether -----------------------------------------------------------------------------------------------------------


def test_an_app_that_can_only_read_is_not_stopped(bench: Bench) -> None:
    """It holds a read-only role and a scope to read users."""
    assert stops(bench) == []
    assert notices(bench) == []


def test_an_app_that_could_repair_itself_is_stopped(bench: Bench) -> None:
    powerful(bench)
    [step] = stops(bench)
    assert (step.phase, step.brake, step.reversible, step.rearms) == (Phase.CUT, True, True, "always")
    assert "until release" in step.breaks
    [said] = notices(bench)
    assert "App Admin" in said.says
    assert "okta.apps.manage" in said.says


@pytest.mark.parametrize("what", ["role", "scope", "custom role"])
def test_either_is_enough(bench: Bench, what: str) -> None:
    with bench.org.lock:
        app = bench.sandbox.scene.app
        if what == "scope":
            seed.add_grant(bench.org, app, "okta.clients.manage", START)
        else:
            seed.add_role(bench.org, app.roles, "CUSTOM" if what == "custom role" else "SUPER_ADMIN", START)
    assert len(stops(bench)) == 1


def test_keys_outside_of_okta_end_with_the_app_alone(bench: Bench) -> None:
    """Facts 1.4, 19."""
    with bench.org.lock:
        bench.sandbox.scene.app.jwks_uri = "https://keys.example.com/jwks"
    assert len(stops(bench)) == 1
    assert "outside of Okta" in notices(bench)[0].says


def test_on_and_off_are_obeyed(bench: Bench) -> None:
    assert len(stops(bench, brake="on")) == 1
    assert len(stops(bench, brake="on", scope="sessions")) == 1
    powerful(bench)
    assert stops(bench, brake="off") == []
    assert [n.level for n in notices(bench, brake="off")] == ["danger"]
    assert stops(bench, scope="keys") == []
    assert [n.level for n in notices(bench, scope="keys")] == ["danger"]
    assert stops(bench, order="rollover", brake="on") == [], "a rotation is no incident"


@pytest.mark.parametrize("denied", ["okta.roles.read", "okta.appGrants.read"])
def test_what_cannot_be_seen_is_said(whole: Whole, denied: str) -> None:
    kept = {c.permission for c in whole.sandbox.calls()}
    whole.look()
    kept = {c.permission for c in whole.sandbox.calls()} | kept
    whole.sandbox.allow_only(sorted(kept - {denied}))
    plan = whole.plan(name=APP)
    assert not [s for s in plan.steps if s.does == DOES]
    assert [n for n in plan.notices if "could repair itself is unseen" in n.says]


# -- doing and undoing -------------------------------------------------------------------------------------------------


def test_it_is_deactivated_and_what_it_issued_lives(bench: Bench) -> None:
    before = bench.doors()
    [step] = stops(bench, brake="on")
    change = bench.do(step)
    assert isinstance(change, Done)
    assert (change.left["status"], change.left["denies"]) == ("INACTIVE", "everything")
    [until] = change.left["residuals"].values()
    assert until.startswith("2026-11-28T13:00:")
    assert bench.seen(step) == change.left
    after = bench.doors()
    assert {n for n in before if before[n] and not after[n]} == {"client-secret", "client-key"}
    assert bench.writes() == ["POST /api/v1/apps/<app>/lifecycle/deactivate"]
    proven = bench.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "documented nowhere" in proven.how
    assert isinstance(bench.do(step), Already)

    assert isinstance(bench.undo(step), Done)
    assert bench.doors() == before
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)


def test_what_it_does_not_reach_is_not_called_ended(bench: Bench) -> None:
    """Nobody documents that it ends what the app has issued."""
    found = {**bench.accesses(APP), **bench.accesses(TERMINAL)}.values()
    beyond = {a.kind for a in found if a.elsewhere}
    assert beyond == {"okta:access-token", "okta:refresh-token", "okta:app-role", "okta:app-grant"}


def test_roles_and_scopes_go_first() -> None:
    assert the_app.Deactivate().needs == ("okta:app-role/unassign", "okta:app-grant/revoke")


def test_one_that_was_stopped_before_stays_so(bench: Bench) -> None:
    with bench.org.lock:
        bench.sandbox.scene.app.status.set("INACTIVE", START, 0)
    assert stops(bench) == []
    [step] = stops(bench, brake="on")
    assert (step.rearms, step.breaks) == ("no", "")
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Already), "release and undo leave it as it was found"
    assert bench.sandbox.scene.app.status.shown == "INACTIVE"
    assert bench.writes() == []


def test_one_that_is_deleted_meanwhile_is_not_missed(bench: Bench) -> None:
    [step] = stops(bench, brake="on")
    with bench.org.lock:
        bench.sandbox.scene.app.status.set("GONE", START, 0)
    change = bench.do(step)
    assert isinstance(change, Already)
    assert change.left["status"] == "DELETED"
    assert bench.seen(step) is not None
    assert isinstance(bench.undo(step), Impossible)


def test_a_lost_answer_is_looked_after(bench: Bench) -> None:
    """A deactivation may be asked for twice."""
    [step] = stops(bench, brake="on")
    bench.sandbox.fault("POST /api/v1/apps/<app>/lifecycle/deactivate", "lost")
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is not None


def test_undo_acts_only_on_what_this_run_left(bench: Bench) -> None:
    [step] = stops(bench, brake="on")
    bench.do(step)
    bench.run.lefts[step.id] = {"status": "ELSE"}
    assert isinstance(bench.undo(step), Failed)
    assert bench.sandbox.scene.app.status.shown == "INACTIVE"


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [APP, TERMINAL])
def test_with_the_brake_on_the_report_is_what_the_intruder_sees(whole: Whole, name: str) -> None:
    plan = whole.plan(replace(whole.intent, brake="on", replace=()), name=name)
    report = whole.run(plan)
    assert whole.outcome(report, f"{KIND}/").fate == "ended"
    assert whole.outcome(report, f"{KIND}/").proof is Proof.RECORDED
    assert whole.outcome(report, "okta:access-token/").fate == "lasts"
    known = {o.access.id for o in report.outcomes}
    assert not [wrong for wrong in mispredicted(whole, report) if any(access in wrong for access in known)]


def test_somebody_starts_it_again_during_the_run(whole: Whole) -> None:
    done: list[str] = []

    def meddle(line: int) -> None:
        """Once something is under way that waits until the app is seen to be stopped."""
        if not done and any(c.name == "DELETE /api/v1/apps/<app>/tokens" for c in whole.okta.calls()):
            done.append("once")
            whole.okta.meddle("activate-app")

    whole.okta.org.api_access_management = False  # so that there is a seal
    report = whole.run(whole.plan(replace(whole.intent, brake="on", replace=()), name=APP), before_append=meddle)
    assert done
    assert whole.okta.scene.app.status.shown == "INACTIVE"
    assert whole.outcome(report, f"{KIND}/").fate == "ended"


def test_release_starts_it_and_what_was_ended_stays_ended(whole: Whole) -> None:
    report = whole.run(whole.plan(replace(whole.intent, brake="on", replace=()), name=APP))
    assert report.state == "held"
    with whole.engine() as engine:
        from nhi_revoke.testing.conformance.world import YES

        engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
    assert whole.okta.scene.app.status.shown == "ACTIVE"
    assert not {"client-secret", "client-key"} & whole.open_doors()


def test_undo_starts_it_only_where_that_is_asked_for(whole: Whole) -> None:
    report = whole.run(whole.plan(replace(whole.intent, brake="on", replace=()), name=APP))
    access = whole.outcome(report, f"{KIND}/").access.id
    whole.undo(report.run, rearm=[access])
    assert whole.okta.scene.app.status.shown == "ACTIVE"
