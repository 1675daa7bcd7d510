"""What `finish` made a store forget and what it can recall: an undo takes it back, and `finish` may do it again."""

from __future__ import annotations

import pytest

from nhi_revoke.engine import takeback
from nhi_revoke.model.change import Already
from nhi_revoke.model.error import Refused
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Phase
from tests.engine.cloud import Cloud
from tests.engine.fake_store import Forget, Shelf
from tests.engine.scene import YES, Scene
from tests.engine.story import Story, step
from tests.engine.tick import after

SERVE = step("s1", "vault/serve", Phase.SERVE)
FORGET = step("finish-s1", "vault/forget", Phase.FINISH)
BACK = step("undo-finish-s1", "vault/forget", undoes="finish-s1", ends=())
HELD, DISABLED = "version 1 holds the old one", "version 1 is disabled"


def undo(story: Story, *accesses: str) -> Plan:
    return takeback.undo_plan(story.history, accesses, (), after(100))


def finished() -> Story:
    return Story(SERVE).did("s1", leaves=HELD).then(FORGET, verb="finish").did("finish-s1", leaves=DISABLED)


def notices(story: Story) -> list[str]:
    return [notice.says for notice in story.report().notices]


def test_what_a_store_can_recall_is_taken_back() -> None:
    plan = undo(finished())
    assert [(s.id, s.undoes, s.does) for s in plan.steps] == [("undo-finish-s1", "finish-s1", "vault/forget")]
    assert plan.steps[0].reversible


def test_what_is_gone_for_good_is_not() -> None:
    story = (
        Story(SERVE).did("s1").then(step("finish-s1", "vault/forget", Phase.FINISH, reversible=False), verb="finish")
    )
    with pytest.raises(Refused):
        undo(story.did("finish-s1"))


def test_what_was_so_before_this_run_came_is_not_this_runs_to_take_back() -> None:
    story = Story(SERVE).did("s1").then(FORGET, verb="finish").did("finish-s1").ended("finish-s1", Already({}))
    with pytest.raises(Refused):
        undo(story)


def test_an_undo_of_one_access_leaves_the_store_alone() -> None:
    story = Story(step("a"), SERVE).did("a", "s1").then(FORGET, verb="finish").did("finish-s1")
    assert [s.undoes for s in undo(story, step("a").ends[0]).steps] == ["a"]


def test_taken_back_it_is_the_delivery_that_speaks_again() -> None:
    story = finished()
    assert notices(story) == [DISABLED]
    story.then(BACK, verb="undo").did("undo-finish-s1")
    assert notices(story) == [HELD]
    with pytest.raises(Refused):
        undo(story)  # once is enough
    story.then(FORGET, verb="finish").did("finish-s1", leaves=DISABLED)
    assert notices(story) == [DISABLED]
    assert [s.undoes for s in undo(story).steps] == ["finish-s1"]


@pytest.fixture
def recalling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted vendor's store, disabling instead of deleting."""

    def do(self: Forget, cloud: Cloud, step: object, run: object) -> dict[str, object]:
        place = cloud.shelf["ci"]
        place["disabled"] = place.pop("former")
        return {"forgotten": True}

    def back(self: Forget, cloud: Cloud, step: object, left: object) -> dict[str, object]:
        place = cloud.shelf["ci"]
        place["former"] = place.pop("disabled")
        return {}

    monkeypatch.setattr(Forget, "reversible", True)
    monkeypatch.setattr(Forget, "do", do)
    monkeypatch.setattr(Forget, "back", back)
    return


@pytest.mark.usefixtures("recalling")
def test_finished_taken_back_and_finished_again(scene: Scene, cloud: Cloud) -> None:
    cloud.shelf["ci"] = {"current": "the-old-secret"}
    scene.rotate()
    plan = scene.engine.plan_finish("run-1")
    [forget] = [s for s in plan.steps if s.does == f"{Shelf.name}/forget"]
    assert forget.reversible
    scene.engine.act("run-1", "finish", plan, YES)
    assert cloud.shelf["ci"]["disabled"] == "the-old-secret"
    current = cloud.shelf["ci"]["current"]

    plan = scene.engine.plan_undo("run-1", (), ())
    assert [s.undoes for s in plan.steps] == [forget.id]
    keys = dict(cloud.bots["ci"].keys)
    report = scene.engine.act("run-1", "undo", plan, YES)
    assert [s.result for s in report.steps if s.id == f"undo-{forget.id}"] == ["undone"]
    assert cloud.shelf["ci"]["former"] == "the-old-secret"
    assert cloud.shelf["ci"]["current"] == current, "what is served stays"
    assert cloud.bots["ci"].keys == keys, "and nothing else came back"

    plan = scene.engine.plan_finish("run-1")
    assert [s.id for s in plan.steps] == [forget.id]
    scene.engine.act("run-1", "finish", plan, YES)
    assert cloud.shelf["ci"]["disabled"] == "the-old-secret"
