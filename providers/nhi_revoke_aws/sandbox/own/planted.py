"""What the demo's intruder left beside the identity: a user of their own with an access key. It only seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke_aws.sandbox.asked import Asked, Signed
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.own.service import OwnService, Scene

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door

FRIEND = "support-sync"
AGO = timedelta(minutes=31)
"""Minutes after the break-in, and long enough before the responder comes that the logs show it."""
DEVICE = "phone"


class Planted(OwnService):
    """The bot itself has no rights in IAM: somebody bought them an administrator for a moment."""

    model: ClassVar[str] = "iam"
    name: ClassVar[str] = "planted"

    def seed(self, scene: Scene) -> Sequence[Door]:
        from nhi_revoke_aws.sandbox.doors import StolenDoor
        from nhi_revoke_aws.sandbox.seed import allow

        world = scene.world
        with world.earlier(AGO), world.moto.lock:
            iam = world.moto.iam(world.account)
            user = iam.create_user(world.region, FRIEND, "/")
            iam.put_user_policy(FRIEND, "sync", allow("s3:*"))
            key = iam.create_access_key(FRIEND)
            made: dict[str, Any] = {"userName": FRIEND, "userId": user.id, "arn": user.arn, "path": "/"}
            told = {"accessKeyId": key.access_key_id, "status": "Active", "userName": FRIEND}
            _wrote(scene, "CreateUser", {"user": made}, UserName=FRIEND)
            _wrote(scene, "PutUserPolicy", None, UserName=FRIEND, PolicyName="sync")
            _wrote(scene, "CreateAccessKey", {"accessKey": told}, UserName=FRIEND)
        held = Held(key.access_key_id, world.remember(key.secret_access_key))
        world.gate.parties.stolen.add(held.key_id)
        says = "the access key of a user that the intruder made"
        return [
            StolenDoor(
                "aws/planted-user-key", "planted-user-key", says, f"aws:{user.arn}", partial(scene.burglar.use, held)
            )
        ]

    def meddlings(self, scene: Scene) -> Mapping[str, Callable[[], None]]:
        return {"plant-mfa": lambda: _plant_device(scene), "delete-planted-user": lambda: _delete_user(scene)}


def _plant_device(scene: Scene) -> None:
    """A second factor of the intruder's own on the user."""
    world = scene.world
    with world.moto.lock:
        iam = world.moto.iam(world.account)
        serial = iam.create_virtual_mfa_device(DEVICE, "/").serial_number
        iam.enable_mfa_device(scene.user, serial, "123456", "654321")
    _wrote(scene, "CreateVirtualMFADevice", {"virtualMFADevice": {"serialNumber": serial}}, VirtualMFADeviceName=DEVICE)
    _wrote(scene, "EnableMFADevice", None, UserName=scene.user, SerialNumber=serial)


def _delete_user(scene: Scene) -> None:
    """Covers the tracks: the records stay."""
    world = scene.world
    with world.moto.lock:
        iam = world.moto.iam(world.account)
        for key in iam.list_access_keys(FRIEND):
            iam.delete_access_key(key.access_key_id, FRIEND)
        iam.delete_user_policy(FRIEND, "sync")
        iam.delete_user(FRIEND)
    _wrote(scene, "DeleteUser", None, UserName=FRIEND)


def _wrote(scene: Scene, operation: str, answer: dict[str, Any] | None, **params: str) -> None:
    """Obeyed after the lag, and in the logs under the leaked key."""
    world = scene.world
    world.changed(world.account)
    caller = world.user_caller(world.account, scene.user, scene.loot.key.key_id)
    signed = Signed(caller.key_id, world.region, "iam", (), "")
    asked = Asked("iam", operation, world.region, "query", dict(params), signed=signed)
    world.trail.write(caller, asked, world.now(), world.vendor_now(), answer=answer)
