"""A brake that only takes rights away: its principal goes on, and is never taken for stopped."""

from __future__ import annotations

import pytest

from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from tests.engine.cloud import Bot, Cloud
from tests.engine.fake import Stop
from tests.engine.scene import ROTATE, TO_SHELF, YES, Scene, identity


@pytest.fixture(autouse=True)
def partial(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    monkeypatch.setattr(Stop, "partial", True)
    cloud.braked = "stop"


def brake(plan: Plan) -> Step:
    [found] = [s for s in plan.steps if s.does == "fake:account/stop" and s.phase is Phase.CUT]
    return found


def test_nothing_new_waits_for_it_and_it_is_not_released_for_the_proof(scene: Scene) -> None:
    plan = scene.plan(identity(deliver=TO_SHELF), ROTATE)
    assert {s.phase for s in plan.steps if brake(plan).id in s.after} == {Phase.SEAL}
    assert Phase.RELEASE not in {s.phase for s in plan.steps}
    assert Phase.PROVE in {s.phase for s in plan.steps}


def test_a_whole_one_is_waited_for_and_released(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stop, "partial", False)
    plan = scene.plan(identity(deliver=TO_SHELF), ROTATE)
    assert Phase.MINT in {s.phase for s in plan.steps if brake(plan).id in s.after}
    assert Phase.RELEASE in {s.phase for s in plan.steps}


@pytest.mark.parametrize("whole", [True, False])
def test_whoever_it_holds_may_still_begin_sessions_for_others(
    scene: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    monkeypatch.setattr(Stop, "partial", not whole)
    cloud.bots["app"] = Bot()
    cloud.tell("collect fake:trust", Denied("no"), Denied("no"))
    plan = scene.plan(identity("ci", "app"))
    assert bool(plan.unordered) is not whole
    assert any("no order of the seals is right" in n.says for n in plan.notices) is not whole


def test_it_is_held_until_it_is_released(scene: Scene, cloud: Cloud) -> None:
    report = scene.revoke()
    assert cloud.bots["ci"].stopped
    assert report.state == "held"
    with scene.new() as engine:
        engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)
    assert not cloud.bots["ci"].stopped
