"""What appears, or is taken back, while a run works; and `hold`, `verify` afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from nhi_revoke.engine.event import HoldEvent
from nhi_revoke.model.change import Failed
from nhi_revoke.model.error import Stopped
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Extended, Noted
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Residual, Step
from nhi_revoke.provider.fault import Denied, Unavailable
from nhi_revoke.provider.io import Run
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.fake import Disable
from tests.engine.scene import YES, Scene, fate, identity
from tests.engine.tick import after

DISABLE = "apply fake:key/disable"
NEW = "fake:key/ci/planted"


def plant(cloud: Cloud, key: str = "planted", name: str = "ci") -> Callable[[], None]:
    def work() -> None:
        cloud.bots[name].keys[key] = "live"

    return work


def enable(cloud: Cloud, key: str = "old") -> Callable[[], None]:
    def work() -> None:
        cloud.bots["ci"].keys[key] = "live"

    return work


def rounds(scene: Scene) -> list[Extended]:
    return [line for line in scene.lines() if isinstance(line, Extended)]


def test_a_quiet_run_adds_nothing(scene: Scene) -> None:
    report = scene.revoke()
    assert rounds(scene) == []
    assert report.exit_code == 0


def test_a_round_looks_at_what_is_there_and_at_what_still_holds_in_one_wave(scene: Scene, cloud: Cloud) -> None:
    looked = threading.Event()
    came: list[bool] = []
    planned = scene.plan()
    cloud.tell("seen fake:key/disable", None, None, looked.set)
    cloud.tell("collect fake:key", lambda: came.append(looked.wait(10)))
    scene.engine.run(planned, "revoke", YES)
    assert came == [True], "the listing of the round, while the effect is looked at"
    assert len(cloud.called("seen fake:key/disable")) == 3, "seen, settled, and once in the round"


def test_a_new_key_is_ended_settled_and_sealed_again(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(12, plant(cloud))
    report = scene.revoke()
    assert cloud.bots["ci"].keys == {"old": "disabled", "planted": "disabled"}
    (added,) = rounds(scene)
    assert [s.id for s in added.steps] == ["r1-1", "r1-seal-1"]
    assert added.steps[1].after == ("r1-1",)
    assert added.why == f"appeared {NEW}"
    ended = fate(report, NEW)
    assert (ended.fate, ended.appeared) == ("ended", True)
    first, second = (h for h in scene.history().steps.values() if h.step.phase == "seal")
    assert second.left["cutoff"] > first.left["cutoff"]
    ends = scene.history().step("r1-1").settled_at
    assert ends is not None
    assert second.changed_at is not None
    assert second.changed_at >= ends
    assert report.exit_code == 0
    assert "appeared during the run" in scene.says()


def test_what_was_minted_by_the_run_is_no_intruder(scene: Scene, cloud: Cloud) -> None:
    scene.rotate()
    report = scene.engine.verify("run-1")
    assert cloud.bots["ci"].keys["new1"] == "live"
    assert "fake:key/ci/new1" not in {o.access.id for o in report.outcomes}
    assert report.exit_code == 0


def test_what_a_step_had_to_make_is_news_only_once_it_works(
    scene: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A throw-away beside an only key, say: disabled it opens nothing, and whoever enables it is told."""

    def do(_: Disable, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.bots["ci"].keys.update(old="disabled", aside="disabled")
        return {"state": "disabled", "made": ["fake:key/ci/aside"]}

    def there(_: Disable, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return None if cloud.bots["ci"].keys["old"] == "live" else run.left(step.id)

    monkeypatch.setattr(Disable, "do", do)
    monkeypatch.setattr(Disable, "there", there)
    report = scene.revoke()
    assert "fake:key/ci/aside" not in {o.access.id for o in report.outcomes}
    assert report.exit_code == 0
    assert scene.engine.verify("run-1").exit_code == 0
    cloud.bots["ci"].keys["aside"] = "live"
    later = scene.engine.verify("run-1")
    assert fate(later, "fake:key/ci/aside").appeared
    assert later.exit_code == 8


def test_a_disabled_key_that_is_enabled_again_has_appeared(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["ci"].keys["idle"] = "disabled"
    cloud.clock.at(12, enable(cloud, "idle"))
    report = scene.revoke()
    assert cloud.bots["ci"].keys["idle"] == "disabled"
    assert fate(report, "fake:key/ci/idle").fate == "ended"


def test_without_following_it_is_open_and_untouched(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(12, plant(cloud))
    report = scene.revoke(intent=Intent(follow="none"))
    assert cloud.bots["ci"].keys["planted"] == "live"
    assert fate(report, NEW).fate == "left"
    assert fate(report, NEW).appeared
    assert report.exit_code == 8
    assert rounds(scene) == []


def test_without_following_what_was_enabled_again_is_open_too(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["ci"].keys["idle"] = "disabled"
    cloud.clock.at(12, enable(cloud, "idle"))
    report = scene.revoke(intent=Intent(follow="none"))
    assert cloud.bots["ci"].keys["idle"] == "live"
    assert fate(report, "fake:key/ci/idle").fate == "left"
    assert report.exit_code == 8


def test_what_is_outside_the_scope_is_not_ended(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(7, plant(cloud))
    report = scene.revoke(intent=Intent(scope="sessions"))
    assert cloud.bots["ci"].keys == {"old": "live", "planted": "live"}
    assert fate(report, NEW).fate == "left"
    assert report.exit_code == 8


def test_three_rounds_at_most_then_it_is_open(scene: Scene, cloud: Cloud) -> None:
    def again(number: int) -> None:
        cloud.bots["ci"].keys[f"planted{number}"] = "live"
        cloud.tell("collect fake:key", lambda: again(number + 1))

    cloud.clock.at(12, lambda: again(1))
    report = scene.revoke()
    assert [line.round for line in rounds(scene)] == [1, 2, 3]
    live = [key for key, state in cloud.bots["ci"].keys.items() if state == "live"]
    ended = {o.access.id for o in report.outcomes if o.fate == "ended"}
    assert {f"fake:key/ci/planted{n}" for n in (1, 2, 3)} <= ended
    assert live == ["planted5"]  # the last look names it, and no fourth round touches it
    assert "fake:key/ci/planted5" not in ended
    assert fate(report, "fake:key/ci/planted5").fate == "left"
    assert fate(report, "fake:key/ci/planted5").appeared
    assert report.exit_code == 8


def test_what_somebody_took_back_is_done_again_and_sealed_again(scene: Scene, cloud: Cloud) -> None:
    cloud.clock.at(12, enable(cloud))
    report = scene.revoke()
    assert cloud.bots["ci"].keys["old"] == "disabled"
    assert len(cloud.called(DISABLE)) == 2
    (added,) = rounds(scene)
    assert added.why == "taken back s02"
    assert [s.replaces for s in added.steps] == ["s03"]
    assert report.exit_code == 0
    assert "somebody took back" in scene.says()


def test_a_cut_off_that_somebody_removed_is_put_back(scene: Scene, cloud: Cloud) -> None:
    def remove() -> None:
        cloud.bots["ci"].cutoff = ""

    report = scene.revoke()
    assert report.exit_code == 0
    remove()
    report = scene.engine.hold("run-1", interval=30.0, until=None)
    assert cloud.bots["ci"].cutoff
    assert report.exit_code == 0


def test_what_cannot_be_read_is_not_taken_back(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.calls.clear()
    cloud.tell("seen fake:key/disable", Denied("no"))
    cloud.tell("seen fake:session/deny-older", Unavailable("503"))
    report = scene.engine.verify("run-1")
    assert cloud.called("apply") == []
    assert "somebody took back" not in scene.says()
    assert report.exit_code == 0


def test_a_seal_again_reaches_whom_the_reopened_one_can_mint_for(scene: Scene, cloud: Cloud) -> None:
    cloud.bots.update(app=Bot(trusts={"t": ("org/ci",)}), other=Bot())
    cloud.clock.at(13, plant(cloud))
    scene.revoke(identity("ci", "app", "other"))
    (added,) = rounds(scene)
    assert {s.on.id for s in added.steps if s.phase == "seal"} == {"ci", "app"}


def test_where_trusts_are_unseen_everybody_is_sealed_again(scene: Scene, cloud: Cloud) -> None:
    cloud.bots.update(app=Bot(), other=Bot())
    cloud.tell("collect fake:trust", Denied("no"), Denied("no"), Denied("no"))
    cloud.clock.at(13, plant(cloud))
    scene.revoke(identity("ci", "app", "other"))
    (added,) = rounds(scene)
    assert {s.on.id for s in added.steps if s.phase == "seal"} == {"ci", "app", "other"}


def test_a_new_blind_spot_is_noted_and_closed_when_it_opens(scene: Scene, cloud: Cloud) -> None:
    plan = scene.plan()
    cloud.tell("collect fake:trust", Denied("no more"))
    report = scene.engine.run(plan, "revoke", YES)
    noted = [f for line in scene.lines() if isinstance(line, Noted) for f in line.found if isinstance(f, BlindSpot)]
    assert [spot.kind for spot in noted] == ["fake:trust"]
    assert report.exit_code == 9


# -- hold --------------------------------------------------------------------------------------------------------------


def test_hold_rereads_until_the_time_and_puts_back_what_was_taken_off(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    start = cloud.clock.now()
    cloud.clock.at(100, enable(cloud))
    report = scene.engine.hold("run-1", interval=30.0, until=after(300))
    assert cloud.clock.now() >= after(300)
    assert cloud.bots["ci"].keys["old"] == "disabled"
    assert report.verb == "hold"
    assert report.exit_code == 0
    looks = len(cloud.called("resolve"))
    assert looks >= (300 - (start - after(0)).total_seconds()) // 30
    assert [s.opened.verb for s in scene.history().sections] == ["revoke", "hold"]


def test_hold_keeps_what_earlier_rounds_did(scene: Scene, cloud: Cloud) -> None:
    """Its rounds are numbered on: a step of an earlier round keeps its own name, and its own proof."""
    cloud.clock.at(12, plant(cloud))
    scene.revoke()
    cloud.clock.at(100, plant(cloud, "later"))
    report = scene.engine.hold("run-1", interval=30.0, until=after(200))
    cloud.clock.at(250, plant(cloud, "latest"))
    report = scene.engine.hold("run-1", interval=30.0, until=after(400))
    for key in ("old", "planted", "later", "latest"):
        assert cloud.bots["ci"].keys[key] == "disabled"
        assert fate(report, f"fake:key/ci/{key}").fate == "ended", key
    ids = [s.id for line in rounds(scene) for s in line.steps]
    assert len(ids) == len(set(ids))
    assert report.exit_code == 0


def test_hold_ends_when_the_last_residual_has_passed(scene: Scene, cloud: Cloud) -> None:
    cloud.until = after(500).isoformat()
    residual = Residual(bot("ci"), "fake:session/ci/*", None, "signed URLs", "the vendor's documents")
    report = scene.revoke(residuals=(residual,))
    assert report.exit_code == 6
    assert report.residual_until == after(500)
    assert "nhi-revoke hold run-1" in report.next
    report = scene.engine.hold("run-1", interval=30.0, until=None)
    assert cloud.clock.now() >= after(500)
    assert report.exit_code == 0
    assert report.headline == "OUT"


def test_hold_counts_its_residuals_down_and_tells_what_it_closed_again(scene: Scene, cloud: Cloud) -> None:
    cloud.until = after(100).isoformat()
    ends = Residual(bot("ci"), "fake:session/ci/*", None, "signed URLs", "the vendor's documents")
    lasts = Residual(bot("ci"), "fake:grant/ci", None, "nothing ends it", "the vendor's documents")
    scene.revoke(residuals=(ends, lasts))
    scene.heard.clear()
    cloud.clock.at(50, enable(cloud))
    start = cloud.clock.now()
    scene.engine.hold("run-1", interval=30.0, until=after(150))
    held = [event for event in scene.heard if isinstance(event, HoldEvent)]
    assert [event.looks for event in held] == list(range(1, len(held) + 1))
    assert held[0].now == start
    for event in held:
        assert event.now < event.next <= event.until == after(150)
        left = [(each.access, each.until) for each in event.left]
        ending = [("fake:session/ci/*", after(100))]
        assert left == (ending if event.now < after(100) else []), "what never ends is not counted down"
    assert held[-1].next == after(150), "the last wait is shorter"
    assert held[0].closed == ()
    assert held[-1].closed == ("disable key old", "deny-older on ci")
    assert scene.says().count("its time has passed") == 1
    assert scene.waited() == [e for e in scene.waited() if "settle" in e.why], "its own waits are countdowns"


def test_hold_tells_what_nothing_ends_once(scene: Scene, cloud: Cloud) -> None:
    scene.revoke(intent=Intent(follow="none"))
    plant(cloud)()
    scene.engine.hold("run-1", interval=30.0, until=after(200))
    assert cloud.bots["ci"].keys["planted"] == "live"
    assert len([event for event in scene.heard if isinstance(event, HoldEvent)]) > 2
    assert scene.says().count("appeared during the run") == 1


def test_hold_stops_at_ctrl_c_and_can_be_resumed(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.clock.at(100, scene.engine.interrupt)
    with pytest.raises(Stopped) as caught:
        scene.engine.hold("run-1", interval=30.0, until=after(1000))
    assert caught.value.exit_code == 130
    assert scene.history().now.closed is None
    scene.new()
    report = scene.engine.resume("run-1")
    assert report.verb == "hold"
    assert report.exit_code == 0


# -- verify ------------------------------------------------------------------------------------------------------------


def test_verify_changes_nothing_and_names_what_appeared(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    plant(cloud)()
    enable(cloud)()
    cloud.calls.clear()
    cloud.clock.at(60, lambda: None)
    report = scene.engine.verify("run-1")
    assert cloud.called("apply") == cloud.called("undo") == []
    assert (fate(report, NEW).fate, fate(report, NEW).appeared) == ("left", True)
    assert fate(report, "fake:key/ci/old").fate == "open"
    assert report.exit_code in (5, 8)
    assert report.headline == "NOT PROVEN OUT"
    assert scene.engine.report("run-1").outcomes == report.outcomes


def test_after_verify_found_it_hold_puts_it_back(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    enable(cloud)()
    scene.engine.verify("run-1")
    report = scene.engine.hold("run-1", interval=30.0, until=None)
    assert cloud.bots["ci"].keys["old"] == "disabled"
    assert report.exit_code == 0


def test_verify_says_when_it_looked(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.clock.wait(3600, threading.Event())
    report = scene.engine.verify("run-1")
    assert report.times.verified == cloud.clock.now()


def test_a_session_in_the_log_is_judged_by_its_birth(scene: Scene, cloud: Cloud) -> None:
    born = [cloud.session("ci", "1", after(1)), cloud.session("ci", "2", after(3600))]
    cloud.logs = list[Access](born)  # type: ignore[assignment]
    report = scene.revoke()
    assert fate(report, "fake:session/ci/1").fate == "ended"
    assert fate(report, "fake:session/ci/2").fate == "open"
    assert report.exit_code == 8


def test_a_proof_that_fails_is_no_better_than_what_was_read(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("prove fake:key/disable", Denied("no simulator"))
    cloud.tell("prove fake:session/deny-older", KeyError("bug"))
    report = scene.revoke()
    assert fate(report, "fake:key/ci/old").proof == "recorded"
    assert "no stronger proof" in fate(report, "fake:key/ci/old").how
    assert "KeyError" in fate(report, "fake:session/ci/*").how
    assert report.exit_code == 0


def test_a_step_of_a_round_that_fails_is_told(scene: Scene, cloud: Cloud) -> None:
    def trouble() -> None:
        plant(cloud)()
        cloud.tell(DISABLE, *[Failed("not allowed")] * 9)

    cloud.clock.at(12, trouble)
    report = scene.revoke()
    assert fate(report, NEW).fate == "failed"
    assert report.exit_code == 5
