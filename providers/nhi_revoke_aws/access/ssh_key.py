"""SSH public keys of a user: the way into CodeCommit over SSH. AWS docs: API_ListSSHPublicKeys."""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.found import Family
from nhi_revoke_aws.access import status_credential as status

KIND = "aws:ssh-key"
API = status.Api(KIND, "SSH public key", "SSHPublicKeys", "SSHPublicKey", "SSHPublicKeys", "SSHPublicKeyId")
SURVIVES = "what was cloned with it; a connection that is open already may end only by itself"


class Disable(status.Disable):
    """CodeCommit takes no Inactive key."""

    api: ClassVar[status.Api] = API
    permissions: ClassVar[tuple[str, ...]] = API.sets
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "AWS docs: API_UpdateSSHPublicKey"


class Delete(status.Delete):
    """The public half alone: AWS never had the private one."""

    api: ClassVar[status.Api] = API
    permissions: ClassVar[tuple[str, ...]] = API.deletes
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "AWS docs: API_DeleteSSHPublicKey"


class SshKeys(status.StatusCredentials):
    """Up to five; nothing is minted: the private half is made where it is used."""

    api: ClassVar[status.Api] = API
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "SSH public keys"
    family: ClassVar[Family] = "key"
    reads: ClassVar[tuple[str, ...]] = (API.reads,)
    remedies = (Disable(), Delete())
    survives: ClassVar[str] = SURVIVES
    breaks: ClassVar[str] = "whatever fetches or pushes over SSH with this key"
