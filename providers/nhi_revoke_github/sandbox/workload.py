"""The build: it fetches its repository with the deploy key that its file holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nhi_revoke.provider.sandbox.workload import StoredWorkload, Workload, file_store
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.doors import GithubDoor
from nhi_revoke_github.sandbox.plant_keys import git
from nhi_revoke_github.sandbox.scene import Scene

FILE = "payments-deploy-key.json"


def workload(scene: Scene, folder: str) -> Workload:
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    read = file_store(Path(folder) / FILE, {"private_key": scene.deploy_key})

    def door(held: Mapping[str, str]) -> GithubDoor:
        private = load_ssh_private_key(held["private_key"].encode(), None)
        tries = git(scene, private, seed.SHOP)
        return GithubDoor("github/workload", "deploy-key", "the build itself", "", tries, scene.client)

    return StoredWorkload("github:deploy-key", read, door)
