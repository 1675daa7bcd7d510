"""`--until-unused`: the old credential ends once nobody uses it, and both work until then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nhi_revoke.engine.event import WaitEvent
from nhi_revoke.model.error import Stopped
from nhi_revoke.model.intent import LONGEST_UNUSED, Intent
from nhi_revoke.model.line import Intended
from nhi_revoke.provider.fault import Denied, Unavailable
from tests.engine.cloud import Cloud
from tests.engine.scene import TO_SHELF, YES, Scene, id_of, identity, index
from tests.engine.tick import NOON, after

ROLL = Intent(order="rollover", replace=("fake:key",), until_unused=900.0)
WHO = identity(deliver=TO_SHELF, flush=True)


def ended_at(scene: Scene, step: str) -> float:
    line = scene.lines()[index(scene, step, Intended)]
    assert isinstance(line, Intended)
    return (line.at - NOON).total_seconds()


def test_one_that_nobody_used_since_ends_when_it_was_quiet_long_enough(scene: Scene, cloud: Cloud) -> None:
    cloud.used = {"old": NOON - timedelta(hours=1)}
    report = scene.rotate(intent=ROLL)
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}
    assert ended_at(scene, id_of(report, "fake:key/disable")) == 900
    assert [e for e in scene.waited() if "use of it" in e.why] == [
        WaitEvent(after(900), NOON, "the old credential ends then, unless a use of it shows")
    ]
    assert report.exit_code == 0


def test_never_used_is_no_use(scene: Scene, cloud: Cloud) -> None:
    cloud.used = {"old": None}
    report = scene.rotate(intent=ROLL)
    assert ended_at(scene, id_of(report, "fake:key/disable")) == 900


def test_each_use_of_it_puts_its_end_off(scene: Scene, cloud: Cloud) -> None:
    cloud.used = {"old": NOON - timedelta(seconds=1)}
    cloud.clock.at(300, lambda: cloud.used.update(old=after(300)))
    cloud.clock.at(1000, lambda: cloud.used.update(old=after(1000)))
    report = scene.rotate(intent=ROLL)
    assert ended_at(scene, id_of(report, "fake:key/disable")) == 1900
    assert "key old is still in use: last at 2026-11-23T12:05Z" in scene.says()
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}
    assert report.exit_code == 0


def test_the_grace_is_the_least(scene: Scene, cloud: Cloud) -> None:
    cloud.used = {"old": NOON - timedelta(seconds=1)}
    report = scene.rotate(intent=Intent(order="rollover", replace=("fake:key",), until_unused=60.0, grace=1800.0))
    assert ended_at(scene, id_of(report, "fake:key/disable")) == 1800


def test_the_day_begins_after_the_grace(scene: Scene, cloud: Cloud) -> None:
    cloud.used = {"old": NOON}
    cloud.clock.at(2 * LONGEST_UNUSED - 60, lambda: cloud.used.update(old=after(2 * LONGEST_UNUSED - 60)))
    intent = Intent(order="rollover", replace=("fake:key",), until_unused=900.0, grace=2 * LONGEST_UNUSED)
    report = scene.rotate(intent=intent)
    assert ended_at(scene, id_of(report, "fake:key/disable")) == 2 * LONGEST_UNUSED - 60 + 900


def test_still_used_after_a_day_it_is_left_and_resume_goes_on(scene: Scene, cloud: Cloud) -> None:
    report = scene.rotate(intent=ROLL)  # used at each look
    assert cloud.bots["ci"].keys == {"old": "live", "new1": "live"}
    assert cloud.bots["ci"].cutoff == ""  # nor do the sessions that are born of it end
    assert report.exit_code == 5
    assert report.headline == "NOT PROVEN OUT"
    assert report.next[0] == "nhi-revoke resume run-1"
    assert [o.fate for o in report.outcomes if o.access.id == "fake:key/ci/old"] == ["open"]
    assert cloud.clock.now() >= NOON + timedelta(seconds=LONGEST_UNUSED)
    (skipped,) = [s for s in report.steps if s.does == "fake:key/disable"]
    assert skipped.result == "skipped"
    assert "still in use" in skipped.detail
    cloud.used = {"old": after(LONGEST_UNUSED - 3600)}
    scene.new()
    report = scene.engine.resume("run-1")
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}
    assert cloud.bots["ci"].cutoff != ""
    assert cloud.minted == 1
    assert report.exit_code == 0


@pytest.mark.parametrize("call", ["collect fake:key", "enrich fake:key"])
def test_a_use_that_cannot_be_read_counts_as_one(scene: Scene, cloud: Cloud, call: str) -> None:
    cloud.used = {"old": NOON - timedelta(days=1)}
    plan = scene.plan(WHO, ROLL)
    cloud.tell(call, Denied("no"), Unavailable("later"))
    report = scene.engine.run(plan, "rotate", YES)
    assert "when key old was last used cannot be read (no)" in scene.says()
    assert ended_at(scene, id_of(report, "fake:key/disable")) >= 900
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}


def test_one_that_somebody_ended_meanwhile_holds_nothing_up(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(10, lambda: cloud.bots["ci"].keys.update(old="disabled"))
    report = scene.rotate(intent=Intent(order="rollover", replace=("fake:key",), until_unused=900.0, grace=30.0))
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}
    assert cloud.clock.now() < NOON + timedelta(hours=1)
    assert report.exit_code == 0


def test_ctrl_c_keeps_both_and_resume_waits_on(scene: Scene, cloud: Cloud) -> None:
    cloud.used = {"old": NOON - timedelta(seconds=1)}
    cloud.clock.at(10, scene.engine.interrupt)
    with pytest.raises(Stopped):
        scene.rotate(intent=ROLL)
    assert cloud.bots["ci"].keys == {"old": "live", "new1": "live"}
    scene.new()
    report = scene.engine.resume("run-1")
    assert ended_at(scene, id_of(report, "fake:key/disable")) == 900
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}


def test_the_plan_says_what_it_waits_for(scene: Scene, cloud: Cloud) -> None:
    said = [n.says for n in scene.plan(WHO, ROLL).notices if "--until-unused" in n.says]
    assert said == [
        "--until-unused: key old ends once no use of it has shown for 15 min: whoever holds a copy and uses it "
        "holds that up"
    ]


def test_where_no_use_is_told_exactly_it_ends_after_that_time(
    scene: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.fake import Keys

    monkeypatch.setattr(Keys, "tells_use", False)
    plan = scene.plan(WHO, ROLL)
    (said,) = [n.says for n in plan.notices if "--until-unused" in n.says]
    assert said.endswith("its last use is told by days or not at all; it ends 15 min after the new one is served")
    report = scene.engine.run(plan, "rotate", YES)
    assert ended_at(scene, id_of(report, "fake:key/disable")) == 900


def test_nothing_is_minted_where_a_slot_is_taken(scene: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every slot is looked at before the first mint."""
    from nhi_revoke.model.change import Impossible
    from tests.engine.fake import Create

    monkeypatch.setattr(Create, "check", lambda *_: Impossible("both slots are taken", "free one"))
    report = scene.rotate(intent=Intent(order="rollover", replace=("fake:key",)))
    assert cloud.minted == 0
    assert cloud.called("apply fake:key/create") == []
    assert cloud.bots["ci"].keys == {"old": "live"}
    assert "not replaced: mint a key: both slots are taken; free one" in scene.says()
    assert report.exit_code == 1
