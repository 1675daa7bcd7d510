"""Session Manager: shells that are open on nodes (AWS docs: API_DescribeSessions, API_TerminateSession)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used, page

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door

NODE = "i-0d1e5a7b9c3f24680"
OPENED = timedelta(minutes=12)
LIVING = ("Connected", "Connecting", "Disconnected")
FILTERS = {"Owner": "owner", "Status": "status", "SessionId": "id", "Target": "target"}


@dataclass
class Shell:
    """One session."""

    id: str
    account: str
    region: str
    owner: str
    """ARN of whoever began it: a user's, or an assumed role's with its session."""
    target: str
    started: datetime
    status: str = "Connected"
    ended: datetime | None = None

    def row(self) -> dict[str, Any]:
        found = {"SessionId": self.id, "Target": self.target, "Status": self.status, "StartDate": self.started}
        more = {"Owner": self.owner, "DocumentName": "SSM-SessionManagerRunShell", "AccessType": "Standard"}
        return {**found, **more, **({"EndDate": self.ended} if self.ended else {})}


class SsmSessions(OwnService):
    """An open shell is no request that anybody judges: keys and policies do not matter to it any more."""

    model: ClassVar[str] = "ssm"
    name: ClassVar[str] = "ssm-session"

    def __init__(self, random: Random) -> None:
        self._random = random
        self.shells: dict[str, Shell] = {}

    def open(self, account: str, region: str, owner: str, target: str, at: datetime) -> Shell:
        """What StartSession leaves: it needs a node with an agent, which this sandbox does not have."""
        name = owner.rpartition("/")[2]
        shell = Shell(f"{name}-{self._random.getrandbits(68):017x}", account, region, owner, target, at)
        self.shells[shell.id] = shell
        return shell

    def clear(self) -> None:
        self.shells.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {"DescribeSessions": self._describe, "TerminateSession": self._terminate}

    def _describe(self, asking: Asking) -> dict[str, Any]:
        active = asking.params.get("State") == "Active"
        found = [
            s
            for s in self.shells.values()
            if (s.account, s.region) == (asking.account, asking.region) and (s.status in LIVING) == active
        ]
        for wanted in asking.params.get("Filters") or ():
            if wanted["key"] not in FILTERS:
                raise Refusal("InvalidFilterKey", f"{wanted['key']} is not known here")
            found = [s for s in found if getattr(s, FILTERS[wanted["key"]]) == wanted["value"]]
        some, token = page(found, asking, token="NextToken", size="MaxResults", default=200, most=200)
        return {"Sessions": [s.row() for s in some], "NextToken": token}

    def _terminate(self, asking: Asking) -> dict[str, Any]:
        """Well answered whether or not there is such a session (observed; cloud-custodian, PR 8823)."""
        session = str(asking.params.get("SessionId") or "")
        shell = self.shells.get(session)
        if shell and (shell.account, shell.region) == (asking.account, asking.region) and shell.status in LIVING:
            shell.status, shell.ended = "Terminated", asking.now
        return {"SessionId": session}

    def use(self, used: Used) -> None:
        """A line typed into the shell. It is closed at once when it is terminated: nothing of it lags."""
        shell = self.shells.get(used.form.get("session", ""))
        if shell is None or shell.status not in LIVING:
            raise Refusal("AccessDenied", "the connection is closed", 403)

    def seed(self, scene: Scene) -> Sequence[Door]:
        world = scene.world
        owner = f"arn:{world.partition}:sts::{world.account}:assumed-role/{scene.worker}/nightly"
        shell = self.open(world.account, world.region, owner, NODE, world.vendor_now() - OPENED)

        def walk() -> None:
            scene.burglar.knock(self.name, session=shell.id)

        return (
            StolenDoor(
                f"aws/{self.name}", self.name, "a shell on a node that a session of the worker role opened",
                f"aws:ssm-session/{shell.id}", walk,
            ),
        )  # fmt: skip
