"""What a cut of some sessions, and a release that leaves a cut, mean for each session."""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Failed
from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Phase
from tests.engine.story import STANDING, Story, access, cut, standing, step
from tests.engine.tick import after

NIGHTLY = Intent(scope="fake:session/ci/nightly")


def named(name: str, key: str) -> Access:
    return access(f"fake:session/{key}", family="session", created=after(1), before={"session": name})


def narrow() -> Story:
    """One cut, of the sessions named nightly."""
    return Story(cut(ends=()), accesses=(standing(),), intent=NIGHTLY)


def test_a_narrow_cut_ends_the_sessions_that_it_means_and_no_other() -> None:
    story = narrow().did("cut", only={"session": "nightly"})
    story.found(named("nightly", "1"), named("daily", "2"), named("nightly", "3"), source="logs")
    assert (story.outcome("fake:session/1").fate, story.outcome("fake:session/3").fate) == ("ended", "ended")
    assert story.outcome("fake:session/2").fate == "left"
    assert "outside --scope" in story.outcome("fake:session/2").how
    assert story.outcome(STANDING).fate == "left"


def test_it_ends_them_whenever_they_began() -> None:
    """It has no cut-off: what begins later under that name is denied, too."""
    story = narrow().did("cut", only={"session": "nightly"})
    late = access("fake:session/9", family="session", created=after(90), before={"session": "nightly"})
    assert story.found(late, source="logs").outcome("fake:session/9").fate == "ended"


def test_a_session_without_a_known_name_is_not_taken_for_it() -> None:
    story = narrow().did("cut", only={"session": "nightly"})
    story.found(access("fake:session/1", family="session", created=after(1)), source="logs")
    assert story.outcome("fake:session/1").fate == "left"


@pytest.mark.parametrize("key", ["1", "2"])
def test_a_narrow_cut_that_failed_ends_nothing(key: str) -> None:
    story = narrow().ended("cut", Failed("no")).found(named("nightly", "1"), named("daily", "2"), source="logs")
    assert story.outcome(f"fake:session/{key}").fate == "left"
    assert story.report().exit_code == 1, "and the step that failed decides"


def test_taken_back_it_ends_nothing() -> None:
    story = narrow().did("cut", only={"session": "nightly"}).found(named("nightly", "1"), source="logs").closed()
    story.then(step("undo-cut", undoes="cut"), verb="undo").did("undo-cut")
    assert story.outcome("fake:session/1").fate == "left"


def test_seen_and_not_settled_is_open() -> None:
    story = narrow().seen("cut", only={"session": "nightly"}).found(named("nightly", "1"), source="logs")
    assert story.outcome("fake:session/1").fate == "open"


def test_a_release_that_leaves_a_cut_off_ends_the_standing_session() -> None:
    """The brake that it swaps out does not count any more: the release itself must."""
    release = step("release-cut", "fake:session/ajar", Phase.RELEASE, replaces="cut", ends=(STANDING,))
    story = Story(cut(brake=True), release, accesses=(standing(),)).did("cut", denies="everything")
    assert story.outcome(STANDING).fate == "ended"
    story.accepted("release-cut", cutoff=after(50).isoformat())
    assert (story.outcome(STANDING).fate, story.outcome(STANDING).proof) == ("open", Proof.REQUESTED)
    story.did("release-cut", cutoff=after(50).isoformat())
    assert (story.outcome(STANDING).fate, story.outcome(STANDING).proof) == ("ended", Proof.RECORDED)
    story.proved("release-cut", Proof.SIMULATED)
    assert story.outcome(STANDING).proof is Proof.SIMULATED
