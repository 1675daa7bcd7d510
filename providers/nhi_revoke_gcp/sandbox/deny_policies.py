"""Deny policies of projects as they are here. State, and whom they refuse.

Discovery document iam.v2; iam/docs/deny-overview: checked before what allows, and for all that is in the project. Every
change is an operation; a policy is shown once that is done, and obeyed after the lag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.times import stamp

PREFIX = "principal://iam.googleapis.com/projects/-/serviceAccounts/"


@dataclass
class DenyPolicy:
    id: str
    project: str
    number: str
    """Of the project: answers name it so."""
    rules: Sequence[Mapping[str, Any]]
    display_name: str
    created: datetime
    there: Lagged[bool]
    """As it is shown."""
    holds: Lagged[bool]
    """As it is obeyed."""
    version: int = 1

    @property
    def name(self) -> str:
        point = f"cloudresourcemanager.googleapis.com%2Fprojects%2F{self.number}"
        return f"policies/{point}/denypolicies/{self.id}"

    def row(self, *, whole: bool) -> dict[str, Any]:
        """Lists leave the rules out."""
        told = {
            "name": self.name, "uid": f"uid-{self.id}", "kind": "DenyPolicy", "displayName": self.display_name,
            "etag": f"MTc{self.version:04}==", "createTime": stamp(self.created), "updateTime": stamp(self.created),
        }  # fmt: skip
        return {**told, "rules": [dict(rule) for rule in self.rules]} if whole else told

    def refuses(self, member: str, permission: str) -> bool:
        """By a rule without a condition that names it. Groups of permissions are not served."""
        who = PREFIX + member.removeprefix("serviceAccount:")
        return any(
            who in rule["denyRule"]["deniedPrincipals"] and permission in rule["denyRule"]["deniedPermissions"]
            for rule in self.rules
            if not rule["denyRule"].get("denialCondition")
        )


@dataclass
class Begun:
    """An operation."""

    name: str
    done: datetime
    error: Mapping[str, Any] | None = None

    def row(self, now: datetime) -> dict[str, Any]:
        if now < self.done:
            return {"name": self.name}
        return {"name": self.name, "done": True, **({"error": self.error} if self.error else {"response": {}})}


class DenyPolicies:
    """Of every project."""

    def __init__(self) -> None:
        self.held: list[DenyPolicy] = []
        """Those that are gone, too."""
        self.operations: dict[str, Begun] = {}
        self.takes = 4.0
        """Seconds of an operation, where the lag of writes is no shorter."""
        self.fails: dict[str, Any] = {}
        """What the next create's operation tells in the end: nothing is made then."""

    def of(self, project: str, now: datetime) -> list[DenyPolicy]:
        return [each for each in self.held if project in (each.project, each.number) and each.there.obeyed(now)]

    def find(self, project: str, policy: str, now: datetime) -> DenyPolicy | None:
        return next((each for each in self.of(project, now) if each.id == policy), None)

    def is_taken(self, project: str, policy: str) -> bool:
        """Whether there is one of this id, or will be."""
        return any(
            each.id == policy and project in (each.project, each.number) for each in self.held if each.there.shown
        )

    def refuses(self, project: str, member: str, permission: str, now: datetime) -> bool:
        """Whether a policy of the project denies a permission of IAM v2 to a member."""
        return any(
            each.project == project and each.holds.obeyed(now) and each.refuses(member, permission)
            for each in self.held
        )

    def attach(
        self, project: str, number: str, policy: str, about: Mapping[str, Any], now: datetime, lag: float
    ) -> Begun:
        """`lag`: seconds until it is obeyed."""
        made = DenyPolicy(
            policy, project, number, list(about.get("rules") or ()), str(about.get("displayName") or ""), now,
            Lagged(False, now), Lagged(False, now),
        )  # fmt: skip
        error, self.fails = self.fails, {}
        if not error:
            self.held.append(made)
            self._switch(made, True, now, lag)
        return self._begun(made, now, lag, error)

    def take_off(self, policy: DenyPolicy, now: datetime, lag: float) -> Begun:
        self._switch(policy, False, now, lag)
        return self._begun(policy, now, lag, {})

    def _switch(self, policy: DenyPolicy, there: bool, now: datetime, lag: float) -> None:
        takes = min(self.takes, lag)
        policy.there.set(there, now, takes)
        policy.holds.set(there, now, max(lag, takes))

    def _begun(self, policy: DenyPolicy, now: datetime, lag: float, error: Mapping[str, Any]) -> Begun:
        name = f"{policy.name}/operations/op-{len(self.operations)}"
        takes = min(self.takes, lag)
        made = self.operations[name] = Begun(name, now + timedelta(seconds=takes), error or None)
        return made
