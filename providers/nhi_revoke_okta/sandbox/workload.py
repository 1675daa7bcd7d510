"""The payments service: it gets a token from the custom server with the secret that its file holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nhi_revoke.provider.sandbox.workload import StoredWorkload, Workload, file_store
from nhi_revoke_okta.sandbox.doors import OktaDoor
from nhi_revoke_okta.sandbox.plant_credentials import FILE, SCOPE
from nhi_revoke_okta.sandbox.scene import Scene


def workload(scene: Scene, folder: str) -> Workload:
    app = scene.app
    used = next(each for each in app.secrets.values() if each.status.shown == "ACTIVE")
    read = file_store(Path(folder) / FILE, {"client_id": app.client_id, "client_secret": used.value})

    def door(held: Mapping[str, str]) -> OktaDoor:
        request = {
            "method": "POST",
            "url": f"{scene.url}/oauth2/default/v1/token",
            "auth": (held["client_id"], held["client_secret"]),
            "data": {"grant_type": "client_credentials", "scope": SCOPE},
        }
        return OktaDoor("okta/workload", "client-secret", "the service itself", "", lambda: [request], scene.client)

    return StoredWorkload("okta:client-secret", read, door)
