"""A store that shows nothing: without its answer nothing is destroyed, nothing is asked twice, and both are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Intended, Line, Looked, Resulted
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Denied, Unavailable
from tests.engine.cloud import LOST, Cloud
from tests.engine.fake_post import Mail
from tests.engine.scene import TO_SHELF, Entry, Scene, fate, identity

ROLL = Intent(order="rollover", replace=("fake:key",))
CONTAIN = Intent(replace=("fake:key",))
TO_POST = (Delivery("fake:key", "post:ci", "fake:bot/ci"),)
SEND, NEW, OLD = "apply post/serve", "fake:key/ci/new1", "fake:key/ci/old"


class Killed(BaseException):
    """The process is gone: nothing is caught, nothing is closed."""


@pytest.fixture
def scene(cloud: Cloud, tmp_path: Path) -> Iterator[Scene]:
    with Scene(cloud, tmp_path, others=(Entry("mail", Mail(cloud)),)) as made:
        yield made


def keys(cloud: Cloud) -> dict[str, str]:
    return dict(cloud.bots["ci"].keys)


def rotate(scene: Scene, intent: Intent = ROLL, *deliver: Delivery) -> Report:
    return scene.revoke(identity(deliver=deliver or TO_POST), intent, verb="rotate")


def resumed(scene: Scene) -> Report:
    """In a process of its own: no secret is in memory."""
    scene.new()
    return scene.engine.resume("run-1")


def dying(scene: Scene, cloud: Cloud, kind: type[Line], does: str, *deliver: Delivery, intent: Intent = ROLL) -> None:
    """A rotation whose process dies just before the line after the first one of this kind on that doer's step."""

    def hook(number: int) -> None:
        line = scene.lines()[-1] if number else None
        step = getattr(line, "step", "")
        if isinstance(line, kind) and step and scene.history().step(step).step.does == does:
            raise Killed

    scene.new(hook)
    with pytest.raises(Killed):
        rotate(scene, intent, *deliver)


def test_its_answer_is_enough(scene: Scene, cloud: Cloud) -> None:
    report = rotate(scene)
    assert cloud.shelf["post:ci"] == {"1": "secret-of-new1-ci"}
    assert keys(cloud) == {"old": "disabled", "new1": "live"}
    (one,) = report.replacements
    assert (one.result, one.why) == ("served", "delivered, not read back (it tells nothing), proven, current")
    assert report.exit_code == 0
    assert [n for n in report.notices if "nobody can tell" in n.says] == []


def test_the_plan_says_that_nobody_can_read_it_back(scene: Scene, cloud: Cloud) -> None:
    plan = scene.plan(identity(deliver=TO_POST), ROLL)
    (send,) = [s for s in plan.steps if s.phase is Phase.SERVE]
    assert send.says == ("write the new one, current at once, to post:ci; nobody can read it back")
    assert not send.reversible
    shown = next(s for s in scene.plan(identity(deliver=TO_SHELF), ROLL).steps if s.phase is Phase.SERVE)
    assert "nobody" not in shown.says


def unseen(report: Report, cloud: Cloud, why: str) -> None:
    """Both are kept and named, with what ends either; and nothing says that it was delivered."""
    assert keys(cloud) == {"old": "live", "new1": "live"}
    assert cloud.called("destroy") == []
    (one,) = report.replacements
    assert (one.result, one.access) == ("unseen", NEW)
    assert one.why == (
        f"nobody can tell whether post:ci took it ({why}). {NEW} stays valid, and so does the old one ({OLD})"
    )
    first = report.notices[0]
    assert (first.level, str(first.on)) == ("danger", "fake:bot/ci")
    assert first.says == (
        f"{one.why}. Look which one the workload has. "
        f"If it has the new one: nhi-revoke revoke it --scope {OLD} --rotate no. "
        f"If it has not: nhi-revoke revoke it --scope {NEW} --rotate no ; nhi-revoke rotate it"
    )
    assert report.exit_code == 5
    assert report.headline == "NOT PROVEN OUT"
    assert report.state == "partial"
    assert report.next == ("nhi-revoke list it",), "resume would find the same again, and a rotation needs a slot"
    assert next(s.result for s in report.steps if s.phase is Phase.SERVE) == "lost"


