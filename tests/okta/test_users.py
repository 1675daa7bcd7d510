"""The user itself: suspended and never deactivated; its factors are reported and never removed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Manual, Notice, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_okta.sandbox import plant_user
from nhi_revoke_okta.scopes import USERS

from . import user_run
from .conftest import START, USER, Bench, Whole

SUSPEND = "POST /api/v1/users/<user>/lifecycle/suspend"
UNSUSPEND = "POST /api/v1/users/<user>/lifecycle/unsuspend"


def status(bench: Bench, value: str) -> None:
    with bench.org.lock:
        bench.sandbox.scene.user.status.set(value, bench.sandbox.now(), 0)


def suspension(bench: Bench, **intent: Any) -> Step:
    [step] = [s for s in bench.steps(USER, **intent) if s.does == "okta:user/suspend"]
    return step


def said(bench: Bench, kind: type, **intent: Any) -> str:
    return " ".join(str(getattr(d, "says", getattr(d, "what", ""))) for d in drafts(bench, kind, **intent))


def drafts(bench: Bench, kind: type, **intent: Any) -> list[Any]:
    return [d for d in bench.draft(USER, **intent) if isinstance(d, kind)]


# -- suspending ----------------------------------------------------------------------------------------------------


def test_it_is_suspended_and_nothing_else_is_changed(bench: Bench) -> None:
    """Facts 1.4, 16: deactivating cannot be taken back whole."""
    step = suspension(bench)
    doors = bench.doors()
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"status": "SUSPENDED"}
    assert bench.writes() == [SUSPEND]
    assert bench.doors() == doors, "sessions and tokens are ended by steps of their own"
    assert (step.brake, step.reversible) == (True, True)


def test_only_the_status_is_called_recorded(bench: Bench) -> None:
    step = suspension(bench)
    bench.do(step)
    proven = bench.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "do not agree on whether that ends sessions" in proven.how


def test_undo_unsuspends_once(bench: Bench) -> None:
    step = suspension(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None
    assert bench.undo(step) == Already({"status": "ACTIVE"})
    assert bench.writes() == [SUSPEND, UNSUSPEND]


def test_undo_leaves_what_somebody_else_did(bench: Bench) -> None:
    step = suspension(bench)
    bench.do(step)
    status(bench, "DEPROVISIONED")
    assert isinstance(bench.undo(step), Failed)
    assert bench.writes() == [SUSPEND]


def test_twice_is_already(bench: Bench) -> None:
    step = suspension(bench)
    bench.do(step)
    assert bench.do(step) == Already({"status": "SUSPENDED"})
    assert bench.writes() == [SUSPEND]


@pytest.mark.parametrize(("state", "value"), [("disabled", "SUSPENDED"), ("disabled", "DEPROVISIONED")])
def test_who_is_shut_out_already_is_left_alone(bench: Bench, state: str, value: str) -> None:
    status(bench, value)
    [access] = bench.accesses(USER, "okta:user").values()
    assert access.state == state
    assert "okta:user/suspend" not in {s.does for s in bench.steps(USER)}
    assert "okta:user-session/clear" in {s.does for s in bench.steps(USER)}, "its sessions may live all the same"


@pytest.mark.parametrize("value", ["LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY", "PROVISIONED", "SOMETHING_NEW"])
def test_only_active_users_can_be_suspended(bench: Bench, value: str) -> None:
    """Facts 1.4, 17: Okta answers 400, so nothing is asked; the user may sign in again, so it is by hand."""
    status(bench, value)
    assert "okta:user/suspend" not in {s.does for s in bench.steps(USER)}
    [manual] = [m for m in drafts(bench, Manual) if m.kind == "okta:user"]
    assert value in manual.what
    assert "suspend" in manual.what


def test_one_who_was_locked_meanwhile_is_told(bench: Bench) -> None:
    step = suspension(bench)
    status(bench, "LOCKED_OUT")
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "LOCKED_OUT" in change.why
    assert bench.writes() == []


@pytest.mark.parametrize("fault", ["lost", "500", "timeout", "429"])
def test_an_answer_that_was_lost_does_no_harm(bench: Bench, fault: Any) -> None:
    step = suspension(bench)
    bench.sandbox.fault(SUSPEND, fault)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"status": "SUSPENDED"}


def test_brake_off_says_in_red_that_it_signs_in_again(bench: Bench) -> None:
    assert "okta:user/suspend" not in {s.does for s in bench.steps(USER, brake="off")}
    red = " ".join(n.says for n in drafts(bench, Notice, brake="off") if n.level == "danger")
    assert "not suspended" in red


def test_the_password_is_said_to_stay(bench: Bench) -> None:
    assert "password of payments-bot@example.com is not changed" in said(bench, Notice)


def test_without_the_right_nothing_is_changed_and_the_scope_is_named(bench: Bench) -> None:
    step = suspension(bench)
    bench.sandbox.allow_only([USERS.read])
    with pytest.raises(Denied) as no:
        bench.do(step)
    assert no.value.needs == USERS.manage


# -- factors -------------------------------------------------------------------------------------------------------


def test_a_factor_that_was_enrolled_lately_is_flagged_and_none_is_removed(bench: Bench) -> None:
    scene = bench.sandbox.scene
    with bench.org.lock:
        new = plant_user.factor(bench.org, "sms", "OKTA", START - timedelta(days=2))
        new["profile"] = {"phoneNumber": "+15550100"}
        scene.user.factors.append(new)
    found = bench.accesses(USER, "okta:factor")
    notes = {a.label.split()[2]: a.note for a in found.values()}
    assert "possibly an intruder's" in notes["sms"]
    assert "after every other" in notes["sms"]
    assert "intruder" not in notes["token:software:totp"]
    assert {a.state for a in found.values()} == {"live"}
    assert not any("15550100" in str(a) for a in found.values())
    assert not any(s.does.startswith("okta:factor") for s in bench.steps(USER))
    warned = said(bench, Notice)
    assert warned.count("possibly an intruder's") == 1
    assert f"DELETE /api/v1/users/{scene.user.id}/factors/{new['id']}" in warned


def test_the_beginning_of_the_incident_decides_where_it_is_known(bench: Bench) -> None:
    assert "intruder's" not in said(bench, Notice)
    assert "possibly an intruder's" in said(bench, Notice, since=START - timedelta(days=365))


def test_one_of_which_nothing_is_known_is_still_listed(bench: Bench) -> None:
    with bench.org.lock:
        bench.sandbox.scene.user.factors[:] = [{"id": "f1", "factorType": "webauthn", "status": "PENDING_ACTIVATION"}]
    [factor] = bench.accesses(USER, "okta:factor").values()
    assert (factor.state, factor.created) == ("unknown", None)
    assert "nobody knows since when" in factor.note


# -- a whole run ---------------------------------------------------------------------------------------------------


def test_roles_first_then_tokens_then_the_rest(whole: Whole) -> None:
    report = user_run.run(whole)
    assert user_run.wrong(whole, report) == []
    assert not any(user_run.mine(whole).values())
    order = user_run.writes(whole)
    assert order[:2] == ["DELETE …/roles/<role>", "DELETE /api/v1/api-tokens/<token>"]
    assert set(order[2:4]) == {"POST …/lifecycle/suspend", "DELETE …/sessions"}
    assert order[4:] == ["DELETE …/grants/<grant>", "DELETE …/grants/<grant>", "DELETE …/sessions"]
    assert user_run.still_open(report) == []
    assert report.state == "held"
    assert not [c for c in whole.sandbox.calls() if "deactivate" in c.name or c.name.endswith("/current")]


def test_undo_brings_back_the_role_and_the_status_and_nothing_else(whole: Whole) -> None:
    report = user_run.run(whole)
    shut = user_run.mine(whole)
    whole.undo(report.run)
    user = whole.okta.scene.user
    assert user.status.shown == "ACTIVE"
    assert [r.type for r in user.roles.values() if r.status.shown == "ACTIVE"] == ["APP_ADMIN"]
    assert user_run.writes(whole)[7:] == ["POST …/lifecycle/unsuspend", "POST …/roles"]
    assert user_run.mine(whole) == shut
    assert user.grants == {}


def test_release_takes_the_suspension_off_and_leaves_the_rest_ended(whole: Whole) -> None:
    report = user_run.run(whole)
    shut = user_run.mine(whole)
    with whole.engine() as engine:
        released = engine.act(report.run, "release", engine.plan_release(report.run, wait=False), user_run.YES)
    assert released.headline == "RELEASED"
    assert whole.okta.scene.user.status.shown == "ACTIVE"
    assert user_run.writes(whole)[7:] == ["POST …/lifecycle/unsuspend"]
    assert user_run.mine(whole) == shut


def test_one_who_was_suspended_before(whole: Whole) -> None:
    whole.okta.scene.user.status.set("SUSPENDED", whole.clock.now(), 0)
    report = user_run.run(whole)
    assert whole.outcome(report, user_run.name(whole)).fate == "already"
    assert "POST …/lifecycle/suspend" not in user_run.writes(whole)
    assert user_run.wrong(whole, report) == []
    assert not any(user_run.mine(whole).values())
    whole.undo(report.run)
    assert whole.okta.scene.user.status.shown == "SUSPENDED", "this run did not suspend it"


def test_somebody_takes_the_suspension_off_meanwhile(whole: Whole) -> None:
    done = False

    def meddle(_: int) -> None:
        nonlocal done
        if not done and user_run.writes(whole).count("DELETE …/sessions") == 2:  # it was sealed
            done = True
            whole.sandbox.meddle("unsuspend")

    report = user_run.run(whole, before_append=meddle)
    assert user_run.writes(whole).count("POST …/lifecycle/suspend") == 2
    assert user_run.writes(whole)[-1] == "DELETE …/sessions", "what began meanwhile is cleared, too"
    assert whole.okta.scene.user.status.shown == "SUSPENDED"
    assert whole.outcome(report, user_run.name(whole)).fate == "ended"


@pytest.mark.parametrize("brake", ["on", "off"])
def test_the_report_is_what_the_intruder_sees_whatever_the_brake(whole: Whole, brake: str) -> None:
    report = user_run.run(whole, brake=brake)
    assert user_run.wrong(whole, report) == []
    assert whole.outcome(report, user_run.name(whole)).fate == ("ended" if brake == "on" else "left")


@pytest.mark.parametrize("scope", ["sessions", "keys"])
def test_the_report_is_what_the_intruder_sees_in_a_narrow_scope(whole: Whole, scope: str) -> None:
    assert user_run.wrong(whole, user_run.run(whole, scope=scope)) == []
    assert whole.okta.scene.user.status.shown == "ACTIVE"
