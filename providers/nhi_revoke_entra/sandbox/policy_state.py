"""Policies on what may be added to apps, and what they refuse.

Microsoft docs: applicationauthenticationmethodpolicy (an app's own policy inherits nothing of the tenant's default).
Codes of refusals are recalled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SECRETS = ("passwordAddition", "passwordLifetime")
"""Those that secrets of Entra's own making are under."""

KEYS = ("asymmetricKeyLifetime", "trustedCertificateAuthority")


@dataclass
class Restriction:
    """`type`: in Graph's words. `lasts`: of a lifetime. `since`: for apps alone that were created on or after it."""

    type: str
    lasts: timedelta | None = None
    since: datetime | None = None
    on: bool = True
    exempts: bool = False

    def holds(self, created: datetime) -> bool:
        return self.on and (self.since is None or created >= self.since)


@dataclass
class Policy:
    id: str
    name: str
    enabled: bool = True
    secrets: list[Restriction] = field(default_factory=list)
    keys: list[Restriction] = field(default_factory=list)

    def refuses_secret(self, created: datetime, lives: timedelta) -> bool:
        return self.enabled and any(_refuses(r, created, lives) for r in self.secrets if r.type in SECRETS)

    def refuses_key(self, created: datetime, lives: timedelta) -> bool:
        return self.enabled and any(_refuses(r, created, lives) for r in self.keys if r.type in KEYS)


def _refuses(restriction: Restriction, created: datetime, lives: timedelta) -> bool:
    if not restriction.holds(created):
        return False
    return restriction.lasts is None or lives > restriction.lasts


def in_force(default: Policy, own: list[Policy]) -> Policy:
    """Which of them counts for an application."""
    return next((policy for policy in own if policy.enabled), default)


def restrictions(policy: Policy) -> dict[str, Any]:
    """In Graph's shape."""
    return {
        "passwordCredentials": [_row(r) for r in policy.secrets],
        "keyCredentials": [_row(r) for r in policy.keys],
    }


def _row(restriction: Restriction) -> dict[str, Any]:
    days = f"P{restriction.lasts.days}D" if restriction.lasts is not None else None
    since = restriction.since.strftime("%Y-%m-%dT%H:%M:%SZ") if restriction.since else None
    return {
        "restrictionType": restriction.type,
        "state": "enabled" if restriction.on else "disabled",
        "maxLifetime": days,
        "restrictForAppsCreatedAfterDateTime": since,
        **({"excludeActors": {"customSecurityAttributes": []}} if restriction.exempts else {}),
    }
