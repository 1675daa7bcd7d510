"""What the intruder did with the account's token: another key of it, an account of its own with a key and a role; and a
third account, which it became, and whose token it holds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.audit import bound, changed_account, created, gave_token, signed_by
from nhi_revoke_gcp.sandbox.audit_configs import turn_on
from nhi_revoke_gcp.sandbox.scene_above import LEDGER

if TYPE_CHECKING:
    from nhi_revoke_gcp.sandbox.scene import Scene
    from nhi_revoke_gcp.sandbox.state import Account

NAME, LATER = "telemetry-relay", "telemetry-relay-2"
EDITOR = "roles/editor"
AN_HOUR, A_MINUTE = timedelta(hours=1), timedelta(minutes=1)


def plant(scene: Scene) -> None:
    """Two doors. Meddling: `plant-account`. Data Access logs of the account's project are on."""
    turn_on(scene.cloud, f"projects/{seed.PROJECT}", scene.then)
    own_key(scene)
    plant_account(scene, NAME, scene.now() - AN_HOUR)
    become_ledger(scene, scene.now() - 10 * A_MINUTE)
    scene.meddlings["plant-account"] = lambda: plant_account(scene, LATER, scene.now())


def own_key(scene: Scene) -> None:
    """The account's second key was made with its first one."""
    second = next(key for key in scene.account.listed() if key.created > scene.then)
    who = signed_by(scene.cloud, scene.cloud.new_token(scene.member, second.created, key=scene.first.id))
    answer = {"name": f"{scene.account.resource}/keys/{second.id}"}
    changed_account(scene.cloud, second.created, "CreateServiceAccountKey", scene.account, who, response=answer)


def plant_account(scene: Scene, name: str, at: datetime) -> Account:
    """Three entries of the Admin Activity log name the identity's account, and the key that its token was had with."""
    cloud = scene.cloud
    who = signed_by(cloud, cloud.new_token(scene.member, at, key=scene.first.id))
    made = cloud.new_account(name, seed.PROJECT, at)
    created(cloud, at, made, who)
    key = cloud.new_key(made, at + A_MINUTE)
    answer = {"name": f"{made.resource}/keys/{key.id}"}
    changed_account(cloud, at + A_MINUTE, "CreateServiceAccountKey", made, who, response=answer)
    bound(cloud, at + 2 * A_MINUTE, seed.PROJECT, who, EDITOR, f"serviceAccount:{made.email}")
    scene.door(
        f"planted-{name}", "planted", f"{name}, which the intruder made with the account's token",
        f"gcp:sa/{made.email}", lambda: [scene.asserting(made, key)],
    )  # fmt: skip
    return made


def become_ledger(scene: Scene, at: datetime) -> None:
    """A Data Access entry says that the account got a token of another one: facts gcp.md 7, 19."""
    cloud = scene.cloud
    ledger = cloud.accounts[f"{LEDGER}@{seed.PROJECT}.iam.gserviceaccount.com"]
    seed.bind(cloud, ledger, seed.CREATOR, scene.member, scene.then)
    mine = cloud.new_token(scene.member, at, key=scene.first.id)
    token = cloud.new_token(f"serviceAccount:{ledger.email}", at, chain=(scene.member,))
    gave_token(cloud, at, ledger, mine)
    scene.token_door(
        "chained-token", "chained", f"a live token of {LEDGER}, had by becoming it with the account's token", token,
        f"gcp:sa/{ledger.email}",
    )  # fmt: skip
