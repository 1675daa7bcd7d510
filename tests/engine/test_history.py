"""What a journal says of each step, rebuilt from its lines."""

from __future__ import annotations

import pytest

from nhi_revoke.engine.history import History, StepHistory, unfinished
from nhi_revoke.engine.states import MEANS, VERBS, RunState, braked, state_of
from nhi_revoke.model.change import Already, Done, Failed, Lost, Skipped
from nhi_revoke.model.line import Intended
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Phase
from tests.engine.story import KEY, Story, access, cut, seal, step
from tests.engine.tick import NOON, after


def of(story: Story, id_: str = "a") -> StepHistory:
    return story.history.step(id_)


def test_a_journal_opens_with_a_plan() -> None:
    with pytest.raises(ValueError, match="opens with a plan"):
        History([Intended("a", 1, NOON)])
    assert History().sections == []
    with pytest.raises(KeyError):
        Story(step("a")).history.step("b")
    assert Story().history.last_report is None


def test_an_intent_without_a_result_was_asked() -> None:
    mine = of(Story(step("a")).asked("a"))
    assert (mine.asked, mine.accepted, mine.attempts) == (True, False, 1)
    mine = of(Story(step("a")).ended("a", Failed("no")))
    assert (mine.asked, mine.accepted, mine.left) == (False, False, {})


def test_seen_settled_vanished() -> None:
    story = Story(step("a")).accepted("a", at=1, state="off")
    assert (of(story).accepted, of(story).settled, of(story).left) == (True, False, {"state": "off"})
    story.seen("a", at=2, state="off")
    assert (of(story).seen_at, of(story).settled) == (after(2), False)
    story.did("a", at=3, state="off").proved("a", Proof.ENFORCED)
    assert of(story).settled
    assert of(story).proven is not None
    assert unfinished(story.history.now) == []
    story.vanished("a")
    assert (of(story).settled, of(story).gone, of(story).vanished, of(story).proven) == (False, True, 1, None)
    assert [h.step.id for h in unfinished(story.history.now)] == ["a"]
    story.asked("a")
    assert not of(story).gone


@pytest.mark.parametrize("change", [Failed("no"), Lost("gone"), Skipped("not now")])
def test_what_failed_later_holds_no_longer(change: Failed | Lost | Skipped) -> None:
    """A staged secret that was taken away again, for one, must be staged anew."""
    story = Story(step("a")).did("a").proved("a", Proof.ENFORCED)
    story.ended("a", change)
    assert not of(story).settled
    assert not of(story).accepted
    assert of(story).proven is None


def test_a_destroyed_mint_may_be_asked_anew() -> None:
    story = Story(step("a", "fake:key/create", Phase.MINT)).did("a", id="new1").destroyed("a", "new1")
    mine = of(story)
    assert (mine.destroyed, mine.change, mine.left, mine.settled) == (("new1",), None, {}, False)


def test_the_newest_section_wins_and_keeps_the_others() -> None:
    story = Story(step("a"), step("b")).did("a", "b")
    story.then(step("a"), verb="undo")
    history = story.history
    assert not history.step("a").settled
    assert history.step("b").settled
    assert history.has("b")
    assert set(history.steps) == {"a", "b"}
    assert not history.steps["a"].settled
    assert history.first is not history.now
    assert history.now.plan.steps[0].id == "a"


def test_what_was_found_and_added() -> None:
    story = Story().extended(step("r1-1"), number=2).found(access(), source="logs", at=7)
    ((found, note),) = story.history.found
    assert (found, note.at, note.source) == (access(), after(7), "logs")
    assert story.history.now.rounds == 2
    assert story.history.has("r1-1")
    story.closed()
    assert story.history.last_report is not None
    story.then(verb="hold")
    assert story.history.last_report is not None


# -- states ------------------------------------------------------------------------------------------------------------

BRAKE = step("brake", "fake:account/stop", Phase.CUT, brake=True, ends=())
UNDO = step("undo-a", undoes="a")


@pytest.mark.parametrize(
    ("state", "story"),
    [
        (RunState.INTERRUPTED, Story(step("a")).did("a")),
        (RunState.INTERRUPTED, Story(step("a")).did("a").closed().then(UNDO, verb="undo")),
        (RunState.PARTIAL, Story(step("a"), seal()).did("seal").ended("a", Failed("no")).closed()),
        (RunState.PARTIAL, Story(step("a")).ended("a", Lost("gone")).closed()),
        (RunState.PARTIAL, Story(step("a")).accepted("a").closed()),
        (RunState.HELD, Story(step("a"), BRAKE).did("a", "brake").closed()),
        (RunState.CONTAINED, Story(step("a"), cut(), seal(replaces="cut")).did("a", "cut", "seal").closed()),
        (RunState.PARTIAL, Story(step("a"), BRAKE).did("a").ended("brake", Skipped("no")).closed()),
        (RunState.UNDONE, Story(step("a")).did("a").closed().then(UNDO, verb="undo").did("undo-a").closed()),
        (
            RunState.UNDONE,
            Story(step("a"), step("b", reversible=False))
            .did("a", "b")
            .closed()
            .then(UNDO, verb="undo")
            .did("undo-a")
            .closed(),
        ),
        (
            RunState.CONTAINED,
            Story(step("a"), step("b")).did("a", "b").closed().then(UNDO, verb="undo").did("undo-a").closed(),
        ),
        (
            RunState.FINISHED,
            Story(step("a"))
            .did("a")
            .closed()
            .then(step("finish-a", "fake:key/delete", Phase.FINISH), verb="finish")
            .did("finish-a")
            .closed(),
        ),
        (
            RunState.PARTIAL,
            Story(step("a")).did("a").closed().then(UNDO, verb="undo").ended("undo-a", Failed("no")).closed(),
        ),
    ],
)
def test_each_state_is_reached(state: RunState, story: Story) -> None:
    assert state_of(story.history) is state
    if state is RunState.INTERRUPTED:
        assert state_of(story.history, closing=True) is not RunState.INTERRUPTED


def test_a_released_brake_is_off() -> None:
    release = step("release-brake", "fake:account/stop", Phase.RELEASE, replaces="brake")
    story = Story(BRAKE).did("brake").closed()
    assert braked(story.history) == ("brake",)
    story.then(release, verb="release").did("release-brake").closed()
    assert braked(story.history) == ()
    assert state_of(story.history) is RunState.CONTAINED


def test_a_brake_that_was_swapped_or_taken_back_is_off() -> None:
    assert braked(Story(BRAKE, seal(replaces="brake")).did("brake", "seal").history) == ()
    undo = step("undo-brake", undoes="brake", phase=Phase.END)
    assert braked(Story(BRAKE).did("brake").then(undo, verb="undo").did("undo-brake").history) == ()
    assert braked(Story(BRAKE).accepted("brake").history) == ()


def test_the_table_is_complete() -> None:
    assert set(VERBS) == set(MEANS) == set(RunState)
    known = {"resume", "verify", "hold", "undo", "release", "finish", "report"}
    for state, verbs in VERBS.items():
        assert set(verbs) <= known
        assert "report" in verbs
        assert ("resume" in verbs) == (state in (RunState.INTERRUPTED, RunState.PARTIAL))
        assert MEANS[state]
    assert {v for verbs in VERBS.values() for v in verbs} == known


def test_already_is_accepted() -> None:
    assert of(Story(step("a")).ended("a", Already({"x": 1}))).left == {"x": 1}
    assert of(Story(step("a")).ended("a", Done({"x": 2}, NOON))).left == {"x": 2}
    assert KEY in of(Story(step("a"))).step.ends
