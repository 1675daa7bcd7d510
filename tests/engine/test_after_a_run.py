"""Commands on a run that did not come to its end, and looks after one that did: nothing is forgotten or made better."""

from __future__ import annotations

import threading

import pytest

from nhi_revoke.model.change import Failed
from nhi_revoke.model.error import Refused
from tests.engine.cloud import Cloud
from tests.engine.scene import YES, Scene, fate
from tests.engine.tick import after

KEY = "fake:key/ci/old"


def half(scene: Scene, cloud: Cloud) -> None:
    """The key stays live, the deny-all holds the door."""
    cloud.rearms = 60.0
    cloud.tell("apply fake:key/disable", Failed("not allowed", "keys.update"))
    report = scene.revoke()
    assert (report.exit_code, report.state) == (5, "partial")
    assert cloud.bots["ci"].keys == {"old": "live"}


def test_a_hold_forgets_nothing_of_what_failed(scene: Scene, cloud: Cloud) -> None:
    """`finish` once took the deny-all off, and the key that was never disabled worked again."""
    half(scene, cloud)
    held = scene.engine.hold("run-1", interval=30.0, until=after(100))
    assert (held.exit_code, held.state, held.next[0]) == (5, "partial", "nhi-revoke resume run-1")
    cloud.clock.wait(7200, threading.Event())
    with pytest.raises(Refused) as caught:
        scene.engine.plan_finish("run-1")
    assert (caught.value.code, cloud.bots["ci"].denied) == ("wrong-state", True)
    cloud.calls.clear()
    report = scene.engine.resume("run-1")
    assert sorted(cloud.called("apply")) == [
        "apply fake:key/disable fake:bot/ci",
        "apply fake:session/deny-older fake:bot/ci",
    ]
    assert (report.exit_code, report.state) == (0, "contained")
    assert cloud.bots["ci"].keys == {"old": "disabled"}
    assert fate(report, KEY).fate == "ended"


def test_what_was_taken_back_in_part_is_gone_on_with(scene: Scene, cloud: Cloud) -> None:
    keys = cloud.bots["ci"].keys
    keys["other"] = "live"
    cloud.rearms = 60.0
    cloud.tell("apply fake:key/disable", Failed("not allowed", "keys.update"))  # whichever is asked first
    assert scene.revoke().exit_code == 5
    done, failed = sorted(keys, key=lambda key: keys[key])
    ended = f"fake:key/ci/{done}"
    back = scene.engine.act("run-1", "undo", scene.engine.plan_undo("run-1", (ended,), (ended,)), YES)
    assert (back.exit_code, back.state) == (5, "partial")
    report = scene.engine.resume("run-1")
    assert keys == {done: "live", failed: "disabled"}, "what was taken back stays so"
    assert fate(report, ended).fate == "open"
    assert report.exit_code == 8


def test_an_undo_of_all_is_whole_though_a_step_had_failed(scene: Scene, cloud: Cloud) -> None:
    """It said 5 and `resume`, which is refused then."""
    half(scene, cloud)
    cloud.clock.wait(7200, threading.Event())
    report = scene.engine.act("run-1", "undo", scene.engine.plan_undo("run-1", (), ()), YES)
    assert (report.exit_code, report.state, report.headline) == (0, "undone", "TAKEN BACK")
    assert "nhi-revoke resume run-1" not in report.next
    assert not cloud.bots["ci"].denied


def test_an_interrupted_undo_goes_on_with_itself_alone(scene: Scene, cloud: Cloud) -> None:
    half(scene, cloud)
    cloud.clock.wait(7200, threading.Event())
    cloud.tell("undo fake:session/deny-all", Failed("not now"))
    plan = scene.engine.plan_undo("run-1", (), ())
    assert scene.engine.act("run-1", "undo", plan, YES).exit_code == 5
    cloud.calls.clear()
    report = scene.engine.resume("run-1")
    assert cloud.called("apply") == [], "nobody who takes back wants more ended"
    assert (report.exit_code, report.state) == (0, "undone")


# -- looks after a release, a finish -----------------------------------------------------------------------------------


def finished(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.clock.wait(3600, threading.Event())
    assert scene.engine.act("run-1", "finish", scene.engine.plan_finish("run-1"), YES).exit_code == 0


def released(scene: Scene, cloud: Cloud) -> None:
    cloud.braked, cloud.rearms = "stop", 60.0
    scene.revoke()
    assert scene.engine.act("run-1", "release", scene.engine.plan_release("run-1", wait=True), YES).exit_code == 0


AFTER = pytest.mark.parametrize("before", [finished, released])


@AFTER
def test_a_look_after_it_tells_what_appeared(before: object, scene: Scene, cloud: Cloud) -> None:
    """It was judged by the steps of the finish alone: 0, FINISHED, with a key of the intruder's at work."""
    assert callable(before)
    before(scene, cloud)
    cloud.bots["ci"].keys["planted"] = "live"
    cloud.calls.clear()
    report = scene.engine.verify("run-1")
    assert (report.exit_code, report.headline) == (8, "NOT PROVEN OUT")
    assert fate(report, "fake:key/ci/planted").appeared
    assert cloud.called("apply") == cloud.called("undo") == []


@AFTER
def test_a_look_after_it_says_that_all_holds(before: object, scene: Scene, cloud: Cloud) -> None:
    assert callable(before)
    before(scene, cloud)
    report = scene.engine.verify("run-1")
    assert (report.exit_code, report.headline) == (0, "OUT")


def test_a_look_at_what_was_taken_back_as_a_whole_says_so(scene: Scene, cloud: Cloud) -> None:
    cloud.rearms = 0.0
    scene.revoke()
    scene.engine.act("run-1", "undo", scene.engine.plan_undo("run-1", (), (KEY,)), YES)
    report = scene.engine.verify("run-1")
    assert (report.exit_code, report.headline, report.state) == (0, "TAKEN BACK", "undone")


# -- accepted is not done ----------------------------------------------------------------------------------------------


def test_a_delete_that_does_not_show_is_not_finished(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.clock.wait(3600, threading.Event())
    cloud.tell("seen fake:key/delete", *[Failed("not yet")] * 100)
    report = scene.engine.act("run-1", "finish", scene.engine.plan_finish("run-1"), YES)
    assert (report.exit_code, report.state, report.next[0]) == (8, "partial", "nhi-revoke resume run-1")
    cloud.unsay("seen fake:key/delete")
    assert scene.engine.resume("run-1").exit_code == 0
