"""The front door: locks, refusals, what a broken disk or a second hand does to a run."""

from __future__ import annotations

import os
import threading
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.consent import Consent
from nhi_revoke.model.change import Failed
from nhi_revoke.model.error import NotFound, NothingChanged, Partial, Refused, Stopped
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Closed, Opened
from nhi_revoke.provider.fault import NoAnswer, Unauthenticated
from nhi_revoke.provider.registry import Registry
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.scene import YES, Scene, fate, identity
from tests.engine.tick import after


def full_after(number: int) -> Any:
    def hook(line: int) -> None:
        if line >= number:
            raise OSError(28, os.strerror(28))

    return hook


def test_a_journal_opens_with_plan_operator_and_digest_and_closes_with_the_report(scene: Scene) -> None:
    report = scene.revoke()
    first, last = scene.lines()[0], scene.lines()[-1]
    assert isinstance(first, Opened)
    assert (first.verb, first.run, first.operator, first.consent) == (
        "revoke",
        "run-1",
        ("fake:bot/responder",),
        "--yes",
    )
    assert len(first.digest) == 64
    assert isinstance(last, Closed)
    assert replace(report, journal_sha256="") == replace(last.report, journal_sha256="")
    again = scene.engine.report("run-1")
    assert again == report
    assert scene.engine.report("run-1").journal_sha256 == report.journal_sha256


def test_a_refused_plan_leaves_no_journal(scene: Scene, cloud: Cloud) -> None:
    cloud.whoami = (bot("ci"),)
    with pytest.raises(Refused):
        scene.revoke()
    assert scene.engine.runs() == ()
    assert cloud.called("apply") == []
    with pytest.raises(NotFound):
        scene.engine.report("run-1")


def test_protect_of_the_settings_is_obeyed(scene: Scene, cloud: Cloud) -> None:
    scene.config = replace(scene.config, protect=("fake:bot/c*",))
    scene.new()
    with pytest.raises(Refused) as caught:
        scene.revoke()
    assert caught.value.code == "protected"
    cloud.bots["other"] = Bot()
    assert scene.revoke(identity("other")).exit_code == 0


def test_a_full_disk_before_the_first_change(scene: Scene, cloud: Cloud) -> None:
    scene.new(full_after(0))
    with pytest.raises(NothingChanged) as caught:
        scene.revoke()
    assert caught.value.exit_code == 1
    assert "nothing was changed" in caught.value.message
    assert cloud.called("apply") == []


def test_a_full_disk_midway_stops_everything(scene: Scene, cloud: Cloud) -> None:
    plan = scene.plan()
    scene.new(full_after(3))
    with pytest.raises(Partial) as caught:
        scene.engine.run(plan, "revoke", YES)
    assert caught.value.exit_code == 5
    assert "nhi-revoke resume run-1" in caught.value.hint
    made = len(cloud.called("apply"))
    assert made <= 2
    assert cloud.bots["ci"].cutoff == ""
    report = scene.new().resume("run-1")
    assert report.exit_code == 0
    assert scene.history().now.closed is not None


