"""The gates between containing and rotating, and the order of a rollover."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.event import WaitEvent
from nhi_revoke.engine.states import braked
from nhi_revoke.model.change import Failed
from nhi_revoke.model.error import Stopped
from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Intended, Looked, Noted
from nhi_revoke.model.report import Report
from nhi_revoke.provider.fault import Denied, Rejected
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.scene import ROTATE, TO_SHELF, YES, Scene, fate, id_of, identity, index
from tests.engine.tick import NOON, after

MINT = "apply fake:key/create"
SEALED = 15
"""Seconds after noon: the key settles in 10, the seal in 5 more."""
ROLL = Intent(order="rollover", replace=("fake:key",))


def lag(seconds: float) -> BlindSpot:
    return BlindSpot(
        bot("ci"), "fake:session", "the log lags", until=after(seconds), covered_by=("fake:session/deny-older",)
    )


UNREAD = BlindSpot(bot("ci"), "fake:session", "logs of session: not allowed", "logs.read")
LEAD = Lead(bot("stranger"), "a session begun with old", "log", at=NOON, session="fake:session/stranger/9")


def why(report: Report) -> str:
    (one,) = report.replacements
    assert one.result == "not-replaced"
    return one.why


def rotated(cloud: Cloud, report: Report) -> None:
    assert [r.result for r in report.replacements] == ["served"]
    assert cloud.shelf["ci"]["current"] == "secret-of-new1-ci"


def test_containment_does_not_wait_for_logs(scene: Scene, cloud: Cloud) -> None:
    cloud.logs = [lag(600)]
    report = scene.revoke()
    assert cloud.clock.waits == [5.0, 5.0, 5.0]
    assert report.exit_code == 0  # a log's lag on a sealed principal is not unseen
    assert report.times.sealed == after(SEALED)


def test_a_mint_waits_until_the_logs_cover_the_seal(scene: Scene, cloud: Cloud) -> None:
    cloud.logs = [lag(600)]
    report = scene.rotate()
    rotated(cloud, report)
    mint = index(scene, id_of(report, "fake:key/create"), Intended)
    line = scene.lines()[mint]
    assert isinstance(line, Intended)
    assert line.at == after(600)
    (wait,) = [e for e in scene.waited() if "--rotate now" in e.why]
    assert (wait.now, wait.until) == (after(SEALED), after(600))
    assert any(isinstance(n, Noted) and n.source == "logs" and n.at == after(600) for n in scene.lines()[:mint])


@pytest.mark.parametrize("follow", ["identity", "none"])
def test_what_is_made_while_a_mint_waits_is_not_let_in_with_the_new_one(
    scene: Scene, cloud: Cloud, follow: Literal["identity", "none"]
) -> None:
    """The look after the seal was minutes ago, and what the logs say of it nobody reads before a `verify`."""
    cloud.logs = [lag(600)]
    cloud.clock.at(300, lambda: cloud.bots["ci"].keys.update(planted="live"))
    report = scene.rotate(intent=replace(ROTATE, follow=follow))
    shut = follow == "identity"
    assert cloud.bots["ci"].keys == {"old": "disabled", "planted": "disabled" if shut else "live", "new1": "live"}
    planted = fate(report, "fake:key/ci/planted")
    assert (planted.fate, planted.appeared) == ("ended" if shut else "left", True)
    assert report.exit_code == (0 if shut else 8)


def test_it_waits_at_most_to_seal_and_fifteen_minutes(scene: Scene, cloud: Cloud) -> None:
    cloud.logs = [lag(86400)]
    report = scene.rotate()
    (wait,) = [e for e in scene.waited() if "--rotate now" in e.why]
    assert wait.until == after(SEALED) + timedelta(minutes=15)
    rotated(cloud, report)


def test_without_lag_nothing_is_waited_for(scene: Scene, cloud: Cloud) -> None:
    rotated(cloud, scene.rotate())
    assert cloud.clock.now() == after(SEALED)


@pytest.mark.parametrize(("logs", "says"), [([UNREAD], "nobody has found"), ([LEAD], "fake:bot/stranger")])
def test_unread_logs_and_live_leads_forbid_minting(scene: Scene, cloud: Cloud, logs: list[Found], says: str) -> None:
    cloud.bots["stranger"] = Bot()
    cloud.logs = logs
    report = scene.rotate()
    assert says in why(report)
    assert "--rotate now" in why(report)
    assert cloud.called(MINT) == []
    assert cloud.shelf == {}
    assert report.exit_code in (8, 9)
    assert "not replaced" in scene.says()
    assert fate(report, "fake:key/ci/old").fate == "ended"
    assert cloud.bots["stranger"] == Bot()  # the plan that found it never touches it


@pytest.mark.parametrize("logs", [[UNREAD], [LEAD], [lag(600)]])
def test_rotate_now_overrides(scene: Scene, cloud: Cloud, logs: list[Found]) -> None:
    cloud.bots["stranger"] = Bot()
    cloud.logs = logs
    report = scene.rotate(intent=Intent(replace=("fake:key",), rotate="now"))
    rotated(cloud, report)
    assert not [e for e in scene.waited() if "--rotate now" in e.why]


@pytest.mark.parametrize(
    "lead",
    [
        Lead(bot("stranger"), "ended by itself", "log", session="s", until=after(1)),
        Lead(bot("stranger"), "shut elsewhere", "log", session="s", shut="denied there"),
        Lead(bot("stranger"), "no session", "log"),
    ],
)
def test_a_lead_that_lives_no_more_forbids_nothing(scene: Scene, cloud: Cloud, lead: Lead) -> None:
    cloud.logs = [lead]
    rotated(cloud, scene.rotate())


@pytest.mark.parametrize("late", [UNREAD, LEAD])
def test_what_the_late_log_shows_counts(scene: Scene, cloud: Cloud, late: Found) -> None:
    cloud.bots["stranger"] = Bot()
    cloud.logs = [lag(600)]
    cloud.clock.at(300, lambda: cloud.logs.append(late))
    report = scene.rotate()
    assert cloud.called(MINT) == []
    assert why(report)


def test_what_was_not_sealed_forbids_minting_at_once(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply fake:session/deny-older", Denied("no", needs="policy.write"))
    cloud.logs = [lag(600)]
    report = scene.rotate()
    assert "was not seen to hold" in why(report)
    assert cloud.called(MINT) == []
    assert not [e for e in scene.waited() if "--rotate now" in e.why]
    assert report.exit_code == 5


def test_ctrl_c_while_the_logs_are_waited_for(scene: Scene, cloud: Cloud) -> None:
    cloud.logs = [lag(600)]
    cloud.clock.at(100, scene.engine.interrupt)
    with pytest.raises(Stopped) as caught:
        scene.rotate()
    assert "nhi-revoke resume run-1" in caught.value.hint
    assert cloud.called(MINT) == []
    cloud.logs = []
    scene.new()
    rotated(cloud, scene.engine.resume("run-1"))


def test_ctrl_c_while_the_logs_are_read_claims_nothing(scene: Scene, cloud: Cloud) -> None:
    """An interrupted reading saw nothing: the section stays open, and is no report of "nothing there"."""
    cloud.tell("observe fake:session", scene.engine.interrupt)
    with pytest.raises(Stopped):
        scene.revoke()
    assert scene.history().now.closed is None
    assert not [line for line in scene.lines() if isinstance(line, Noted) and line.source == "logs"]


def test_a_resumed_rotation_that_was_minted_asks_no_log(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply shelf/serve", Rejected("bad"))
    report = scene.rotate()
    assert report.exit_code == 5
    cloud.logs = [lag(10_000)]
    scene.new()
    report = scene.engine.resume("run-1")
    assert [r.result for r in report.replacements] == ["served"]


def test_flushed_after_the_seal_and_after_the_delivery(scene: Scene, cloud: Cloud) -> None:
    report = scene.rotate()
    early, late = (s.id for s in report.steps if s.does == "purge")
    assert cloud.purged == ["after the seal", "after the delivery"]
    assert index(scene, early, Intended) > index(scene, id_of(report, "fake:session/deny-older"), Looked)
    assert index(scene, early, Intended) < index(scene, id_of(report, "fake:key/create"), Intended)
    assert index(scene, late, Intended) > index(scene, id_of(report, "shelf/serve"), Looked)


def test_rollover_ends_the_old_only_after_serve_and_the_late_flush(scene: Scene, cloud: Cloud) -> None:
    report = scene.rotate(intent=ROLL)
    rotated(cloud, report)
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}
    end = index(scene, id_of(report, "fake:key/disable"), Intended)
    late = next(s.id for s in report.steps if s.does == "purge" and "delivery" in s.says)
    assert index(scene, late, Looked) < end
    assert index(scene, id_of(report, "shelf/serve"), Looked) < end
    assert index(scene, id_of(report, "fake:session/deny-older"), Intended) > index(
        scene, id_of(report, "fake:key/disable"), Looked
    )
    assert cloud.called("apply fake:session/deny-all") == []  # it would stop the new one, too
    assert report.exit_code == 0


def test_rollover_whose_delivery_fails_keeps_the_old_one(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply shelf/stage", Denied("no"))
    report = scene.rotate(intent=ROLL)
    assert cloud.bots["ci"].keys == {"old": "live"}
    assert cloud.bots["ci"].cutoff == ""
    assert report.exit_code in (1, 5)
    assert report.headline != "OUT"


def test_rollover_does_not_wait_for_logs(scene: Scene, cloud: Cloud) -> None:
    cloud.logs = [lag(600), LEAD]
    rotated(cloud, scene.rotate(intent=ROLL))
    assert not [e for e in scene.waited() if "--rotate now" in e.why]


def test_grace_stands_between_the_new_one_and_the_end_of_the_old(scene: Scene, cloud: Cloud) -> None:
    intent = Intent(order="rollover", replace=("fake:key",), grace=900.0)
    report = scene.rotate(intent=intent)
    line = scene.lines()[index(scene, id_of(report, "fake:key/disable"), Intended)]
    assert isinstance(line, Intended)
    assert line.at == after(900)
    assert [e for e in scene.waited() if "grace" in e.why] == [
        WaitEvent(after(900), NOON, "grace: the old credential ends then")
    ]


def test_ctrl_c_in_the_grace_keeps_both(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(10, scene.engine.interrupt)
    with pytest.raises(Stopped):
        scene.rotate(intent=Intent(order="rollover", replace=("fake:key",), grace=900.0))
    assert cloud.bots["ci"].keys == {"old": "live", "new1": "live"}
    scene.new()
    report = scene.engine.resume("run-1")
    assert cloud.bots["ci"].keys == {"old": "disabled", "new1": "live"}
    assert cloud.clock.now() >= after(900)  # the grace that was promised is kept
    assert report.exit_code == 0


@pytest.mark.parametrize("brake", ["stop", "gate"])
def test_with_a_brake_on_it_is_released_before_the_proof(scene: Scene, cloud: Cloud, brake: str) -> None:
    cloud.braked = brake
    report = scene.rotate()
    rotated(cloud, report)
    assert not cloud.bots["ci"].stopped
    release = next(s.id for s in report.steps if s.phase == "release")
    prove = next(s.id for s in report.steps if s.phase == "prove")
    stage = next(s.id for s in report.steps if s.phase == "deliver")
    assert index(scene, stage, Looked) < index(scene, release, Intended) < index(scene, prove, Intended)
    assert report.state == "contained"


def test_with_two_brakes_on_both_are_released_before_the_proof(scene: Scene, cloud: Cloud) -> None:
    cloud.braked = "both"
    report = scene.rotate()
    rotated(cloud, report)
    releases = [s.id for s in report.steps if s.phase == "release"]
    prove = next(s.id for s in report.steps if s.phase == "prove")
    assert len(releases) == 2
    assert all(index(scene, release, Looked) < index(scene, prove, Intended) for release in releases)
    assert report.state == "contained"


@pytest.mark.parametrize("brake", ["stop", "gate"])
def test_a_failed_proof_puts_the_brake_back(scene: Scene, cloud: Cloud, brake: str) -> None:
    cloud.braked = brake
    cloud.tell("opens fake:key/create", *[Failed("refused")] * 99)
    report = scene.rotate()
    assert cloud.bots["ci"].stopped
    assert cloud.bots["ci"].keys == {"old": "disabled"}
    assert "goes back on" in scene.says()
    assert report.headline == "NOT PROVEN OUT"
    assert fate(report, "fake:key/ci/old").fate == "ended"
    assert [s.result for s in report.steps if s.phase == "release"] == ["skipped"], "it is not released any more"
    assert braked(scene.history()), "and so can be"


@pytest.mark.parametrize("brake", ["stop", "gate"])
def test_a_brake_that_went_back_on_is_released_like_any_other(scene: Scene, cloud: Cloud, brake: str) -> None:
    cloud.braked = brake
    cloud.tell("opens fake:key/create", *[Failed("refused")] * 99)
    report = scene.rotate()
    with scene.new() as engine:
        engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)
    assert not cloud.bots["ci"].stopped
    assert cloud.bots["ci"].keys == {"old": "disabled"}


@pytest.mark.parametrize("brake", ["stop", "gate"])
def test_resumed_it_is_released_once_more_and_proven(scene: Scene, cloud: Cloud, brake: str) -> None:
    cloud.braked = brake
    cloud.tell("opens fake:key/create", *[Failed("refused")] * 99)
    run = scene.rotate().run
    cloud.unsay("opens fake:key/create")
    with scene.new() as engine:
        report = engine.resume(run)
    assert [r.result for r in report.replacements] == ["served"]
    assert cloud.shelf["ci"]["current"] == "secret-of-new2-ci"
    assert cloud.bots["ci"].keys == {"old": "disabled", "new2": "live"}
    assert not cloud.bots["ci"].stopped
    assert report.state == "contained"


def test_a_demanded_brake_stays_and_says_that_nothing_is_replaced(scene: Scene, cloud: Cloud) -> None:
    cloud.braked = "stop"
    report = scene.rotate(intent=Intent(replace=("fake:key",), brake="on"))
    assert cloud.bots["ci"].stopped
    assert cloud.called(MINT) == []
    assert any("release, then rotate" in n.says for n in report.notices)
    assert report.state == "held"
    assert "nhi-revoke release run-1" in report.next


def test_what_mints_for_it_is_sealed_first(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["app"] = Bot(trusts={"t": ("org/ci",)})
    report = scene.revoke(identity("ci", "app"))
    key, first, last = (
        id_of(report, "fake:key/disable"),
        id_of(report, "fake:session/deny-older"),
        id_of(report, "fake:session/deny-older", "fake:bot/app"),
    )
    assert index(scene, key, Looked) < index(scene, last, Intended)
    assert index(scene, first, Looked) < index(scene, last, Intended)
    assert report.exit_code == 0


def test_a_lead_becomes_the_next_plan_and_is_not_touched(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["stranger"] = Bot()
    cloud.logs = [LEAD]
    report = scene.revoke()
    assert report.exit_code == 8
    assert report.next_plan is not None
    assert report.next_plan.endswith("run-1.plan-2.json")
    assert any(f"apply {report.next_plan}" in command for command in report.next)
    assert cloud.bots["stranger"] == Bot()
    assert [lead.to for lead in report.leads] == [bot("stranger")]


@pytest.mark.parametrize("stranger", ["responder", "vendors", "gone"])
def test_no_next_plan_for_what_no_plan_may_touch(scene: Scene, cloud: Cloud, stranger: str) -> None:
    cloud.bots["responder"] = Bot()
    cloud.bots["vendors"] = Bot(untouchable="the vendor's own")
    cloud.logs = [Lead(bot(stranger), "a session", "log", at=NOON, session="fake:session/x/9")]
    report = scene.revoke()
    assert report.exit_code == 8
    assert report.next_plan is None


def test_two_principals_each_get_their_own(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["app"] = Bot()
    both = identity("ci", "app", deliver=(*TO_SHELF, Delivery("fake:key", "shelf:app", "fake:bot/app")))
    report = scene.engine.run(scene.plan(both, ROTATE), "rotate", YES)
    assert {r.result for r in report.replacements} == {"served"}
    assert cloud.shelf["app"]["current"].endswith("-app")
    assert cloud.shelf["ci"]["current"].endswith("-ci")
