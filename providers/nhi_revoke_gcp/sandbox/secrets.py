"""What Secret Manager holds here: secrets, and versions by number. What a list and `latest` show follows later.

facts gcp.md 4; Google Cloud docs: secret-manager/reference/consistency, secret-manager/etags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged

ENABLED, DISABLED, DESTROYED = "ENABLED", "DISABLED", "DESTROYED"


@dataclass
class HeldVersion:
    number: int
    data: bytes
    at: datetime
    listed: Lagged[bool]
    """Whether a list, and `latest`, have it: read by its number it is there at once."""
    state: str = ENABLED
    etag: int = 1
    summed: bool = False
    """A checksum was given with it."""
    destroyed: datetime | None = None

    def touch(self, state: str) -> None:
        """Every change of it makes a new etag, even one that changes nothing."""
        self.state, self.etag = state, self.etag + 1


@dataclass
class HeldSecret:
    project: str
    name: str
    at: datetime
    versions: list[HeldVersion] = field(default_factory=list)
    """By number, from 1 on."""
    aliases: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)

    def add(self, data: bytes, at: datetime, lag: float = 0.0) -> HeldVersion:
        """A new version. `lag`: seconds until it is listed."""
        listed = Lagged(False, at)
        listed.set(True, at, lag)
        made = HeldVersion(len(self.versions) + 1, data, at, listed)
        self.versions.append(made)
        return made

    def latest(self, now: datetime) -> HeldVersion | None:
        """The newest that is known everywhere, whatever its state."""
        return next((each for each in reversed(self.versions) if each.listed.obeyed(now)), None)

    def named(self, text: str, now: datetime) -> HeldVersion | None:
        """By its number, by `latest`, or by an alias."""
        if text == "latest":
            return self.latest(now)
        number = int(text) if text.isdigit() else self.aliases.get(text, 0)
        return self.versions[number - 1] if 0 < number <= len(self.versions) else None


@dataclass
class SecretManagerState:
    secrets: dict[tuple[str, str], HeldSecret] = field(default_factory=dict)
    """By project and name."""
    granted: frozenset[str] | None = None
    """What the operator may do with secrets; None: everything."""
    damage: int = 0
    """So many of the next texts that are read are damaged on their way."""

    def new_secret(self, project: str, name: str, at: datetime) -> HeldSecret:
        made = self.secrets[(project, name)] = HeldSecret(project, name, at)
        return made


def held(secret: HeldSecret) -> list[dict[str, Any]]:
    """Every version with all that it holds: what a test compares."""
    return [{k: v for k, v in vars(version).items() if k not in ("listed", "etag")} for version in secret.versions]
