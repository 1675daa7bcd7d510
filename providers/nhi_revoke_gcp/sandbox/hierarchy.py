"""What stands above projects here, with each level's policy, and roles that an organisation made. State alone.

A policy of a level holds for every account of every project below it (facts gcp.md 1, row 8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged

GET_TOKEN = "iam.serviceAccounts.getAccessToken"


@dataclass
class Levels:
    """By project id: its number, and what is above it from the bottom; by resource: its policy."""

    numbers: dict[str, str] = field(default_factory=dict)
    above: dict[str, tuple[str, ...]] = field(default_factory=dict)
    policies: dict[str, Lagged[Any]] = field(default_factory=dict)
    """Of `projects/ID`, `folders/N`, `organizations/N`: google.iam.v1.policy_pb2.Policy."""
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Permissions, by the role's full name."""

    def new_project(self, project: str, number: str, above: tuple[str, ...], at: datetime) -> None:
        """With empty policies of all levels that have none yet."""
        from google.iam.v1 import policy_pb2

        self.numbers[project], self.above[project] = number, above
        for resource in (f"projects/{project}", *above):
            self.policies.setdefault(resource, Lagged(policy_pb2.Policy(version=1, etag=b"1"), at))

    def bind(self, resource: str, role: str, member: str, at: datetime, expression: str = "") -> None:
        """One more member, at once."""
        policy = self.policies[resource].shown
        new = type(policy)()
        new.CopyFrom(policy)
        new.version = 3
        binding = new.bindings.add(role=role, members=[member])
        if expression:
            binding.condition.expression, binding.condition.title = expression, "until the audit"
        self.write(resource, new, at, 0.0)

    def write(self, resource: str, policy: Any, at: datetime, lag: float) -> Any:
        """The new one, with its new etag."""
        held = self.policies[resource]
        new = type(policy)()
        new.CopyFrom(policy)
        new.etag = str(int(held.shown.etag or b"0") + 1).encode()
        held.set(new, at, lag)
        return new

    def over(self, project: str) -> Iterator[str]:
        """The project and what is above it."""
        yield f"projects/{project}"
        yield from self.above.get(project, ())

    def gives(self, role: str, roles: frozenset[str]) -> bool:
        """Whether it is one of these, or one of their own that gets tokens."""
        return role in roles or GET_TOKEN in self.roles.get(role, ())

    def allows(self, project: str, member: str, roles: frozenset[str], now: datetime) -> bool:
        """Whether a level gives one of these roles, or one of its own that gets tokens. A condition counts as met."""
        return any(
            member in binding.members and self.gives(binding.role, roles)
            for resource in self.over(project)
            if resource in self.policies
            for binding in self.policies[resource].obeyed(now).bindings
        )
