"""Temporary delegation to product providers (AWS docs: temporary-delegation-building-integration, IAM API)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used, page

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door

PROVIDER = ("444455557777", "Example Observability")
SENT_AGO = timedelta(minutes=20)
SESSION = 43_200
"""Seconds: the most that a delegation may last."""
LIVES = {"UNASSIGNED": timedelta(days=1)}
LIFE = timedelta(days=7)
"""In every other state (AWS docs)."""
REJECTABLE = ("ASSIGNED", "PENDING_APPROVAL", "ACCEPTED")
APPROVABLE = ("ASSIGNED", "PENDING_APPROVAL")


@dataclass
class Request:
    id: str
    account: str
    owner: str
    """ARN; empty: nobody has claimed it yet."""
    state: str
    created: datetime
    updated: datetime
    seconds: int
    approver: str = ""
    bounds: tuple[str, ...] = ()
    reason: str = ""
    token: str = field(default="", repr=False)
    """What the product provider trades for credentials; empty until it is sent."""
    revoked: bool = False
    """By the console's own action, which has no API."""

    def at(self, now: datetime) -> str:
        """The state, which expires by itself."""
        over = now >= self.updated + LIVES.get(self.state, LIFE)
        return "EXPIRED" if over else self.state

    def row(self, now: datetime) -> dict[str, Any]:
        row = {
            "DelegationRequestId": self.id,
            "OwnerAccountId": self.account,
            "Description": "Sets up dashboards and alarms",
            "State": self.at(now),
            "ExpirationTime": self.updated + LIVES.get(self.state, LIFE),
            "RequestorId": PROVIDER[0],
            "RequestorName": PROVIDER[1],
            "CreateDate": self.created,
            "UpdatedTime": self.updated,
            "SessionDuration": self.seconds,
        }
        more = {"OwnerId": self.owner, "ApproverId": self.approver, "RejectionReason": self.reason}
        row |= {k: v for k, v in more.items() if v}
        return {**row, "RolePermissionRestrictionArns": list(self.bounds)} if self.bounds else row


class Delegations(OwnService):
    """A delegated session acts with the approver's rights, and not with those of whoever claimed the request.

    Whether a deny on the approver reaches it is not documented in so many words: nothing here depends on it.
    """

    model: ClassVar[str] = "iam"
    name: ClassVar[str] = "delegated-session"

    def __init__(self, random: Random) -> None:
        self._random = random
        self.requests: dict[str, Request] = {}

    def file(
        self, account: str, owner: str, state: str, at: datetime, *, approver: str = "", seconds: int = SESSION,
        bounds: tuple[str, ...] = (),
    ) -> Request:  # fmt: skip
        """What a product provider asked for, and how far it has come. Only onboarded providers can create one."""
        made = Request(self._uuid(), account, owner, state, at, at, seconds, approver, bounds)
        if state == "FINALIZED":
            made.token = self._secret()
        self.requests[made.id] = made
        return made

    def revoke_access(self, request: str) -> None:
        """The console's "Revoke access": it ends the session at once."""
        self.requests[request].revoked = True

    def clear(self) -> None:
        self.requests.clear()

    def secrets(self) -> Sequence[str]:
        return tuple(r.token for r in self.requests.values() if r.token)

    def operations(self) -> Mapping[str, Handler]:
        return {
            "ListDelegationRequests": self._list,
            "GetDelegationRequest": self._get,
            "AcceptDelegationRequest": self._accept,
            "RejectDelegationRequest": self._reject,
            "SendDelegationToken": self._send,
        }

    def _list(self, asking: Asking) -> dict[str, Any]:
        owner = asking.params.get("OwnerId")
        found = [
            r
            for r in self.requests.values()
            if r.account == asking.account and r.owner and (owner is None or r.owner == owner)
        ]
        some, marker = page(found, asking, token="Marker", size="MaxItems", default=100, most=1000)
        rows = [r.row(asking.now) for r in some]
        return {"DelegationRequests": rows, "Marker": marker, "isTruncated": marker is not None}

    def _get(self, asking: Asking) -> dict[str, Any]:
        return {"DelegationRequest": self._one(asking).row(asking.now)}

    def _accept(self, asking: Asking) -> dict[str, Any]:
        one = self._in(asking, APPROVABLE)
        one.approver = asking.caller.arn
        return self._moved(one, "ACCEPTED", asking)

    def _reject(self, asking: Asking) -> dict[str, Any]:
        one = self._in(asking, REJECTABLE)
        one.reason = str(asking.params.get("Notes") or "")
        return self._moved(one, "REJECTED", asking)

    def _send(self, asking: Asking) -> dict[str, Any]:
        one = self._in(asking, ("ACCEPTED",))
        one.token = self._secret()
        return self._moved(one, "FINALIZED", asking)

    def _moved(self, one: Request, state: str, asking: Asking) -> dict[str, Any]:
        one.state, one.updated = state, asking.now
        return {}

    def _one(self, asking: Asking) -> Request:
        one = self.requests.get(str(asking.params.get("DelegationRequestId")))
        if one is None or one.account != asking.account:
            raise Refusal("NoSuchEntity", "The delegation request cannot be found.", 404)
        return one

    def _in(self, asking: Asking, states: tuple[str, ...]) -> Request:
        one = self._one(asking)
        if one.at(asking.now) not in states:
            raise Refusal("InvalidInput", f"The delegation request is in state {one.at(asking.now)}.")
        return one

    def use(self, used: Used) -> None:
        """The product provider acts with its delegated session: from the sending on, for as long as was asked."""
        one = next((r for r in self.requests.values() if r.token and r.token == used.form.get("token")), None)
        if one is None or one.revoked or used.now >= one.updated + timedelta(seconds=one.seconds):
            raise Refusal("ExpiredToken", "The security token included in the request is expired", 403)

    def seed(self, scene: Scene) -> Sequence[Door]:
        """One that an administrator approved and sent for the bot, and one that waits for approval."""
        world = scene.world
        owner = world.history.recorded(world.account).users[scene.user].arn
        approver = f"arn:{world.partition}:iam::{world.account}:role/PlatformAdmin"
        now = world.vendor_now()
        sent = self.file(world.account, owner, "FINALIZED", now - SENT_AGO, approver=approver)
        self.file(world.account, owner, "PENDING_APPROVAL", now - SENT_AGO)

        def walk() -> None:
            scene.burglar.knock(self.name, token=sent.token)

        return (
            StolenDoor(
                f"aws/{self.name}", self.name, "a product provider's session, approved for the user",
                f"aws:delegation/{world.account}/{sent.id}", walk,
            ),
        )  # fmt: skip

    def _uuid(self) -> str:
        return str(UUID(bytes=self._random.randbytes(16), version=4))

    def _secret(self) -> str:
        return f"DELEGATED{self._random.getrandbits(256):064x}"
