"""What a later look cannot read is unseen: neither "nothing there" nor "still shut"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nhi_revoke.model.error import NotFound, NothingCanStart
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.provider.fault import Denied, Unauthenticated, Unavailable
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.fake import Disable, Keys
from tests.engine.fake_doer import Played
from tests.engine.scene import YES, Scene, fate, identity
from tests.engine.tick import after

if TYPE_CHECKING:
    from nhi_revoke.model.step import Step

ENDED = Unauthenticated("the login has ended")


def untouched(cloud: Cloud) -> None:
    assert cloud.called("apply") == cloud.called("undo") == []


def test_verify_without_a_login_says_that_nothing_was_looked_at(scene: Scene, cloud: Cloud) -> None:
    before = scene.revoke()
    assert before.headline == "OUT"
    cloud.bots["ci"].keys["old"] = "live"  # somebody enabled it again
    cloud.calls.clear()
    cloud.tell("resolve fake", ENDED, ENDED)
    with pytest.raises(NothingCanStart) as caught:
        scene.engine.verify("run-1")
    assert (caught.value.exit_code, caught.value.code) == (4, "no-credentials")
    assert scene.engine.report("run-1").times == before.times, "the report of the run stands as it was"
    untouched(cloud)
    later = scene.engine.verify("run-1")
    assert fate(later, "fake:key/ci/old").fate == "open"


def test_verify_of_who_is_not_there_is_no_out(scene: Scene, cloud: Cloud) -> None:
    """With another account's login, say."""
    scene.revoke()
    kept = cloud.bots.pop("ci")
    with pytest.raises(NotFound):
        scene.engine.verify("run-1")
    cloud.bots["ci"] = kept
    assert scene.engine.verify("run-1").exit_code == 0


def test_verify_that_reaches_one_of_two_tells_the_other_as_unseen(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["app"] = Bot()
    lag = BlindSpot(bot("app"), "fake:session", "its logs may not be read")
    cloud.logs = [lag]
    assert scene.revoke(identity("ci", "app")).exit_code == 9
    cloud.logs = []
    gone = cloud.bots.pop("app")
    cloud.calls.clear()
    report = scene.engine.verify("run-1")
    assert (report.exit_code, report.headline) == (9, "NOT PROVEN OUT")
    assert "there is no bot app" in next(spot.why for spot in report.blind if spot.kind == "principal")
    assert lag in report.blind, "what nobody read meanwhile is as unseen as before"
    assert scene.says().count("UNSEEN fake:bot/app") == 1
    untouched(cloud)
    cloud.bots["app"] = gone
    report = scene.engine.verify("run-1")
    assert report.blind == ()
    assert (report.exit_code, report.headline) == (0, "OUT")


def test_an_effect_that_cannot_be_read_again_is_unseen(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.calls.clear()
    cloud.tell("seen fake:session/deny-older", Denied("no", needs="policy.get"), Denied("no", needs="policy.get"))
    report = scene.engine.verify("run-1")
    (spot,) = report.blind
    assert (spot.kind, spot.needs) == ("fake:session", "policy.get")
    assert "whether this still holds could not be read: deny-older on ci" in spot.why
    assert report.exit_code == 9
    untouched(cloud)
    assert scene.engine.verify("run-1").exit_code == 0


def test_a_listing_that_failed_once_is_closed_by_a_look_that_reads_it(scene: Scene, cloud: Cloud) -> None:
    """Exit 9 and "Next: verify", whatever verify saw."""
    plan = scene.plan()
    cloud.tell("collect fake:key", Unavailable("503"))
    report = scene.engine.run(plan, "revoke", YES)
    assert (report.exit_code, report.next[0]) == (9, "nhi-revoke verify run-1")
    cloud.calls.clear()
    report = scene.engine.verify("run-1")
    assert (report.exit_code, report.headline, report.blind) == (0, "OUT", ())
    cloud.tell("collect fake:key", Denied("no more"), Denied("no more"))
    assert scene.engine.verify("run-1").exit_code == 9, "and told anew where it fails again"
    untouched(cloud)


@pytest.mark.parametrize("counts", [False, True])
def test_what_was_left_out_on_purpose_is_no_alarm(
    scene: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, *, counts: bool
) -> None:
    """Regions that nobody named, say. The report has it; a danger on the way would read like a failure."""
    plan = scene.plan()
    spot = BlindSpot(bot("ci"), "fake:key", "read in one region only", counts=counts)
    collect = Keys.collect
    monkeypatch.setattr(Keys, "collect", lambda *asked: [*collect(*asked), spot])
    report = scene.engine.run(plan, "revoke", YES)
    assert ("UNSEEN fake:bot/ci: read in one region only" in scene.says()) == counts
    assert report.blind == (spot,)
    assert report.exit_code == (9 if counts else 0)


def test_hold_tells_once_that_its_login_ended_and_ends_unseen(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.calls.clear()
    cloud.tell("resolve fake", None, *[ENDED] * 100)
    report = scene.engine.hold("run-1", interval=30.0, until=after(300))
    assert scene.says().count("UNSEEN fake:bot/ci: it could not be looked at again (the login has ended)") == 1
    assert report.exit_code == 9
    untouched(cloud)


def test_hold_whose_login_came_back_ends_as_it_sees_it(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.tell("resolve fake", None, ENDED, ENDED)
    report = scene.engine.hold("run-1", interval=30.0, until=after(300))
    assert (report.exit_code, report.blind) == (0, ())


def test_a_round_that_could_not_look_is_no_quiet_round(scene: Scene, cloud: Cloud) -> None:
    plan = scene.plan()
    cloud.tell("resolve fake", Unavailable("503"), Unavailable("503"))
    report = scene.engine.run(plan, "revoke", YES)
    assert report.exit_code == 9
    assert [spot.kind for spot in report.blind] == ["principal"]


def test_a_proof_that_cannot_be_tried_again_makes_nothing_better(
    scene: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prove(_: Played, conn: object, step: Step, run: object) -> Proven:
        cloud.asked("prove", "fake:key/disable", step.on, lambda: None)
        return Proven(Proof.UNPROVEN, "one edge still lets it in")

    monkeypatch.setattr(Disable, "prove", prove)
    assert scene.revoke().exit_code == 8
    cloud.tell("prove fake:key/disable", Unavailable("503"))
    report = scene.engine.verify("run-1")
    assert fate(report, "fake:key/ci/old").proof is Proof.UNPROVEN
    assert report.exit_code == 8
