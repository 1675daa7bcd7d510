"""The one instance of IAM Identity Center: what its two services read and write, each thing with its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from nhi_revoke_aws.sandbox.answer import Refusal

MANAGEMENT = "111122223333"
"""Account of the instance."""
REGION = "us-east-1"
IN_PROGRESS, SUCCEEDED, FAILED = "IN_PROGRESS", "SUCCEEDED", "FAILED"
LETTERS = "0123456789abcdef"


@dataclass(frozen=True)
class Assignment:
    """One permission set in one account for one user or group."""

    account: str
    permission_set: str
    kind: str
    principal: str
    since: datetime
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)

    def same(self, asked: Mapping[str, Any]) -> bool:
        wanted = asked["TargetId"], asked["PermissionSetArn"], asked["PrincipalType"], asked["PrincipalId"]
        return (self.account, self.permission_set, self.kind, self.principal) == wanted


@dataclass
class PermissionSet:
    arn: str
    name: str
    made: datetime
    inline: str = ""


@dataclass(frozen=True)
class Work:
    """Something that AWS does in its own time."""

    id: str
    asked: datetime
    ready: datetime
    failed: bool
    parts: tuple[tuple[str, str], ...]

    def status(self, now: datetime) -> str:
        if now < self.ready:
            return IN_PROGRESS
        return FAILED if self.failed else SUCCEEDED

    def told(self, now: datetime) -> dict[str, Any]:
        told = {"Status": self.status(now), "RequestId": self.id, "CreatedDate": self.asked, **dict(self.parts)}
        return {**told, "FailureReason": "Received a 404 status error"} if told["Status"] == FAILED else told


@dataclass(frozen=True)
class Provisioned:
    """What a role in an account has from a moment on."""

    permission_set: str
    account: str
    inline: str
    since: datetime


@dataclass
class Stolen:
    """A session of a user: at the portal, or of a role in one account."""

    user: str
    expires: datetime
    account: str = ""
    permission_set: str = ""


@dataclass
class Center:
    """The one instance: both of its services read and write this."""

    random: Random
    instance: str = ""
    store: str = ""
    region: str = REGION
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    members: list[tuple[str, str]] = field(default_factory=list)
    """(group, user)."""
    sets: dict[str, PermissionSet] = field(default_factory=dict)
    assignments: list[Assignment] = field(default_factory=list)
    provisioned: list[Provisioned] = field(default_factory=list)
    works: dict[str, Work] = field(default_factory=dict)
    stolen: dict[str, Stolen] = field(default_factory=dict)

    def hex(self, size: int) -> str:
        return "".join(self.random.choices(LETTERS, k=size))

    def uuid(self) -> str:
        return str(UUID(bytes=self.random.randbytes(16), version=4))

    def open(self) -> None:
        """Identity Center is enabled."""
        if not self.instance:
            self.instance, self.store = f"arn:aws:sso:::instance/ssoins-{self.hex(16)}", f"d-{self.hex(10)}"

    def clear(self) -> None:
        self.instance = self.store = ""
        self.region = REGION
        for held in (self.users, self.groups, self.members, self.sets, self.assignments, self.provisioned):
            held.clear()
        self.works.clear()
        self.stolen.clear()

    def add_user(self, name: str, **more: Any) -> str:
        self.open()
        user = f"{self.hex(10)}-{self.uuid()}"
        self.users[user] = {"UserId": user, "UserName": name, "UserStatus": "ENABLED", **more}
        return user

    def add_group(self, name: str, *users: str) -> str:
        self.open()
        group = f"{self.hex(10)}-{self.uuid()}"
        self.groups[group] = name
        self.members += [(group, user) for user in users]
        return group

    def add_set(self, name: str, at: datetime, inline: str = "") -> str:
        self.open()
        arn = f"{self.instance.replace('instance', 'permissionSet', 1)}/ps-{self.hex(16)}"
        self.sets[arn] = PermissionSet(arn, name, at, inline)
        return arn

    def assign(self, account: str, permission_set: str, kind: str, principal: str, at: datetime) -> None:
        """At once, for setting up: it is provisioned as it is now."""
        self.assignments.append(Assignment(account, permission_set, kind, principal, at))
        self.provision(permission_set, account, at)

    def provision(self, permission_set: str, account: str, at: datetime) -> None:
        self.provisioned.append(Provisioned(permission_set, account, self.sets[permission_set].inline, at))

    def present(self, permission_set: str, account: str, now: datetime) -> str | None:
        return inline_at(self.provisioned, permission_set, account, now)

    def accounts_of(self, permission_set: str, now: datetime) -> list[str]:
        return sorted({a.account for a in self.assignments if a.permission_set == permission_set and a.holds(now)})

    def steal(self, user: str, expires: datetime, account: str = "", permission_set: str = "") -> str:
        token = f"aoa-{self.hex(40)}"
        self.stolen[token] = Stolen(user, expires, account, permission_set)
        return token


def inline_at(provisioned: Sequence[Provisioned], permission_set: str, account: str, now: datetime) -> str | None:
    """What the role has at a moment; None where there is no such role."""
    mine = [p for p in provisioned if (p.permission_set, p.account) == (permission_set, account) and p.since <= now]
    return max(mine, key=lambda p: p.since).inline if mine else None


def unknown(arn: str) -> Refusal:
    return Refusal("ResourceNotFoundException", f"{arn} not found")