def test_without_an_answer_both_are_kept_and_nothing_is_asked_twice(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(SEND, LOST)
    unseen(rotate(scene), cloud, "the answer never came")
    assert len(cloud.called(SEND)) == 1
    for _ in range(2):
        unseen(resumed(scene), cloud, "the answer never came")
    assert len(cloud.called(SEND)) == 1
    assert cloud.minted == 1


def test_a_crash_while_it_works(scene: Scene, cloud: Cloud) -> None:
    dying(scene, cloud, Intended, "post/serve")
    asked = cloud.called(SEND)
    for _ in range(2):
        report = resumed(scene)
        unseen(report, cloud, "the process died before it answered, and nothing shows what came of it")
    assert cloud.called(SEND) == asked
    assert cloud.minted == 1


def test_a_report_before_resume_says_the_same(scene: Scene, cloud: Cloud) -> None:
    dying(scene, cloud, Intended, "post/serve")
    scene.new()
    (one,) = scene.engine.report("run-1").replacements
    assert one.result == "unseen"
    assert "post:ci took it (the process died before it answered)" in one.why


@pytest.mark.parametrize("kind", [Resulted, Looked])
def test_a_crash_after_its_answer_is_no_doubt(scene: Scene, cloud: Cloud, kind: type[Line]) -> None:
    """The secret is gone, and nobody needs it any more."""
    dying(scene, cloud, kind, "post/serve")
    report = resumed(scene)
    assert report.exit_code == 0
    assert report.replacements[0].result == "served"
    assert keys(cloud) == {"old": "disabled", "new1": "live"}
    assert cloud.shelf["post:ci"] == {"1": "secret-of-new1-ci"}
    assert cloud.called("destroy") == []


@pytest.mark.parametrize("does", ["fake:key/create", "post/stage", "fake:key/prove"])
def test_a_crash_before_it_was_asked_mints_anew(scene: Scene, cloud: Cloud, does: str) -> None:
    dying(scene, cloud, Resulted, does)
    assert "post:ci" not in cloud.shelf
    report = resumed(scene)
    assert report.exit_code == 0
    assert keys(cloud) == {"old": "disabled", "new2": "live"}
    assert cloud.shelf["post:ci"] == {"1": "secret-of-new2-ci"}


def test_a_refusal_means_that_nobody_has_it(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(SEND, Denied("exit code 3"))
    report = rotate(scene)
    assert keys(cloud) == {"old": "live"}
    assert report.replacements[0].result == "destroyed"
    assert (report.exit_code, report.headline) == (1, "NOTHING CHANGED")
    assert f"nhi-revoke resume {report.run}" in report.next
    assert resumed(scene).exit_code == 0
    assert keys(cloud) == {"old": "disabled", "new2": "live"}


def test_after_a_containment_only_the_new_one_is_there_to_be_named(scene: Scene, cloud: Cloud) -> None:
    cloud.tell(SEND, LOST)
    report = rotate(scene, CONTAIN)
    assert keys(cloud) == {"old": "disabled", "new1": "live"}
    (one,) = report.replacements
    assert one.result == "unseen"
    assert one.why.endswith(f"{NEW} stays valid")
    assert OLD not in report.notices[0].says
    assert "Look which one the workload has. If it has not: " in report.notices[0].says
    assert fate(report, OLD).fate == "ended"


BOTH = (*TO_SHELF, *TO_POST)


def both(scene: Scene, cloud: Cloud) -> Report:
    """The shelf refuses, so that it keeps what was staged; the post does not answer."""
    cloud.tell("apply shelf/serve", Denied("not now"))
    cloud.tell(SEND, LOST)
    report = rotate(scene, ROLL, *BOTH)
    assert keys(cloud) == {"old": "live", "new1": "live"}
    assert report.replacements[0].result == "unseen"
    assert f"nhi-revoke resume {report.run}" in report.next
    return report


def test_where_another_store_gives_it_back_resume_hands_the_same_one_over_again(scene: Scene, cloud: Cloud) -> None:
    both(scene, cloud)
    report = resumed(scene)
    assert cloud.shelf["post:ci"] == {"1": "secret-of-new1-ci", "2": "secret-of-new1-ci"}
    assert cloud.shelf["ci"]["current"] == "secret-of-new1-ci"
    assert keys(cloud) == {"old": "disabled", "new1": "live"}
    assert (report.replacements[0].result, report.exit_code) == ("served", 0)


def test_a_later_refusal_does_not_tell_what_became_of_the_first(scene: Scene, cloud: Cloud) -> None:
    both(scene, cloud)
    cloud.tell("apply shelf/serve", Denied("not now"))
    cloud.tell(SEND, Denied("exit code 3"))
    report = resumed(scene)
    assert len(cloud.called(SEND)) == 2
    assert keys(cloud) == {"old": "live", "new1": "live"}
    assert cloud.called("destroy") == []
    assert report.replacements[0].result == "unseen"


def test_nor_what_became_of_one_that_a_crash_cut_short(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply shelf/serve", Denied("not now"))
    dying(scene, cloud, Intended, "post/serve", *BOTH)
    cloud.tell("apply shelf/serve", Denied("not now"))
    cloud.unsay(SEND)
    cloud.tell(SEND, Denied("exit code 3"))
    for _ in range(2):
        report = resumed(scene)
        assert keys(cloud) == {"old": "live", "new1": "live"}
        assert cloud.called("destroy") == []
        assert report.replacements[0].result == "unseen"
        cloud.tell("apply shelf/serve", Denied("not now"))
        cloud.tell(SEND, Denied("exit code 3"))


def test_one_that_answered_keeps_the_key_for_all(scene: Scene, cloud: Cloud) -> None:
    """The other one did not get it, the process died, and nobody can give it back: it is not destroyed for that."""
    two = (*TO_POST, Delivery("fake:key", "post:other", "fake:bot/ci"))
    cloud.tell(SEND, None, Denied("no"))
    report = rotate(scene, ROLL, *two)
    assert keys(cloud) == {"old": "live", "new1": "live"}
    for _ in range(2):
        report = resumed(scene)
        assert keys(cloud) == {"old": "live", "new1": "live"}
        assert cloud.called("destroy") == []
        assert report.exit_code == 5
        assert report.replacements[0].result == "delivered" or "other" in report.replacements[0].to
        failed = [s.detail for s in report.steps if s.result == "failed"]
        assert failed == ["the new secret is no longer in this process and no store gave it back"]
    assert cloud.minted == 1


def test_a_store_that_cannot_be_asked_after_a_crash_keeps_what_it_may_serve(scene: Scene, cloud: Cloud) -> None:
    """It serves the new one; while it is down nobody knows, and afterwards its look tells."""
    dying(scene, cloud, Intended, "shelf/serve", *TO_SHELF)
    place = cloud.shelf["ci"]
    if "staged" in place:
        place["current"] = place.pop("staged")
    down: list[Any] = [Unavailable("503")] * 99
    cloud.tell("recall shelf", *down)
    cloud.tell("seen shelf/serve", *down)
    report = resumed(scene)
    assert keys(cloud) == {"old": "live", "new1": "live"}
    assert cloud.called("destroy") == []
    assert report.exit_code == 5
    cloud.unsay("recall shelf")
    cloud.unsay("seen shelf/serve")
    report = resumed(scene)
    assert keys(cloud) == {"old": "disabled", "new1": "live"}
    assert (report.replacements[0].result, report.exit_code) == ("served", 0)
