"""What stands around the demo's account: levels with their policies, workloads, another account within reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke_gcp.naming import canonical
from nhi_revoke_gcp.policy import Trust
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.compute import Machine, RunService
from nhi_revoke_gcp.sandbox.gate import INTRUDER
from nhi_revoke_gcp.sandbox.hierarchy import GET_TOKEN
from nhi_revoke_gcp.stopping import ATTACHED, INHERITED

if TYPE_CHECKING:
    from nhi_revoke_gcp.sandbox.scene import Scene
    from nhi_revoke_gcp.sandbox.state import Account

FOLDER, ORGANIZATION = "folders/700000000007", "organizations/900000000009"
NUMBER = "111122223333"
BROKER = f"projects/{seed.PROJECT}/roles/tokenBroker"
VIEWS = f"{ORGANIZATION}/roles/views"
MACHINE, ZONE, REGION = "payments-worker-1", "europe-west1-b", "europe-west1"
LEDGER = "ledger"


def plant(scene: Scene) -> None:
    """Four doors: two grants above the account, a machine, and a key of the account within reach."""
    levels, then = scene.cloud.levels, scene.then
    levels.new_project(seed.PROJECT, NUMBER, (FOLDER, ORGANIZATION), then)
    levels.new_project(seed.PARTNER, "444455556666", (ORGANIZATION,), then)
    levels.new_project(seed.SECURITY, seed.NUMBERS[seed.SECURITY], (ORGANIZATION,), then)
    levels.roles[BROKER] = ("iam.serviceAccounts.get", GET_TOKEN)
    levels.roles[VIEWS] = ("iam.serviceAccounts.get", "iam.serviceAccounts.list")
    project = f"projects/{seed.PROJECT}"
    for resource, role, member in (
        (project, "roles/owner", seed.LEAD),
        (project, "roles/viewer", "group:auditors@example.com"),
        (project, "roles/editor", f"serviceAccount:{NUMBER}@cloudservices.gserviceaccount.com"),
        (project, VIEWS, "group:auditors@example.com"),
        (FOLDER, seed.USER, "group:platform@example.com"),
    ):
        levels.bind(resource, role, member, then)
    broker = scene.cloud.new_account("token-broker", seed.PARTNER, then)
    deployer = scene.cloud.new_account("deployer", seed.PARTNER, then)
    _granted(scene, "project-grant", project, BROKER, broker, "a partner's account that the project lets become it")
    _granted(
        scene, "org-grant", ORGANIZATION, seed.CREATOR, deployer, "an account that the organisation lets become any"
    )
    _workloads(scene)
    _reach(scene)


def _granted(scene: Scene, name: str, resource: str, role: str, holder: Account, says: str) -> None:
    member = f"serviceAccount:{holder.email}"
    scene.cloud.levels.bind(resource, role, member, scene.then, seed.CONDITION if role == BROKER else "")
    trust = Trust(role, member, seed.CONDITION if role == BROKER else "")
    access = f"{INHERITED}/{scene.account.email}/{resource}/{trust.hash}"
    scene.becoming(name, "inherited-impersonation", says, member, trust, access)


def _workloads(scene: Scene) -> None:
    """The account's own, somebody else's, and one that is stopped."""
    email, then, held = scene.account.email, scene.then, scene.cloud.workloads
    held.machines += [
        Machine(MACHINE, seed.PROJECT, ZONE, email, then, group="payments-workers"),
        Machine("payments-old", seed.PROJECT, ZONE, email, then, status="TERMINATED"),
        Machine("web-1", seed.PROJECT, ZONE, seed.COMPUTE, then),
    ]
    held.runs += [
        RunService("services", "payments-api", seed.PROJECT, REGION, email, then),
        RunService("services", "front", seed.PROJECT, REGION, "", then),
        RunService("jobs", "payments-nightly", seed.PROJECT, REGION, email, then),
        RunService("jobs", "reports", seed.PROJECT, "us-central1", "", then),
        RunService("workerpools", "payments-queue", seed.PROJECT, REGION, email, then),
    ]
    access = f"{ATTACHED}/{email}/virtual-machine/{seed.PROJECT}/{ZONE}/{MACHINE}"
    request = {"method": "GET", "url": f"{scene.url}/_metadata/{MACHINE}/token", "headers": {"User-Agent": INTRUDER}}
    scene.door("machine", "metadata-server", "a machine that the account is attached to", access, lambda: [request])


def _reach(scene: Scene) -> None:
    """The intruder became another account through this one, before anybody looked, and made a key for that one."""
    ledger = scene.cloud.new_account(LEDGER, seed.PROJECT, scene.then)
    seed.bind(scene.cloud, ledger, seed.KEY_ADMIN, scene.member, scene.then)
    seed.bind(scene.cloud, ledger, seed.CREATOR, scene.member, scene.then)
    key = scene.cloud.new_key(ledger, scene.now() - seed.A_DAY)
    says = "a key of another account, which this one may make keys for"
    to = str(canonical(ledger.email))
    scene.door("reach", "chained", says, to, lambda: [scene.asserting(ledger, key)])
    scene.minting_door("minting", "a live token of it, by which tokens of another account are made", ledger)
