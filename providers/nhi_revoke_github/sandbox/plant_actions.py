"""Actions of the shop: a run whose GITHUB_TOKEN the intruder took, one that waits for a runner, runners and secrets.

GitHub docs: automatic token authentication (the token expires when a job finishes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.routes_actions import begin, start
from nhi_revoke_github.sandbox.routes_runners import new_runner
from nhi_revoke_github.sandbox.routes_secrets import new_secret
from nhi_revoke_github.sandbox.state import Job

if TYPE_CHECKING:
    from nhi_revoke_github.sandbox.scene import Scene


def plant(scene: Scene) -> None:
    """Meddlings: `start-queued` (the waiting run begins), `push-workflow` (a new one, unless Actions is off)."""
    hub, shop, now = scene.hub, scene.shop, scene.now()
    scene.principals.append(f"github:repo/{shop.full_name}")
    job = start(hub, shop, scene.machine.login, now)
    waiting = start(hub, shop, scene.machine.login, now, "queued")
    scene.steal(job.token)
    _door(scene, "job-token", "the GITHUB_TOKEN of a running job reads the repository", job)
    new_runner(hub, shop.runners, "shop-runner-1")
    new_runner(hub, hub.org_runners, "org-runner-1")
    then = seed.long_ago(now)
    new_secret(shop.secrets.setdefault("actions", {}), "PAYMENTS_KEY", "", then)
    new_secret(shop.secrets.setdefault("environments/production", {}), "DEPLOY_KEY", "", then)
    new_secret(shop.secrets.setdefault("dependabot", {}), "REGISTRY_TOKEN", "", then)
    new_secret(hub.org_secrets, "SHARED_KEY", "", then, visibility="selected", repositories=[shop.id])

    def start_queued() -> None:
        if begin(hub, waiting, scene.now()):
            scene.steal(waiting.token)
            _door(scene, "queued-run", "a run that had waited for a runner: its GITHUB_TOKEN", waiting)

    def push_workflow() -> None:
        assert shop.actions_on is not None
        if shop.actions_on.obeyed(scene.now()):
            pushed = start(hub, shop, scene.machine.login, scene.now())
            scene.steal(pushed.token)
            _door(scene, f"pushed-run-{pushed.id}", "a workflow that the intruder pushed: its GITHUB_TOKEN", pushed)

    scene.meddlings["start-queued"] = start_queued
    scene.meddlings["push-workflow"] = push_workflow


def _door(scene: Scene, name: str, says: str, job: Job) -> None:
    path = f"/repos/{scene.shop.full_name}"
    access = f"github:run/{scene.shop.full_name}/*"
    scene.door(name, "job-token", says, access, lambda: [scene.bearing(job.token, path)])
