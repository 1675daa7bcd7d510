"""SSH keys and signing certificates at their data planes, an MFA device, and a group: moto keeps them, nobody obeys it.

moto knows public halves alone; whoever made one here holds a word that stands for the private half.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.provider.sandbox.contract import Door
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.bearer import GIT, SIGNED, admit, enrol, unknown
from nhi_revoke_aws.sandbox.own.service import OwnService, Scene, Used
from nhi_revoke_aws.sandbox.session import KEY_LETTERS

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPaymentsBotPublicHalfAlone0000000000000000000 payments-bot"
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBGzCBwaADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDHBheW1lbnRz
LWJvdDAeFw0yNTAxMDEwMDAwMDBaFw00OTEyMzEwMDAwMDBaMBcxFTATBgNVBAMM
DHBheW1lbnRzLWJvdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAz4U42L9goX
HESWb+ECNU5rQG0iMQp4KdlpDic0hqGYEMDYjGr57wkyXc8sEah+DLW0G2ikSgr+
pJ3rqTf+pqgwCgYIKoZIzj0EAwIDSQAwRgIhANgU9hsjwczJ6VAT5pp+YQah0DV2
hVDM6Z1vCQXm9OYgAiEAp+r92HyY9pOGs+aPDAzt18wTjh7yNtWHwKZ5ycR2tZ0=
-----END CERTIFICATE-----
"""
"""Public, and of a key that nobody kept."""
AGO = timedelta(days=300)


class Public(Struct, frozen=True):
    """A public half that the account holds."""

    id: str
    user: str
    unique_id: str
    active: bool


class UserKeys(OwnService):
    """What both data planes share: the id and the private half are given, the status and the user's rights decide."""

    model: ClassVar[str] = "iam"
    action: ClassVar[str]
    """That the data plane asks for."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.private: dict[str, str] = {}
        """By id of the public half."""

    def clear(self) -> None:
        self.private.clear()

    def secrets(self) -> Sequence[str]:
        return tuple(self.private.values())

    def hold(self, public_id: str) -> str:
        """The private half of one that was uploaded: made up when it is first asked for."""
        return self.private.setdefault(public_id, b64encode(self._random.randbytes(30)).decode())

    def publics(self, user: Any) -> list[tuple[str, str]]:
        """Id and status of each that moto has on this user."""
        raise NotImplementedError

    def snapshot(self, account: str, iam: Any) -> tuple[Public, ...]:
        return tuple(
            Public(its_id, user.name, user.id, status == "Active")
            for user in iam.users.values()
            for its_id, status in self.publics(user)
        )

    def use(self, used: Used) -> None:
        """`id` and `private`."""
        its_id = used.form.get("id", "")
        known = self.private.get(its_id)
        for account in used.accounts:
            held: tuple[Public, ...] = used.obeyed(account).own.get(self.name) or ()
            for one in held:
                if one.id == its_id and one.active and known is not None and known == used.form.get("private"):
                    admit(used, account, one.user, one.unique_id, one.id, (self.action,))
                    return
        raise unknown("the key")

    def door(self, scene: Scene, kind: str, says: str, public_id: str) -> Door:
        """The intruder has the private half."""
        private = self.hold(public_id)

        def walk() -> None:
            scene.burglar.knock(self.name, id=public_id, private=private)

        return StolenDoor(f"aws/{kind}", kind, says, f"aws:{kind}/{public_id}", walk)


class SshKeys(UserKeys):
    """Git over SSH: the key's id is the SSH user name (AWS docs: CodeCommit, setting-up-ssh-unixes)."""

    name: ClassVar[str] = "ssh-key"
    action: ClassVar[str] = GIT

    def publics(self, user: Any) -> list[tuple[str, str]]:
        return [(key.ssh_public_key_id, key.status) for key in user.ssh_public_keys]

    def seed(self, scene: Scene) -> Sequence[Door]:
        enrol(scene)
        iam = scene.world.moto.iam(scene.world.account)
        with scene.world.earlier(AGO):
            key = iam.upload_ssh_public_key(scene.user, SSH_KEY)
        key.ssh_public_key_id = "APKA" + "".join(self._random.choices(KEY_LETTERS, k=16))
        return (self.door(scene, "ssh-key", "a private key for Git over SSH", key.ssh_public_key_id),)


class SigningCertificates(UserKeys):
    """Requests signed with an X.509 certificate; and, of what lets nobody in alone, an MFA device of the user."""

    name: ClassVar[str] = "signing-certificate"
    action: ClassVar[str] = SIGNED

    def publics(self, user: Any) -> list[tuple[str, str]]:
        return [(its_id, certificate.status) for its_id, certificate in user.signing_certificates.items()]

    def seed(self, scene: Scene) -> Sequence[Door]:
        enrol(scene)
        world = scene.world
        iam = world.moto.iam(world.account)
        with world.earlier(AGO):
            certificate = iam.upload_signing_certificate(scene.user, CERTIFICATE)
            serial = f"arn:{world.partition}:iam::{world.account}:mfa/{scene.user}"
            iam.enable_mfa_device(scene.user, serial, "123456", "654321")
        return (self.door(scene, "signing-certificate", "a certificate's private key", certificate.id),)