def test_a_full_disk_after_a_lost_answer_is_not_called_nothing(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply fake:key/disable", NoAnswer("gone"))
    plan = scene.plan(intent=Intent(scope="keys"))
    scene.new(full_after(3))  # Opened, intent, result: lost
    with pytest.raises(Partial):
        scene.engine.run(plan, "revoke", YES)


def test_a_journal_that_is_taken_away_midway_is_no_refusal(scene: Scene, cloud: Cloud) -> None:
    """7 is "refused by a guard": a script took it for "nothing was changed", with the key disabled."""
    path = scene.folder / "runs" / "run-1.jsonl"
    cloud.clock.at(3, path.unlink)
    with pytest.raises(Partial) as caught:
        scene.revoke()
    assert (caught.value.exit_code, caught.value.code) == (5, "journal-moved")
    assert "Some steps of run run-1 may be done" in caught.value.message
    assert cloud.bots["ci"].keys == {"old": "disabled"}
    assert len(cloud.called("apply")) == 2, "nothing more was started"


def test_ctrl_c_is_130_and_resume_goes_on(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(3, scene.engine.interrupt)
    with pytest.raises(Stopped) as caught:
        scene.revoke()
    assert (caught.value.exit_code, caught.value.code) == (130, "interrupted")
    with pytest.raises(Refused) as refused:
        scene.new().verify("run-1")
    assert refused.value.code == "wrong-state"
    before = len(cloud.called("apply"))
    report = scene.new().resume("run-1")
    assert report.exit_code == 0
    assert len(cloud.called("apply")) == before + 1  # the seal: what was done is not done again


def test_resume_does_what_failed_and_nothing_else(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply fake:key/disable", Failed("not allowed", "keys.update"))
    report = scene.revoke()
    assert (report.exit_code, report.state, report.next[0]) == (5, "partial", "nhi-revoke resume run-1")
    # while the deny-all holds the door, the key that could not be disabled is shut
    assert fate(report, "fake:key/ci/old").fate == "ended"
    cloud.calls.clear()
    report = scene.engine.resume("run-1")
    assert sorted(cloud.called("apply")) == [
        "apply fake:key/disable fake:bot/ci",
        "apply fake:session/deny-older fake:bot/ci",
    ]
    assert report.exit_code == 0


def test_a_login_that_ends_midway_is_a_failed_step_and_no_crash(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply fake:session/deny-older", Unauthenticated("expired"))
    report = scene.revoke()
    assert report.exit_code == 5
    assert fate(report, "fake:key/ci/old").fate == "ended"


def test_two_runs_on_one_principal(scene: Scene, cloud: Cloud) -> None:
    plan = scene.plan()
    inner: list[Refused] = []

    def second() -> None:
        try:
            scene.engine.run(plan, "revoke", YES)
        except Refused as refused:
            inner.append(refused)

    cloud.tell("apply fake:key/disable", second)
    assert scene.engine.run(plan, "revoke", YES).exit_code == 0
    assert [e.code for e in inner] == ["locked"]
    assert [r.run for r in scene.engine.runs()] == ["run-1"]


def test_the_guards_hold_for_later_plans_too(scene: Scene, cloud: Cloud) -> None:
    cloud.rearms = 0.0
    scene.revoke()
    plan = scene.engine.plan_undo("run-1", (), ("fake:key/ci/old",))
    mine = replace(plan, operator=(bot("ci"),))
    with pytest.raises(Refused):
        scene.engine.act("run-1", "undo", mine, YES)
    with pytest.raises(Refused):
        scene.engine.act("run-1", "undo", plan, Consent("--yes", max_accesses=0))
    assert cloud.called("undo") == []


def test_a_saved_plan_is_held_against_the_world(scene: Scene, cloud: Cloud) -> None:
    saved = scene.plan()
    cloud.bots["ci"].keys["planted"] = "live"
    fresh = scene.engine.refresh(saved, stale="refuse")
    assert [s.id for s in fresh.steps] == [s.id for s in saved.steps]
    report = scene.engine.run(fresh, "apply", replace(YES, how="apply"))
    assert cloud.bots["ci"].keys == {"old": "disabled", "planted": "disabled"}  # the same principal: ended, too
    assert fate(report, "fake:key/ci/planted").appeared
    assert report.exit_code == 0


def test_headline_while_running(scene: Scene) -> None:
    scene.revoke()
    counts = scene.counts()
    assert (counts[-1].acted, counts[-1].to_act, counts[-1].sealed, counts[-1].to_seal) == (2, 2, 1, 1)
    assert all(a.acted <= b.acted for a, b in pairwise(counts))


def test_a_report_of_an_open_run_asks_nobody(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(3, scene.engine.interrupt)
    with pytest.raises(Stopped):
        scene.revoke()
    scene.registry = Registry([])  # there is nobody to ask
    report = scene.new().report("run-1")
    assert (report.state, report.headline) == ("interrupted", "NOT PROVEN OUT")
    assert fate(report, "fake:key/ci/old").proof == "requested"


def test_a_plan_that_somebody_thought_about_for_long_is_read_again(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["ci"].keys["other"] = "live"
    plan = scene.plan()
    cloud.bots["ci"].keys["other"] = "disabled"
    cloud.bots["ci"].cutoff = after(-600).isoformat()
    cloud.clock.wait(3600, threading.Event())
    report = scene.engine.run(plan, "revoke", YES)
    opened = scene.lines()[0]
    assert isinstance(opened, Opened)
    assert [s.ends for s in opened.plan.steps if s.phase == "end"] == [("fake:key/ci/old",)]
    assert any("dropped" in n.says and "other" in n.says for n in report.notices)
    assert fate(report, "fake:key/ci/other").fate == "already"
    assert report.exit_code == 0
