"""Somebody else has the name by now."""

from __future__ import annotations

from collections.abc import Callable

from tests.engine.cloud import Bot, Cloud
from tests.engine.scene import YES, Scene


def swap(cloud: Cloud) -> Callable[[], None]:
    """The principal is renamed, and opened again; a decoy without any key gets its name."""

    def work() -> None:
        cloud.bots["renamed"] = cloud.bots["ci"]
        cloud.bots["renamed"].keys["old"] = "live"
        cloud.bots["ci"] = Bot(keys={}, unique="2")

    return work


def test_a_decoy_that_was_given_the_name_is_neither_changed_nor_taken_for_the_one_of_the_plan(
    scene: Scene, cloud: Cloud
) -> None:
    planned = scene.plan()
    cloud.tell("resolve fake", swap(cloud))
    report = scene.engine.run(planned, "revoke", YES)
    assert (cloud.bots["ci"].cutoff, cloud.bots["ci"].keys) == ("", {}), "a decoy is no principal of the plan"
    assert report.headline == "NOT PROVEN OUT"
    assert {o.fate for o in report.outcomes} <= {"unseen", "open"}
    [spot] = [b for b in report.blind if b.kind == "namesake"]
    assert "another bot has this name by now (id 2): the one of this plan (id 1) was renamed, or deleted" in spot.why
    assert scene.says().count("UNSEEN") == 1


def test_verify_and_hold_do_not_take_a_decoy_for_the_one_of_the_plan(scene: Scene, cloud: Cloud) -> None:
    assert scene.revoke().exit_code == 0
    swap(cloud)()
    for report in (scene.engine.verify("run-1"), scene.engine.hold("run-1", interval=30.0, until=None)):
        assert report.headline == "NOT PROVEN OUT"
        assert [b.kind for b in report.blind] == ["namesake"]
        assert {o.fate for o in report.outcomes} <= {"unseen", "open"}
    assert (cloud.bots["ci"].cutoff, cloud.bots["ci"].keys) == ("", {})
