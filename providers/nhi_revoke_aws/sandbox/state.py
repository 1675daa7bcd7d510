"""What the data plane knows: snapshots of users, roles, keys and policies, obeyed only after the vendor's lag."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nhi_revoke_aws.sandbox.policy import Policy, Statement

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Key:
    id: str
    user: str
    active: bool
    secret: str = field(repr=False)


@dataclass(frozen=True)
class User:
    name: str
    arn: str
    id: str
    policies: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Role:
    name: str
    arn: str
    id: str
    path: str
    trust: tuple[Statement, ...]
    max_session: int
    policies: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None


@dataclass(frozen=True)
class Account:
    """One account at one moment."""

    id: str
    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    """State of the services that moto does not have, by name; each one tells what it holds."""


class History:
    """Every state an account was in, so that a write can be seen at once and obeyed later (measured: 3 to 4 s)."""

    def __init__(self) -> None:
        self.lag = 0.0
        """Seconds from a write until authentication and policies obey it."""
        self._past: dict[str, list[tuple[datetime, Account]]] = {}
        self._lock = threading.Lock()

    def record(self, at: datetime, account: Account) -> None:
        with self._lock:
            self._past.setdefault(account.id, []).append((at, account))

    def settle(self) -> None:
        """Everything that was written is obeyed from now on."""
        with self._lock:
            for account, past in self._past.items():
                self._past[account] = [(LONG_AGO, past[-1][1])]

    def obeyed(self, account: str, now: datetime) -> Account:
        """The newest state that is at least `lag` seconds old."""
        with self._lock:
            past = self._past.get(account, [])
            edge = now - timedelta(seconds=self.lag)
            old = [state for at, state in past if at <= edge]
            return old[-1] if old else Account(account)

    def recorded(self, account: str) -> Account:
        """The newest state, as the read APIs show it."""
        with self._lock:
            past = self._past.get(account, [])
            return past[-1][1] if past else Account(account)

    def ever(self, account: str) -> tuple[Account, ...]:
        """Every state it was in since it was last settled."""
        with self._lock:
            return tuple(state for _, state in self._past.get(account, []))

    def accounts(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._past)

    def clear(self) -> None:
        with self._lock:
            self._past.clear()
