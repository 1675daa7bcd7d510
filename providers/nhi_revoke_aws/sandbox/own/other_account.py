"""A role of another account that the demo's user may assume: who is inside there is out of this operator's sight."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from nhi_revoke.provider.sandbox.contract import Door
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.service import OwnService, Scene
from nhi_revoke_aws.sandbox.seed import INSIDE, allow, held, minted, role, trust_of

ROLE = "shop-reporting"
POLICY = "payments-reach"
"""What the user may become stands in it already."""
HOURS_12 = "43200"


class OtherAccount(OwnService):
    """No operations of its own: moto keeps the role. Its session was begun with the leaked key, before the response."""

    model: ClassVar[str] = "iam"
    name: ClassVar[str] = "other-account"

    def seed(self, scene: Scene) -> Sequence[Door]:
        world = scene.world
        trust = trust_of({"AWS": f"arn:{world.partition}:iam::{world.account}:root"})
        there = role(world.moto.iam(world.other), ROLE, "/", trust, allow("s3:*"), max_session=HOURS_12)
        iam = world.moto.iam(world.account)
        iam.put_user_policy(scene.user, POLICY, _with(iam.users[scene.user].policies[POLICY], str(there.arn)))
        world.settle()
        with world.earlier(INSIDE):
            user = world.user_caller(world.account, scene.user, scene.loot.key.key_id)
            asked = {"RoleArn": str(there.arn), "RoleSessionName": "reports", "DurationSeconds": HOURS_12}
            session = held(minted(world, user, "AssumeRole", **asked))
        world.gate.parties.stolen.add(session.key_id)
        says = f"a session of a role of account {world.other}"
        return (
            StolenDoor(
                "aws/cross-account", "cross-account", says, f"aws:{there.arn}", lambda: scene.burglar.use(session)
            ),
        )  # fmt: skip


def _with(policy: str, arn: str) -> str:
    """The same policy, which allows this role by its name, too."""
    document = json.loads(policy)
    document["Statement"].append({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    return json.dumps(document)
