"""The payments service: it gets a token with the key file that it is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nhi_revoke.provider.sandbox.workload import StoredWorkload, Workload, file_store
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.scene import GcpDoor, Scene, asserted
from nhi_revoke_gcp.stopping import KEY

FILE = seed.TO_FILE.rpartition("/")[2]
WORKS = "payments-service"
"""Its user agent."""


def workload(scene: Scene, folder: str) -> Workload:
    held_now = scene.cloud.key_file(scene.account, scene.first, f"{scene.url}/token")
    read = file_store(Path(folder) / FILE, held_now)

    def door(held: Mapping[str, str]) -> GcpDoor:
        return GcpDoor(
            "gcp/workload", "key", "the service itself", "", lambda: [asserted(scene.url, held, WORKS)], scene.client
        )

    return StoredWorkload(KEY, read, door)
