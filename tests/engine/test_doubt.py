"""Lost answers and crashes of a rotation: no secret survives its process, and no credential is left that nobody has."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Failed, Lost
from nhi_revoke.model.line import Destroyed, Line, Looked, Resulted
from nhi_revoke.model.report import Report
from nhi_revoke.provider.fault import Denied, NoAnswer, Unavailable
from tests.engine.cloud import LOST, Cloud
from tests.engine.scene import ROTATE, TO_SHELF, YES, Scene, fate, identity

CREATE = "fake:key/create"


class Killed(BaseException):
    """The process is gone: nothing is caught, nothing is closed."""


def live(cloud: Cloud) -> list[str]:
    return sorted(key for key, state in cloud.bots["ci"].keys.items() if state == "live")


def replaced(report: Report) -> tuple[str, str]:
    (one,) = report.replacements
    return one.result, one.why


def test_a_lost_mint_leaves_no_orphan_and_is_tried_once_more(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(f"apply {CREATE}", LOST)
    report = scene.rotate()
    assert report.exit_code == 0
    assert live(cloud) == ["new2"]
    assert cloud.shelf["ci"]["current"] == "secret-of-new2-ci"
    assert [line.access for line in scene.lines() if isinstance(line, Destroyed)] == ["fake:key/ci/new1"]
    assert report.replacements[0].access == "fake:key/ci/new2"


def test_a_mint_that_is_lost_twice_is_given_up_and_nothing_is_left(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(f"apply {CREATE}", LOST, LOST)
    report = scene.rotate()
    assert cloud.minted == 2
    assert live(cloud) == []
    assert replaced(report)[0] == "destroyed"
    assert report.exit_code in (5, 8)
    assert report.headline == "NOT PROVEN OUT"
    assert "ci" not in cloud.shelf


def test_an_orphan_that_cannot_be_destroyed_is_never_forgotten(scene: Scene, cloud: Cloud) -> None:
    """No second one is minted over it, the report says so, and resume looks for it again."""
    cloud.tell(f"apply {CREATE}", LOST)
    cloud.tell(f"destroy {CREATE}", *[Failed("not allowed")] * 9)
    report = scene.rotate()
    assert cloud.minted == 1
    assert live(cloud) == ["new1"]
    assert report.exit_code == 5
    mint = next(s for s in report.steps if s.does == CREATE)
    assert "fake:key/ci/new1" in mint.detail
    assert "could not be destroyed" in mint.detail
    assert f"nhi-revoke resume {report.run}" in report.next
    cloud._script.clear()
    scene.new()
    report = scene.engine.resume("run-1")
    assert live(cloud) == ["new2"]
    assert replaced(report)[0] == "served"
    assert report.exit_code == 0


def test_orphans_that_cannot_be_looked_for_are_never_forgotten(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(f"apply {CREATE}", LOST)
    cloud.tell(f"orphans {CREATE}", *[Unavailable("503")] * 9)
    report = scene.rotate()
    assert cloud.minted == 1
    assert report.exit_code == 5
    assert "may be left" in next(s for s in report.steps if s.does == CREATE).detail
    cloud._script.clear()
    scene.new()
    report = scene.engine.resume("run-1")
    assert live(cloud) == ["new2"]
    assert report.exit_code == 0


def test_a_proof_that_never_comes_takes_everything_back(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(f"opens {CREATE}", *[Failed("refused")] * 99)
    report = scene.rotate()
    assert live(cloud) == []
    assert "staged" not in cloud.shelf["ci"]
    assert "current" not in cloud.shelf["ci"]
    assert replaced(report) == ("destroyed", "minted, not delivered, destroyed again")
    assert cloud.called("apply shelf/serve") == []
    assert fate(report, "fake:key/ci/old").fate == "ended"  # containment does not depend on it
    assert report.exit_code != 0


def test_a_proof_may_take_a_while(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(f"opens {CREATE}", *[Failed("not yet")] * 4)
    report = scene.rotate()
    assert replaced(report)[0] == "served"
    assert len(cloud.called(f"opens {CREATE}")) == 5
    assert cloud.minted == 1


def test_a_proof_is_never_said_to_be_stronger_than_it_was(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(f"opens {CREATE}", Lost("a word that is not None: simulated"))
    report = scene.rotate()
    assert report.replacements[0].proof == "simulated"
    assert next(s for s in report.steps if s.phase == "prove").proof == "simulated"


def test_a_delivery_that_fails_destroys_what_was_minted(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply shelf/stage", Denied("not your shelf", needs="shelf.write"))
    report = scene.rotate()
    assert live(cloud) == []
    assert replaced(report)[0] == "destroyed"
    assert cloud.called("apply shelf/serve") == []


def test_a_staged_copy_that_cannot_be_taken_away_does_not_save_the_key(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(f"opens {CREATE}", *[Failed("refused")] * 99)
    cloud.tell("undo shelf/stage", NoAnswer("gone"))
    scene.rotate()
    assert live(cloud) == []
    cloud.tell(f"opens {CREATE}", *[Failed("refused")] * 99)
    cloud.tell("undo shelf/stage", Unavailable("503"))
    scene.rotate()
    assert live(cloud) == []


def die_after(scene: Scene, wanted: Any) -> None:
    """Run a rotation in a process that dies just before the line after the one that `wanted` names."""

    def hook(number: int) -> None:
        if number and wanted(scene.lines()[-1]):
            raise Killed

    scene.new(hook)
    with pytest.raises(Killed):
        scene.rotate()
    scene.new()


def result_of(step: str) -> Any:
    return lambda line: isinstance(line, Resulted) and line.step == step


def settled(step: str) -> Any:
    return lambda line: isinstance(line, Looked) and line.settled and line.step == step


def test_a_crash_after_the_mint_destroys_it_and_mints_anew(scene: Scene, cloud: Cloud) -> None:
    die_after(scene, settled("s04"))
    assert live(cloud) == ["new1"]
    report = scene.engine.resume("run-1")
    assert live(cloud) == ["new2"]
    assert report.exit_code == 0
    assert [line.access for line in scene.lines() if isinstance(line, Destroyed)] == ["fake:key/ci/new1"]


def test_a_crash_before_the_answer_of_the_mint_finds_its_child(scene: Scene, cloud: Cloud) -> None:
    def hook(number: int) -> None:
        last: Line | None = scene.lines()[-1] if number else None
        if cloud.minted:
            raise Killed(f"{last}")

    scene.new(hook)
    with pytest.raises(Killed):
        scene.rotate()
    assert live(cloud) == ["new1"]
    scene.new()
    report = scene.engine.resume("run-1")
    assert live(cloud) == ["new2"]
    assert report.exit_code == 0


def test_what_the_store_has_is_taken_up_again(scene: Scene, cloud: Cloud) -> None:
    die_after(scene, settled("s05"))
    report = scene.engine.resume("run-1")
    assert live(cloud) == ["new1"]
    assert cloud.minted == 1
    assert cloud.shelf["ci"]["current"] == "secret-of-new1-ci"
    assert cloud.called("recall shelf") == ["recall shelf ci"]
    assert report.exit_code == 0


def test_a_store_that_cannot_be_asked_has_nothing(scene: Scene, cloud: Cloud) -> None:
    die_after(scene, settled("s05"))
    cloud.tell("recall shelf", Unavailable("503"))
    report = scene.engine.resume("run-1")
    assert live(cloud) == ["new2"]
    assert cloud.shelf["ci"]["current"] == "secret-of-new2-ci"
    assert report.exit_code == 0


def test_after_it_was_served_a_crash_mints_nothing(scene: Scene, cloud: Cloud) -> None:
    die_after(scene, settled("s07"))
    report = scene.engine.resume("run-1")
    assert cloud.minted == 1
    assert cloud.called("recall") == []
    assert live(cloud) == ["new1"]
    assert report.exit_code == 0


def test_no_secret_is_in_the_journal(scene: Scene, cloud: Cloud) -> None:
    scene.rotate()
    stored = (scene.folder / "runs" / "run-1.jsonl").read_bytes()
    assert b"new1" in stored
    assert b"secret-of-" not in stored


def test_two_stores_one_of_which_serves_keep_the_key(scene: Scene, cloud: Cloud) -> None:
    two = (*TO_SHELF, replace(TO_SHELF[0], to="shelf:other"))
    cloud.tell("apply shelf/serve", None, Denied("no"))
    report = scene.engine.run(scene.plan(identity(deliver=two), ROTATE), "rotate", YES)
    assert live(cloud) == ["new1"]  # somebody has it: destroying it would be an outage
    assert replaced(report)[0] == "delivered"
    assert report.exit_code == 5


def test_a_store_that_refused_and_serves_it_all_the_same_keeps_it(scene: Scene, cloud: Cloud) -> None:
    def behind() -> None:
        place = cloud.shelf["ci"]
        place["current"] = place.pop("staged")
        raise Denied("no answer that is true")

    cloud.tell("apply shelf/serve", behind)
    report = scene.rotate()
    assert live(cloud) == ["new1"]
    assert replaced(report)[0] == "served"


def test_what_a_store_may_serve_is_never_destroyed(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply shelf/serve", Denied("no"))
    cloud.tell("seen shelf/serve", *[Unavailable("503")] * 99)
    report = scene.rotate()
    assert live(cloud) == ["new1"]
    assert cloud.called("destroy") == []
    assert replaced(report)[0] == "delivered"
    assert report.exit_code == 5
