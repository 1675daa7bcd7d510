"""An app that may manage the identity's: the intruder put its own on the list, beside the rightful one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import GRAPH

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.scene import Scene

RIGHTFUL, INTRUDERS = "Release Pipeline", "Backup Sync"


def plant(scene: Scene) -> None:
    """One door."""
    tenant, then = scene.tenant, scene.then
    rightful = seed.new_app(tenant, RIGHTFUL, then)[1]
    mine = seed.new_app(tenant, INTRUDERS, then)[1]
    scene.application.managers[rightful.app_id] = Lagged(True, then)
    scene.application.managers[mine.app_id] = Lagged(True, scene.now())
    token = tenant.new_token(mine, GRAPH, scene.now())
    token.expires = scene.now() + seed.A_YEAR  # it signs in again each time
    scene.steal(token.value)
    path, headers = f"/v1.0/applications/{scene.application.id}", {"Authorization": f"Bearer {token.value}"}
    request = {"method": "PATCH", "url": f"{scene.url}{path}", "headers": headers, "json": {"notes": ""}}
    scene.door(
        "managing-app", "managing-app", "an app of the intruder's, which may manage the application",
        f"entra:managing-app/{scene.application.id}/{mine.app_id}", lambda: [request],
    )  # fmt: skip
