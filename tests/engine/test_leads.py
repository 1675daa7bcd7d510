"""Whom sessions elsewhere point at: how often it is looked at."""

from __future__ import annotations

from nhi_revoke.model.found import Lead
from nhi_revoke.model.intent import Intent
from tests.engine.cloud import Cloud
from tests.engine.scene import Scene, identity
from tests.engine.tick import after


def test_whom_leads_point_at_is_looked_at_once_however_many_sessions_there_are(scene: Scene, cloud: Cloud) -> None:
    cloud.logs += [cloud.session("other", str(n), after(-n)) for n in range(5)]
    inventory = scene.engine.surveyor.look(identity(), enrich=False, experimental=False)
    before = len(cloud.called("collect fake:session"))
    found = scene.engine.surveyor.observe(inventory, Intent())
    assert len([f for f in found if isinstance(f, Lead)]) == 5
    assert cloud.called("collect fake:session")[before:] == ["collect fake:session fake:bot/other"]
