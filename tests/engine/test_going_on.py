"""Whoever goes on with a run need not be who began it: guards are asked anew."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.lock import Locks
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.change import Failed
from nhi_revoke.model.error import Refused
from nhi_revoke.provider.fault import Unavailable
from tests.engine.cloud import Cloud, bot
from tests.engine.scene import YES, Scene
from tests.engine.tick import after


def half(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply fake:key/disable", Failed("not allowed", "keys.update"))
    assert scene.revoke().state == "partial"


def test_whoever_goes_on_as_the_principal_itself_is_refused(scene: Scene, cloud: Cloud) -> None:
    """The next shift may be logged in through what the run ends."""
    half(scene, cloud)
    cloud.whoami = (bot("ci"),)
    cloud.calls.clear()
    for going in (scene.engine.resume, lambda run: scene.engine.hold(run, interval=30.0, until=after(500))):
        with pytest.raises(Refused) as caught:
            going("run-1")
        assert caught.value.code == "own-principal"
    assert cloud.called("apply") == []
    cloud.whoami = (bot("responder"),)
    assert scene.engine.resume("run-1").exit_code == 0


def test_who_protects_it_meanwhile_is_heard(scene: Scene, cloud: Cloud) -> None:
    half(scene, cloud)
    scene.config = replace(scene.config, protect=("fake:bot/ci",))
    scene.new()
    with pytest.raises(Refused) as caught:
        scene.engine.resume("run-1")
    assert caught.value.code == "protected"


def test_a_login_that_does_not_tell_who_it_is_holds_up_no_containment(scene: Scene, cloud: Cloud) -> None:
    half(scene, cloud)
    cloud.tell("whoami fake", Unavailable("503"))
    assert scene.engine.resume("run-1").exit_code == 0


def other(scene: Scene) -> Engine:
    """Another process of the same responder, or another responder on this machine."""
    return Engine(scene.registry, scene.config, scene.heard.append, clock=scene.cloud.clock)


def test_what_was_planned_before_somebody_else_worked_on_the_run_is_not_done(scene: Scene, cloud: Cloud) -> None:
    """One stands at the prompt of `finish` while the other gives the key back: it was deleted, in use again."""
    cloud.rearms = 0.0
    scene.revoke()
    plan = scene.engine.plan_finish("run-1")
    with other(scene) as theirs:
        back = theirs.plan_undo("run-1", ("fake:key/ci/old",), ("fake:key/ci/old",))
        assert theirs.act("run-1", "undo", back, YES).exit_code == 0
    cloud.calls.clear()
    with pytest.raises(Refused) as caught:
        scene.engine.act("run-1", "finish", plan, YES)
    assert (caught.value.code, cloud.bots["ci"].keys) == ("run-moved", {"old": "live"})
    assert cloud.called("apply") == []


def test_a_journal_is_read_under_the_lock(scene: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waited a moment for it wrote over the lines of the other, and the chain was broken for good."""
    scene.revoke()
    take = Locks.take

    def late(self: Locks, *words: str) -> AbstractContextManager[None]:
        monkeypatch.setattr(Locks, "take", take)
        with other(scene) as theirs:
            assert theirs.verify("run-1").exit_code == 0
        return take(self, *words)

    monkeypatch.setattr(Locks, "take", late)
    assert scene.new().verify("run-1").exit_code == 0
    assert scene.new().verify("run-1").exit_code == 0, "the chain holds"
