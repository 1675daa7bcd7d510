"""An outside issuer whose word the demo's role takes: GitHub Actions, for one repository.

moto keeps the provider. Nobody holds such a token here: it lives for minutes, and the trust is headlined anyhow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from nhi_revoke.provider.sandbox.contract import Door
from nhi_revoke_aws.sandbox.own.service import OwnService, Scene
from nhi_revoke_aws.sandbox.own.trusting import add_trust

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
REPOSITORY = "repo:example-payments/shop:ref:refs/heads/main"


class OutsideIssuer(OwnService):
    model: ClassVar[str] = "iam"
    name: ClassVar[str] = "issuer"

    def seed(self, scene: Scene) -> Sequence[Door]:
        world = scene.world
        provider = world.moto.iam(world.account).create_open_id_connect_provider(
            f"https://{ISSUER}", ["6938fd4d98bab03faadb97b34396831e3780aea1"], [AUDIENCE], []
        )
        only = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": REPOSITORY}
        add_trust(scene, {"Federated": provider.arn}, ["sts:AssumeRoleWithWebIdentity"], StringEquals=only)
        return ()
