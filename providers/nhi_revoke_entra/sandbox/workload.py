"""The payments app: it signs in with the secret that its file holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nhi_revoke.provider.sandbox.workload import StoredWorkload, Workload, file_store
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.doors import EntraDoor
from nhi_revoke_entra.sandbox.scene import Scene

FILE = seed.TO_FILE.rpartition("/")[2]


def workload(scene: Scene, folder: str) -> Workload:
    used = next(each for each in scene.application.passwords.values() if each.name == seed.IN_USE)
    read = file_store(Path(folder) / FILE, {"client_id": scene.principal.app_id, "client_secret": used.value})

    def door(held: Mapping[str, str]) -> EntraDoor:
        request = scene.signing_in(client_secret=held["client_secret"])
        return EntraDoor("entra/workload", "client-secret", "the app itself", "", lambda: [request], scene.client)

    return StoredWorkload(seed.SECRET, read, door)
