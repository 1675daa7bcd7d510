"""KMS grants as AWS pages and filters them, and their keys (AWS docs: API_ListGrants, API_CreateGrant)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, page

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door

KEPT = ("GranteePrincipal", "Operations", "Constraints", "RetiringPrincipal", "RetiringServicePrincipal", "Name")


@dataclass(frozen=True)
class Key:
    id: str
    partition: str
    account: str
    region: str

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:kms:{self.region}:{self.account}:key/{self.id}"


@dataclass
class Grant:
    id: str
    key: str
    """ARN."""
    made: datetime
    parts: dict[str, Any]

    def row(self) -> dict[str, Any]:
        account = self.key.split(":")[4]
        issuing = f"arn:{self.key.split(':')[1]}:iam::{account}:root"
        return {
            "KeyId": self.key,
            "GrantId": self.id,
            "CreationDate": self.made,
            "IssuingAccount": issuing,
            **self.parts,
        }


class KmsGrants(OwnService):
    """Nobody enters by a grant alone: it is used with the grantee's own credentials, so there is no door of it."""

    model: ClassVar[str] = "kms"
    name: ClassVar[str] = "kms-grant"

    def __init__(self, random: Random) -> None:
        self._random = random
        self.grants: dict[str, Grant] = {}
        self.keys: list[Key] = []

    def clear(self) -> None:
        self.grants.clear()
        self.keys.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {
            "ListKeys": self._keys,
            "ListGrants": self._list,
            "CreateGrant": self._create,
            "RevokeGrant": self._revoke,
        }

    def resource(self, asking: Asking) -> str:
        return self._arn(asking) if asking.params.get("KeyId") else "*"

    def _keys(self, asking: Asking) -> dict[str, Any]:
        rows = [{"KeyId": k.id, "KeyArn": k.arn} for k in self._mine(asking)]
        some, marker = page(rows, asking, token="Marker", size="Limit", default=100, most=1000)
        return {"Keys": some, "NextMarker": marker, "Truncated": marker is not None}

    def _list(self, asking: Asking) -> dict[str, Any]:
        key, wanted = self._arn(asking), asking.params
        found = [
            g.row()
            for g in self.grants.values()
            if g.key == key
            and g.id == wanted.get("GrantId", g.id)
            and g.parts.get("GranteePrincipal") == wanted.get("GranteePrincipal", g.parts.get("GranteePrincipal"))
        ]
        some, marker = page(found, asking, token="Marker", size="Limit", default=50, most=100)
        return {"Grants": some, "NextMarker": marker, "Truncated": marker is not None}

    def _create(self, asking: Asking) -> dict[str, Any]:
        parts = {k: asking.params[k] for k in KEPT if asking.params.get(k)}
        if parts.get("Name"):
            for grant in self.grants.values():
                if grant.key == self._arn(asking) and grant.parts == parts:
                    return {"GrantId": grant.id, "GrantToken": grant.id}
        made = self.give(self._arn(asking), asking.now, parts)
        return {"GrantId": made.id, "GrantToken": made.id}

    def _revoke(self, asking: Asking) -> dict[str, Any]:
        grant = self.grants.get(str(asking.params.get("GrantId")))
        if grant is None or grant.key != self._arn(asking):
            raise Refusal("NotFoundException", "No such grant")
        del self.grants[grant.id]
        return {}

    def _mine(self, asking: Asking) -> list[Key]:
        return [k for k in self.keys if (k.account, k.region) == (asking.account, asking.region)]

    def _arn(self, asking: Asking) -> str:
        wanted = str(asking.params["KeyId"])
        for key in self._mine(asking):
            if wanted in (key.id, key.arn):
                return key.arn
        raise Refusal("NotFoundException", f"Key '{wanted}' does not exist")

    def key(self, account: str, region: str, partition: str = "aws") -> str:
        """The ARN of a new key, under an id that a test can repeat. moto would make real key material: 80 ms each."""
        made = Key(str(UUID(bytes=self._random.randbytes(16), version=4)), partition, account, region)
        self.keys.append(made)
        return made.arn

    def give(self, key: str, at: datetime, parts: dict[str, Any]) -> Grant:
        made = Grant(f"{self._random.getrandbits(256):064x}", key, at, parts)
        self.grants[made.id] = made
        return made

    def seed(self, scene: Scene) -> Sequence[Door]:
        """The worker role decrypts the ledger with a grant."""
        world = scene.world
        worker = world.history.recorded(world.account).roles[scene.worker].arn
        parts = {"GranteePrincipal": worker, "Operations": ["Decrypt", "GenerateDataKey"], "Name": "payments-ledger"}
        self.give(self.key(world.account, world.region, world.partition), world.vendor_now(), parts)
        return ()
