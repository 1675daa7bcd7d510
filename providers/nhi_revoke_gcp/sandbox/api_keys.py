"""API keys of all projects, bound and standard, and the operations that change them. State alone.

facts gcp.md 1 (row 7) and 2; Google Cloud docs: docs/authentication/api-keys. A change is begun at once and shown when
its operation is done; it is obeyed after the lag. Whether a disabled account stops a key that is bound to it is
documented nowhere: here it does not.
"""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.times import stamp

LETTERS = string.ascii_letters + string.digits + "-_"
KEPT = timedelta(days=30)
LONGEST = 2.0
"""Seconds that an operation takes, where the lag of writes is no shorter."""


@dataclass
class ApiKey:
    """Judged by itself alone."""

    uid: str
    string: str
    project: str
    number: str
    email: str
    created: datetime
    works: Lagged[bool]
    shown: datetime
    """From when a listing has it."""
    restrictions: dict[str, Any] = field(default_factory=dict)
    display_name: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    deletions: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    """From when a listing shows it as deleted, or no longer."""
    version: int = 1
    """Its etag."""

    @property
    def name(self) -> str:
        return f"projects/{self.number}/locations/global/keys/{self.uid}"

    def deleted(self, now: datetime) -> datetime | None:
        """When it was, as a listing shows it."""
        return next((what for at, what in reversed(self.deletions) if at <= now), None)

    def is_listed(self, now: datetime) -> bool:
        """Until it is purged."""
        gone = self.deleted(now)
        return self.shown <= now and not (gone is not None and gone + KEPT <= now)

    def row(self, now: datetime) -> dict[str, Any]:
        """Without its string. What is empty is left out."""
        gone = self.deleted(now)
        told = {
            "name": self.name, "uid": self.uid, "displayName": self.display_name, "createTime": stamp(self.created),
            "updateTime": stamp(self.created), "restrictions": self.restrictions, "annotations": self.annotations,
            "serviceAccountEmail": self.email, "etag": f'W/"{self.version}"',
            "deleteTime": stamp(gone) if gone is not None else "",
        }  # fmt: skip
        return {word: value for word, value in told.items() if value}


@dataclass
class Operation:
    name: str
    done: datetime
    tells: Callable[[datetime], dict[str, Any]]
    """`response` or `error`, once it is done."""

    def row(self, now: datetime) -> dict[str, Any]:
        return {"name": self.name, "done": True, **self.tells(now)} if self.done <= now else {"name": self.name}


class ApiKeys:
    """Of every project."""

    def __init__(self, entropy: random.Random) -> None:
        self._entropy = entropy
        self.keys: dict[str, ApiKey] = {}
        """By uid."""
        self.operations: dict[str, Operation] = {}
        self.projects: dict[str, str] = {}
        """Numbers of those that the operator sees, by id."""
        self.off: set[str] = set()
        """Projects in which the API is not enabled."""
        self.closed: set[str] = set()
        """Projects whose keys the operator may not list."""
        self.hidden: dict[str, str] = {}
        """Numbers of projects that no search shows, by id."""
        self.shows_string = True
        """Whether a create's operation tells the key string; keys.getKeyString always does."""
        self.fails: dict[str, Any] = {}
        """What the next create's operation tells instead of a response."""

    def number(self, project: str) -> str:
        """Of an id or of a number itself; empty for a project that there is not."""
        every = {**self.projects, **self.hidden}
        return every.get(project, project if project in every.values() else "")

    def of_project(self, project: str, now: datetime) -> list[ApiKey]:
        return [key for key in self.keys.values() if key.number == self.number(project) and key.is_listed(now)]

    def by_string(self, value: str) -> ApiKey | None:
        return next((key for key in self.keys.values() if key.string == value), None)

    def make(self, project: str, email: str, at: datetime, lag: float = 0.0, takes: float = 0.0, **more: Any) -> ApiKey:
        """`lag`: seconds until it works. `takes`: until a listing has it."""
        works = Lagged(False, at)
        works.set(True, at, max(lag, takes))
        value = "AIza" + "".join(self._entropy.choice(LETTERS) for _ in range(35))
        uid = str(uuid.UUID(int=self._entropy.getrandbits(128), version=4))
        made = ApiKey(
            uid, value, project, self.number(project), email, at, works, at + timedelta(seconds=takes), **more
        )
        self.keys[uid] = made
        return made

    def delete(self, key: ApiKey, at: datetime, lag: float, takes: float) -> None:
        shown = at + timedelta(seconds=takes)
        key.works.set(False, at, max(lag, takes))
        key.deletions.append((shown, shown))
        key.version += 1

    def undelete(self, key: ApiKey, at: datetime, lag: float, takes: float) -> None:
        key.works.set(True, at, max(lag, takes))
        key.deletions.append((at + timedelta(seconds=takes), None))
        key.version += 1

    def begin(self, at: datetime, takes: float, tells: Callable[[datetime], dict[str, Any]]) -> Operation:
        name = f"operations/akmf.p7-{len(self.operations)}-{self._entropy.getrandbits(64):016x}"
        made = self.operations[name] = Operation(name, at + timedelta(seconds=takes), tells)
        return made
