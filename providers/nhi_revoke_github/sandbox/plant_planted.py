"""What the intruder put elsewhere with the machine user's rights: a webhook and a deploy key on another repository.

GitHub docs: audit-log-events-for-your-organization (hook.create, public_key.create).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.state import ORG, DeployKey, stamp

if TYPE_CHECKING:
    from nhi_revoke_github.sandbox.scene import Scene

COLLECTOR = "collector-0"
"""The intruder's own account, outside the organisation."""
WHERE = "https://collector.example/hook"


def plant(scene: Scene) -> None:
    """Meddling: `plant-key`."""
    repository, at = scene.ledger, scene.now() - timedelta(hours=1)
    hook = scene.hub.new_id()
    repository.hooks[hook] = {
        "id": hook, "name": "web", "active": True, "events": ["push"], "created_at": stamp(at),
        "config": {"url": WHERE},
    }  # fmt: skip
    scene.hub.log("hook.create", at, scene.machine.login, repo=repository.full_name, hook_id=hook)
    seed.new_account(scene.hub, COLLECTOR, at)
    collector = scene.hub.new_token("ghp", COLLECTOR, at, name="collector")
    scene.steal(collector.value)
    scene.door(
        "planted-hook", "planted", f"a webhook on {repository.full_name}: every push is told to the intruder",
        f"github:repo/{repository.full_name}",
        lambda: [scene.bearing(collector.value, f"/_hooks/{repository.full_name}/{hook}")],
    )  # fmt: skip
    scene.meddlings["plant-key"] = lambda: plant_key(scene, scene.now())


def plant_key(scene: Scene, at: datetime) -> None:
    """A deploy key that may write."""
    repository = scene.ledger
    made = DeployKey(
        scene.hub.new_id(), "backup", "ssh-ed25519 AAAAplanted", at, False, scene.machine.login, Lagged("active", at)
    )
    repository.keys[made.id] = made
    scene.hub.log(
        "public_key.create", at, scene.machine.login, repo=repository.full_name, title="backup", read_only=False,
        fingerprint="SHA256:planted", org=ORG,
    )  # fmt: skip
