"""Whoever goes on with a run need not be who began it: guards are asked anew."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Failed
from nhi_revoke.model.error import Refused
from nhi_revoke.provider.fault import Unavailable
from tests.engine.cloud import Cloud, bot
from tests.engine.scene import Scene
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
