"""Undo, release and finish: only where it brings nobody back."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from nhi_revoke.engine import takeback
from nhi_revoke.model.change import Failed
from nhi_revoke.model.error import NotFound, Refused
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Phase
from tests.engine.cloud import Cloud, bot
from tests.engine.scene import YES, Scene, fate
from tests.engine.story import KEY, STANDING, Story, access, cut, seal, standing, step
from tests.engine.tick import after

OTHER = "fake:key/ci/b"


def undo(story: Story, *accesses: str, rearm: tuple[str, ...] = (), at: float = 100) -> Plan:
    return takeback.undo_plan(story.history, accesses, rearm, after(at))


def ids(plan: Plan) -> list[str | None]:
    return [s.undoes for s in plan.steps]


def test_newest_first_and_edges_reversed() -> None:
    story = Story(step("a"), step("b", ends=(OTHER,), after=("a",)), step("c", after=("a", "b"), ends=("x",)))
    plan = undo(story.did("a", "b", "c"))
    assert ids(plan) == ["c", "b", "a"]
    assert [s.id for s in plan.steps] == ["undo-c", "undo-b", "undo-a"]
    assert [set(s.after) for s in plan.steps] == [set(), {"undo-c"}, {"undo-b", "undo-c"}]
    assert all(s.says.startswith("take back:") for s in plan.steps)
    assert plan.accesses == ()
    assert plan.principals == story.history.first.plan.principals


def test_only_what_holds() -> None:
    story = Story(step("a"), step("b", ends=(OTHER,)), step("c", ends=("x",)), step("d", ends=("y",)))
    story.did("a").ended("b", Failed("no")).accepted("c")
    assert ids(undo(story)) == ["c", "a"]


def test_of_a_cut_and_its_seal_only_the_later() -> None:
    story = Story(cut(), seal(replaces="cut")).did("cut", "seal")
    assert ids(undo(story)) == ["seal"]


def test_what_was_taken_back_already_is_not_again() -> None:
    story = Story(step("a"), step("b", ends=(OTHER,))).did("a", "b").closed()
    story.then(step("undo-a", undoes="a"), verb="undo").did("undo-a")
    assert ids(undo(story)) == ["b"]


def test_some_accesses_only() -> None:
    story = Story(step("a"), step("b", ends=(OTHER,))).did("a", "b")
    assert ids(undo(story, OTHER)) == ["b"]
    with pytest.raises(NotFound) as caught:
        undo(story, OTHER, "fake:key/ci/never")
    assert "never" in caught.value.message


def test_nothing_to_take_back() -> None:
    with pytest.raises(Refused) as caught:
        undo(Story(step("a")))
    assert (caught.value.code, caught.value.exit_code) == ("nothing-to-undo", 7)


def test_a_leaked_key_has_no_safe_time_and_needs_rearm() -> None:
    story = Story(step("a", rearms="always"), step("b", ends=(OTHER,), rearms="always")).did("a", "b")
    with pytest.raises(Refused) as caught:
        undo(story, at=10**9)
    assert f"--rearm {KEY}" in caught.value.message
    plan = undo(story, rearm=(KEY,))
    assert ids(plan) == ["a"]
    assert [n.level for n in plan.notices] == ["danger"]
    assert f"--rearm {OTHER}" in plan.notices[0].says


def test_what_ends_nothing_by_name_and_rearms_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="leaked credential work again\\."):
        undo(Story(step("a", rearms="always", ends=())).did("a"))


def test_a_cut_off_is_lifted_only_when_no_older_session_can_live() -> None:
    story = Story(step("a"), seal(rearms=3600.0)).did("a", at=30).did("seal", at=10)
    with pytest.raises(Refused) as caught:
        undo(story, STANDING, at=3629)
    assert "safe after 2026-11-23T13:00:30Z" in caught.value.message  # counted from the last end, not from the seal
    assert ids(undo(story, at=3629)) == ["a"]
    assert ids(undo(story, at=3630)) == ["seal", "a"]
    assert ids(undo(story, STANDING, rearm=(STANDING,), at=31)) == ["seal"]


def test_irreversible_is_left_and_said() -> None:
    story = Story(step("a", reversible=False), step("b", ends=(OTHER,))).did("a", "b")
    plan = undo(story, rearm=(KEY,))
    assert ids(plan) == ["b"]
    assert "irreversible" in plan.notices[0].says


def test_undo_of_a_whole_run(scene: Scene, cloud: Cloud) -> None:
    cloud.rearms = 0.0
    scene.revoke()
    plan = scene.engine.plan_undo("run-1", (), (KEY,))
    report = scene.engine.act("run-1", "undo", plan, YES)
    assert (report.exit_code, report.headline, report.state) == (0, "TAKEN BACK", "undone")
    assert cloud.bots["ci"].keys == {"old": "live"}
    assert (cloud.bots["ci"].cutoff, cloud.bots["ci"].denied) == ("", False)
    assert fate(report, KEY).fate == "open"
    order = [c.split()[1] for c in cloud.called("undo")]
    assert order == ["fake:session/deny-older", "fake:key/disable"]
    with pytest.raises(Refused):
        scene.engine.plan_undo("run-1", (), (KEY,))


def test_an_undo_that_fails_can_be_resumed(scene: Scene, cloud: Cloud) -> None:
    cloud.rearms = 0.0
    scene.revoke()
    cloud.tell("undo fake:key/disable", Failed("it is not as this run left it"))
    report = scene.engine.act("run-1", "undo", scene.engine.plan_undo("run-1", (), (KEY,)), YES)
    assert (report.exit_code, report.state) == (5, "partial")
    assert cloud.bots["ci"].keys == {"old": "disabled"}
    report = scene.engine.resume("run-1")
    assert (report.exit_code, report.state) == (0, "undone")


# -- release -----------------------------------------------------------------------------------------------------------


def test_release_obeys_the_guard_and_can_wait(scene: Scene, cloud: Cloud) -> None:
    cloud.braked = "stop"
    report = scene.revoke()
    assert (report.state, cloud.bots["ci"].stopped) == ("held", True)
    with pytest.raises(Refused) as caught:
        scene.engine.plan_release("run-1", wait=False)
    assert (caught.value.code, "13:00:05Z" in caught.value.message) == ("re-arms", True)
    assert cloud.called("undo") == []
    plan = scene.engine.plan_release("run-1", wait=True)
    report = scene.engine.act("run-1", "release", plan, YES)
    assert cloud.clock.now() >= after(3605)
    assert any("old session" in e.why for e in scene.waited())
    assert not cloud.bots["ci"].stopped
    assert cloud.bots["ci"].keys == {"old": "disabled"}  # the old stays ended
    assert (report.exit_code, report.headline, report.state) == (0, "RELEASED", "contained")
    with pytest.raises(Refused) as caught:
        takeback.release_plan(scene.history(), scene.registry, cloud.clock.now(), wait=True)
    assert caught.value.code == "no-brake"


@pytest.mark.parametrize("resumed", [False, True])
def test_a_release_tells_what_it_lets_in_that_was_made_meanwhile(scene: Scene, cloud: Cloud, *, resumed: bool) -> None:
    """Whoever may manage keys makes one for a principal that is stopped, too."""
    cloud.braked = "gate"
    assert scene.revoke().exit_code == 0
    if resumed:
        cloud.tell("apply fake:gate/ajar", Failed("not now"))
    else:
        cloud.bots["ci"].keys["planted"] = "live"
    report = scene.engine.act("run-1", "release", scene.engine.plan_release("run-1", wait=False), YES)
    if resumed:
        assert (report.exit_code, cloud.bots["ci"].stopped) == (5, True)
        cloud.bots["ci"].keys["planted"] = "live"
        report = scene.engine.resume("run-1")
    assert (report.exit_code, report.headline, cloud.bots["ci"].stopped) == (8, "RELEASED", False)
    planted = fate(report, "fake:key/ci/planted")
    assert (planted.fate, planted.appeared) == ("left", True)
    assert cloud.bots["ci"].keys == {"old": "disabled", "planted": "live"}, "to end it was not asked for"
    assert scene.engine.hold("run-1", interval=30.0, until=cloud.clock.now()).exit_code == 0
    assert cloud.bots["ci"].keys == {"old": "disabled", "planted": "disabled"}
    assert not cloud.bots["ci"].stopped


def test_a_brake_with_a_release_of_its_own_needs_no_wait(scene: Scene, cloud: Cloud) -> None:
    cloud.braked = "gate"
    scene.revoke()
    report = scene.engine.act("run-1", "release", scene.engine.plan_release("run-1", wait=False), YES)
    assert not cloud.bots["ci"].stopped
    assert cloud.called("undo") == []
    assert cloud.called("apply fake:gate/ajar")
    assert cloud.clock.now() < after(60)
    assert (report.exit_code, report.state) == (0, "contained")
    cloud.clock.wait(7200, threading.Event())
    plan = scene.engine.plan_undo("run-1", (), ())
    assert "undo-release-s02" in [s.id for s in plan.steps]


def test_a_brake_that_alone_holds_what_could_not_be_ended_stays_on(scene: Scene, cloud: Cloud) -> None:
    """The key was never disabled: with the brake off whoever holds it is in again."""
    cloud.braked, cloud.rearms = "stop", 60.0
    cloud.tell("apply fake:key/disable", Failed("not allowed", "keys.update"))
    assert scene.revoke().state == "partial"
    cloud.clock.wait(3600, threading.Event())
    with pytest.raises(Refused) as caught:
        scene.engine.plan_release("run-1", wait=True)
    assert (caught.value.code, caught.value.hint) == ("not-ended", "nhi-revoke resume run-1")
    assert "disable key old" in caught.value.message
    assert cloud.bots["ci"].stopped
    assert (scene.engine.resume("run-1").exit_code, cloud.bots["ci"].keys) == (0, {"old": "disabled"})
    released = scene.engine.act("run-1", "release", scene.engine.plan_release("run-1", wait=True), YES)
    assert (released.exit_code, cloud.bots["ci"].stopped) == (0, False)


def test_other_brakes_are_released_all_the_same(scene: Scene) -> None:
    there = bot("there")
    first = step("b1", "fake:account/stop", Phase.CUT, brake=True, ends=())
    second = step("b2", "fake:account/stop", Phase.CUT, brake=True, ends=(), on=there)
    story = Story(first, second, step("k")).did("b1").did("b2").ended("k", Failed("no")).closed()
    plan = takeback.release_plan(story.history, scene.registry, after(100), wait=False)
    assert [s.on for s in plan.steps] == [there]
    assert "the brake stays on" in plan.notices[0].says
    done = Story(first, step("k"), step("other", ends=(KEY,))).did("b1").ended("k", Failed("no")).did("other").closed()
    assert takeback.release_plan(done.history, scene.registry, after(100), wait=False).steps, "another step ended it"


def test_a_release_waits_until_the_last_brake_is_safe(scene: Scene, cloud: Cloud) -> None:
    first = step("b1", "fake:account/stop", Phase.CUT, brake=True, rearms=100.0, ends=())
    story = Story(first, replace(first, id="b2", rearms=500.0), replace(first, id="b3", rearms="always"))
    story.did("b1", at=5).did("b2", at=5).did("b3", at=5)
    assert takeback.release_time(story.history, scene.registry, after(10)) == after(505)
    assert takeback.release_time(story.history, scene.registry, after(999)) == after(999)


# -- finish ------------------------------------------------------------------------------------------------------------


def test_finish_deletes_what_was_disabled_and_forgets_the_old_secret(scene: Scene, cloud: Cloud) -> None:
    cloud.shelf["ci"] = {"current": "the-old-secret"}
    scene.rotate()
    assert cloud.shelf["ci"]["former"] == "the-old-secret"
    plan = scene.engine.plan_finish("run-1")
    assert {s.does for s in plan.steps} == {"fake:key/delete", "shelf/forget"}
    assert all(not s.reversible for s in plan.steps)
    assert any("kept" in n.says and "a session may outlive it" in n.says for n in plan.notices)
    with pytest.raises(Refused):
        scene.engine.act("run-1", "finish", plan, replace(YES, allow_irreversible=False))
    report = scene.engine.act("run-1", "finish", plan, YES)
    assert cloud.bots["ci"].keys == {"new1": "live"}
    assert "former" not in cloud.shelf["ci"]
    assert cloud.shelf["ci"]["current"] == "secret-of-new1-ci"
    assert cloud.bots["ci"].cutoff  # younger than the longest session
    assert (report.exit_code, report.headline, report.state) == (0, "FINISHED", "finished")
    with pytest.raises(Refused) as caught:
        scene.engine.plan_finish("run-1")  # what was deleted and forgotten is not again; the cut-off is still too young
    assert caught.value.code == "nothing-to-finish"


def test_a_cut_off_goes_when_no_session_can_outlive_it(scene: Scene, cloud: Cloud) -> None:
    scene.revoke()
    cloud.clock.wait(3600, threading.Event())
    plan = scene.engine.plan_finish("run-1")
    assert {s.id for s in plan.steps} == {"finish-s02", "finish-s03"}
    scene.engine.act("run-1", "finish", plan, YES)
    assert cloud.bots["ci"].cutoff == ""
    assert cloud.bots["ci"].keys == {}
    assert "ci" in cloud.bots  # never a principal


def test_a_brake_that_is_on_is_never_finished(scene: Scene, cloud: Cloud) -> None:
    cloud.braked = "stop"
    scene.revoke()
    cloud.clock.wait(7200, threading.Event())
    with pytest.raises(Refused, match="held"):
        scene.engine.plan_finish("run-1")
    plan = takeback.finish_plan(scene.history(), scene.registry, cloud.clock.now())
    assert "fake:account/stop" not in {s.does for s in plan.steps}


def test_nothing_to_finish(scene: Scene) -> None:
    story = Story(seal(rearms=3600.0), accesses=(standing(), access())).did("seal", at=10)
    with pytest.raises(Refused) as caught:
        takeback.finish_plan(story.history, scene.registry, after(20))
    assert caught.value.code == "nothing-to-finish"
    assert "2026-11-23T13:00:10Z" in caught.value.message


# -- what a brake alone holds ------------------------------------------------------------------------------------------


def held(*more: str) -> Story:
    """A brake that ends its principal, and keys with it."""
    account = access("fake:account/ci", family="principal", opens=False)
    ends = (account.id, KEY, *more)
    brake = step("brake", "fake:account/stop", Phase.CUT, ends=ends, brake=True)
    keys = [access(each) for each in (KEY, *more)]
    return Story(brake, accesses=(account, *keys)).did("brake", denies="everything").closed()


def test_a_release_ends_first_what_the_brake_alone_held(scene: Scene) -> None:
    story = held(OTHER).found(access("fake:key/ci/late"), source="state")
    plan = takeback.release_plan(story.history, scene.registry, after(100), wait=False)
    *finals, off = plan.steps
    assert [(s.does, s.phase, s.ends) for s in finals] == [
        ("fake:key/delete", Phase.FINISH, (each,)) for each in (KEY, OTHER, "fake:key/ci/late")
    ]
    assert off.phase is Phase.RELEASE
    assert off.after == tuple(s.id for s in finals)
    assert len({s.id for s in plan.steps}) == 4
    assert not any(s.reversible for s in finals)
    assert len(plan.irreversible) == 3


def test_a_release_leaves_what_was_ended_otherwise_and_what_was_minted(scene: Scene) -> None:
    account = access("fake:account/ci", family="principal", opens=False)
    brake = step("brake", "fake:account/stop", Phase.CUT, ends=(account.id, KEY), brake=True)
    mint = step("mint", "fake:key/create", Phase.MINT, ends=())
    accesses = (account, access(KEY), access(OTHER), access("fake:key/ci/off", state="disabled"))
    story = Story(brake, step("b", ends=(OTHER,)), mint, accesses=accesses)
    story.did("brake", denies="everything").did("b").did("mint", id="fake:key/ci/new")
    story.found(access("fake:key/ci/new"), source="state").closed()
    plan = takeback.release_plan(story.history, scene.registry, after(100), wait=False)
    assert [s.ends for s in plan.steps if s.phase is Phase.FINISH] == [(KEY,)]


def test_a_brake_that_ends_its_principal_alone_is_just_released(scene: Scene) -> None:
    account = access("fake:account/ci", family="principal", opens=False)
    brake = step("brake", "fake:account/stop", Phase.CUT, ends=(account.id,), brake=True)
    story = Story(brake, accesses=(account, access(KEY))).did("brake", denies="everything").closed()
    plan = takeback.release_plan(story.history, scene.registry, after(100), wait=False)
    assert [s.phase for s in plan.steps] == [Phase.RELEASE]
