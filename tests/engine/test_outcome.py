"""What became of each access: every fate, and never a better one than what was seen."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nhi_revoke.engine.outcome import Judge
from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Phase
from tests.engine.story import KEY, STANDING, Story, access, cut, seal, standing, step
from tests.engine.tick import NOON, after

CHILD = "fake:session/ci/1"


def child(born: float | None = 1, **more: Any) -> Access:
    when = None if born is None else after(born)
    return access(CHILD, family="session", created=when, **more)


def contained() -> Story:
    """Cut at once, sealed at 15 with a cut-off at 17."""
    story = Story(cut(), seal(replaces="cut"), accesses=(standing(),))
    return story.did("cut", at=5, denies="everything").did("seal", at=15, cutoff=after(17).isoformat())


def test_ended_is_at_least_recorded() -> None:
    outcome = Story(step("a"), accesses=(access(),)).did("a").outcome()
    assert (outcome.fate, outcome.proof, outcome.appeared) == ("ended", Proof.RECORDED, False)
    outcome = Story(step("a"), accesses=(access(),)).did("a").proved("a", Proof.ENFORCED, "refused").outcome()
    assert (outcome.fate, outcome.proof, outcome.how) == ("ended", Proof.ENFORCED, "refused")


def test_of_two_steps_the_weaker_proof_counts() -> None:
    story = Story(step("a"), step("b"), accesses=(access(),)).did("a", "b").proved("a", Proof.ENFORCED)
    assert story.outcome().proof is Proof.RECORDED
    assert story.proved("b", Proof.UNPROVEN, "door").outcome().proof is Proof.UNPROVEN
    assert story.outcome().how == "door"


@pytest.mark.parametrize(
    ("change", "fate", "proof", "says"),
    [
        (Failed("not allowed", "x"), "failed", None, "not allowed"),
        (Lost("gone"), "open", Proof.UNPROVEN, "no answer: gone"),
        (Impossible("no API", "in the console"), "left", None, "no API. By hand: in the console"),
        (Impossible("no API", ""), "left", None, "no API"),
        (Skipped("blocked"), "open", None, "blocked"),
        (Done({}, NOON), "open", Proof.REQUESTED, "accepted, not yet seen"),
        (Already({}), "open", Proof.REQUESTED, "accepted, not yet seen"),
    ],
)
def test_whatever_did_not_settle(change: Change, fate: str, proof: Proof | None, says: str) -> None:
    outcome = Story(step("a"), accesses=(access(),)).ended("a", change).outcome()
    assert (outcome.fate, outcome.proof, outcome.how) == (fate, proof, says)


def test_seen_once_is_only_requested() -> None:
    outcome = Story(step("a"), accesses=(access(),)).seen("a").outcome()
    assert (outcome.fate, outcome.proof, outcome.how) == ("open", Proof.REQUESTED, "seen once, not yet settled")


def test_not_reached() -> None:
    assert Story(step("a"), accesses=(access(),)).outcome().how == "not done yet"
    assert Story(step("a"), accesses=(access(),)).asked("a").outcome().fate == "open"


def test_somebody_took_it_back() -> None:
    outcome = Story(step("a"), accesses=(access(),)).did("a").vanished("a").outcome()
    assert (outcome.fate, outcome.proof) == ("open", None)
    assert "took the change back" in outcome.how


def test_the_operator_took_it_back() -> None:
    story = Story(step("a"), accesses=(access(),)).did("a").closed()
    story.then(step("undo-a", undoes="a"), verb="undo")
    assert story.outcome().fate == "ended"  # not before it was seen
    assert story.did("undo-a").outcome().fate == "open"
    assert "works again" in story.outcome().how


def test_what_finish_took_off_once_nothing_older_could_live_is_no_open_door() -> None:
    story = contained().closed()
    story.then(step("finish-seal", phase=Phase.FINISH, ends=(STANDING,), undoes="seal"), verb="finish")
    assert story.outcome(STANDING).fate == "ended"
    done = story.did("finish-seal").outcome(STANDING)
    assert (done.fate, done.proof) == ("expired", Proof.RECORDED)
    key = Story(step("a"), accesses=(access(),)).did("a").closed()
    key.then(step("finish-a", phase=Phase.FINISH, undoes="a"), verb="finish")
    assert key.did("finish-a").outcome().fate == "open", "a key that works again is one, whoever made it so"


def test_a_right_that_was_given_back_lets_nobody_in() -> None:
    story = Story(step("a"), accesses=(access(opens=False),)).did("a").closed()
    story.then(step("undo-a", undoes="a"), verb="undo").did("undo-a")
    assert story.outcome().fate == "kept"
    assert "given back" in story.outcome().how


def test_what_this_run_minted_is_kept() -> None:
    mint = step("m", "fake:key/create", Phase.MINT, ends=())
    story = Story(mint, accesses=(access(),)).did("m", id="fake:key/ci/new").found(access("fake:key/ci/new"))
    assert story.outcome("fake:key/ci/new").fate == "kept"


def test_expired() -> None:
    outcome = Story(accesses=(access(expires=after(50)),)).outcome(at=100)
    assert (outcome.fate, outcome.proof) == ("expired", Proof.RECORDED)
    assert Story(accesses=(access(expires=after(500)),)).outcome(at=100).fate == "left"
    assert Story(accesses=(access(state="expired"),)).outcome().fate == "expired"


def test_without_a_step() -> None:
    assert Story(accesses=(access(),)).outcome().fate == "left"
    assert "by hand" in Story(accesses=(access(),)).outcome().how
    outside = Story(accesses=(access(),), intent=Intent(scope="sessions")).outcome()
    assert (outside.fate, "--scope sessions" in outside.how) == ("left", True)
    assert Story(accesses=(access(state="disabled"),)).outcome().fate == "already"
    assert Story(accesses=(access(family="factor"),)).outcome().fate == "kept"


@pytest.mark.parametrize(
    ("exposure", "kept", "fate"),
    [("anyone", False, "open"), ("foreign", False, "open"), ("foreign", True, "kept"), ("local", False, "kept")],
)
def test_trusts(exposure: str, kept: bool, fate: str) -> None:
    trust = access("fake:trust/ci/t", family="trust", exposure=exposure)
    intent = Intent(keep_trust=(trust.id,) if kept else ())
    assert Story(accesses=(trust,), intent=intent).outcome(trust.id).fate == fate


def test_what_was_shut_before_is_no_open_door_until_it_is_seen_open() -> None:
    """A principal that somebody disabled earlier: nobody comes in by its trusts, and this run does not keep it so."""
    trust = access("fake:trust/ci/t", family="trust", exposure="foreign", shut="not while it is disabled")
    story = Story(accesses=(trust, standing(shut="refused while it is disabled")))
    for each in (trust.id, STANDING):
        assert (story.outcome(each).fate, story.outcome(each).proof) == ("already", Proof.RECORDED)
    assert story.outcome(trust.id).how == "not while it is disabled"
    assert not story.report().open
    story.found(replace(trust, shut=""))
    assert story.outcome(trust.id).fate == "open"
    assert [door.access for door in story.report().open] == [trust.id]


def test_what_this_run_shut_is_no_reason_to_leave_out_what_appeared_meanwhile() -> None:
    """It opens as soon as the brake is taken off."""
    trust = access("fake:trust/ci/late", family="trust", exposure="foreign", shut="not while it is disabled")
    story = Story(cut(), accesses=(standing(),)).did("cut", denies="everything").found(trust)
    assert story.outcome(trust.id).fate == "open"
    assert [door.access for door in story.report().open] == [trust.id]


def test_appeared_says_whether_it_was_there_when_the_plan_was_made() -> None:
    story = Story(accesses=(access(),)).found(access("fake:key/ci/b"), access())
    story.found(child(), source="logs")
    assert not story.outcome().appeared
    assert story.outcome("fake:key/ci/b").appeared
    assert not story.outcome(CHILD).appeared  # the log shows what was there already


def test_the_newest_form_of_an_access_counts() -> None:
    story = Story(accesses=(access(state="disabled"),)).found(access(state="live"))
    assert (story.outcome().fate, story.outcome().appeared) == ("left", False)


def test_an_access_of_a_later_plan_appeared() -> None:
    story = Story(accesses=(access(),)).then(verb="apply", accesses=(access("fake:key/ci/b"),))
    assert story.outcome("fake:key/ci/b").appeared


# -- sessions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("born", "fate"), [(1, "ended"), (16.5, "ended"), (17, "open"), (60, "open"), (None, "open")])
def test_a_session_is_ended_by_a_cut_off_later_than_its_birth(born: float | None, fate: str) -> None:
    assert contained().found(child(born), source="logs").outcome(CHILD).fate == fate


def test_a_cut_off_that_is_not_settled_ends_nothing() -> None:
    story = Story(seal(), accesses=(standing(),)).seen("seal", cutoff=after(17).isoformat())
    assert story.found(child(), source="logs").outcome(CHILD).fate == "open"


def test_a_deny_all_covers_every_session_while_it_holds() -> None:
    story = Story(cut(), accesses=(standing(),)).did("cut", denies="everything").found(child(None), source="logs")
    assert story.outcome(CHILD).fate == "ended"
    story.closed().then(step("undo-cut", undoes="cut"), verb="undo").did("undo-cut")
    assert story.outcome(CHILD).fate == "left"


def test_a_swapped_out_deny_all_covers_nothing() -> None:
    story = Story(cut(), seal(replaces="cut"), accesses=(standing(),)).did("cut", denies="everything")
    story.found(child(60), source="logs")
    assert story.outcome(CHILD).fate == "ended"
    assert story.accepted("seal", cutoff=after(17).isoformat()).outcome(CHILD).fate == "open"


def test_a_release_that_leaves_a_cut_off_still_covers_the_older() -> None:
    release = step("release-cut", "fake:session/ajar", Phase.RELEASE, replaces="cut")
    story = Story(cut(brake=True), accesses=(standing(),)).did("cut", denies="everything").closed()
    story.then(release, verb="release").did("release-cut", cutoff=after(50).isoformat())
    story.found(child(1), source="logs")
    assert story.outcome(CHILD).fate == "ended"
    assert story.found(child(60), source="logs").outcome(CHILD).fate == "open"


def test_a_session_where_nothing_was_cut() -> None:
    story = Story(accesses=(standing(),)).found(child(expires=after(900)), source="logs")
    assert (story.outcome(CHILD).fate, story.outcome(CHILD).until) == ("left", after(900))
    other = (
        Story(cut(on=access().on), accesses=())
        .did("cut")
        .found(access("fake:other/ci/1", family="token", created=after(1)), source="logs")
    )
    assert other.outcome("fake:other/ci/1").fate == "left"  # a cut of another kind is not this one's


def test_the_standing_session_needs_its_own_step() -> None:
    assert Story(accesses=(standing(),)).outcome(STANDING).fate == "left"
    assert contained().outcome(STANDING).fate == "ended"


# -- shielded ----------------------------------------------------------------------------------------------------------


def test_deny_everything_shields_what_could_not_be_ended() -> None:
    story = Story(step("a"), cut(), accesses=(access(), standing())).did("cut", denies="everything")
    story.ended("a", Failed("no"))
    outcome = story.outcome()
    assert (outcome.fate, outcome.proof) == ("ended", Proof.RECORDED)
    assert "while this holds" in outcome.how
    assert story.asked("cut").outcome().fate == "failed"


def test_a_swapped_or_released_deny_all_shields_nothing() -> None:
    story = Story(step("a"), cut(), seal(replaces="cut"), accesses=(access(),))
    story.did("cut", denies="everything").ended("a", Failed("no")).asked("seal")
    assert story.outcome().fate == "failed"
    story = Story(step("a"), cut(), accesses=(access(),)).did("cut", denies="everything").ended("a", Failed("no"))
    story.then(step("undo-cut", undoes="cut"), verb="undo").did("undo-cut")
    assert story.outcome().fate == "failed"


def test_trusts_and_other_principals_are_not_shielded() -> None:
    trust = access("fake:trust/ci/t", family="trust", exposure="anyone")
    other = access("fake:key/b/old", on=access().on.__class__("fake", "bot", "b"))
    story = Story(cut(), accesses=(trust, other)).did("cut", denies="everything")
    assert story.outcome(trust.id).fate == "open"
    assert story.outcome(other.id).fate == "left"


def test_a_delete_that_frees_a_slot_ends_it_once_done() -> None:
    delete = step("d", "fake:key/delete", Phase.MINT, ends=(KEY,))
    story = Story(delete, step("a"), accesses=(access(),)).did("a")
    assert story.outcome().fate == "ended"
    story = Story(delete, accesses=(access(),))
    assert story.outcome().fate == "left"
    assert story.did("d").outcome().fate == "ended"


CHANGES = (None, Done({}, NOON), Already({}), Skipped("s"), Impossible("i", "m"), Failed("f"), Lost("l"))
SEEN = ("no", "once", "settled", "vanished")


@given(st.lists(st.sampled_from(list(product(CHANGES, SEEN))), min_size=1, max_size=3))
def test_it_is_never_better_than_what_was_seen(what: list[tuple[Change | None, str]]) -> None:
    story = Story(*(step(f"s{n}") for n in range(len(what))), accesses=(access(),))
    held = []
    for n, (change, seen) in enumerate(what):
        if change is not None:
            story.ended(f"s{n}", change)
        if isinstance(change, (Done, Already)) and seen != "no":
            (story.seen if seen == "once" else story.did)(f"s{n}")
            if seen == "vanished":
                story.vanished(f"s{n}")
        held.append(isinstance(change, (Done, Already)) and seen == "settled")
    outcome = story.outcome()
    assert (outcome.fate == "ended") == all(held)
    assert (outcome.proof is not None and outcome.proof.proves) == all(held)


def test_judged_by_the_clock_that_is_given() -> None:
    story = Story(accesses=(access(expires=after(50)),))
    fates = [Judge(story.history, after(at)).all()[0].fate for at in (49, 50)]
    assert fates == ["left", "expired"]


def test_a_principal_that_was_stopped_and_released_lets_nobody_in_by_itself() -> None:
    stopped = access("fake:account/ci", family="principal", opens=False)
    brake = step("brake", "fake:account/stop", Phase.CUT, ends=(stopped.id,), brake=True)
    release = step("release-brake", "fake:account/stop", Phase.RELEASE, replaces="brake", ends=(stopped.id,))
    story = Story(brake, release, accesses=(stopped,)).did("brake", denies="everything")
    assert story.outcome(stopped.id).fate == "ended"
    assert story.did("release-brake").outcome(stopped.id).fate == "kept"


def released(at: float, **more: Any) -> Story:
    """A brake that settled at 10 and held a session and a key, and was released later."""
    ends = {"ends": (STANDING, KEY), "scope": "org"}
    brake = step("brake", "fake:account/stop", Phase.CUT, brake=True, **{"rearms": 60.0, **more}, **ends)
    release = step("release-brake", "fake:account/stop", Phase.RELEASE, replaces="brake", **ends)
    story = Story(brake, release, accesses=(standing(), access())).did("brake", at=10, denies="everything")
    return story.did("release-brake", at=at)


def test_sessions_that_a_released_brake_outlived_are_over_and_keys_are_open_again() -> None:
    story = released(70)
    assert (story.outcome(STANDING).fate, story.outcome(STANDING).proof) == ("expired", Proof.RECORDED)
    key = story.outcome(KEY)
    assert (key.fate, key.proof, key.how) == ("open", None, "the brake alone held it, and was released")


@pytest.mark.parametrize("more", [{"rearms": 61.0}, {"rearms": "always"}, {"rearms": "no"}])
def test_sessions_that_a_released_brake_did_not_outlive_are_open_again(more: dict[str, Any]) -> None:
    assert released(70, **more).outcome(STANDING).fate == "open"


def test_a_brake_that_was_found_taken_off_outlived_nothing() -> None:
    """Since when, nobody knows: a token that was had meanwhile lives."""
    found = released(70).ended("release-brake", Already({}), at=70).outcome(STANDING)
    assert found.fate == "open"
    assert "was found taken off: since when, nobody here knows" in found.how


def test_a_brake_that_somebody_took_off_meanwhile_outlived_nothing() -> None:
    assert released(70).vanished("brake").outcome(STANDING).fate == "open"
