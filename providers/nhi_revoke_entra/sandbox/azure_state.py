"""What Azure Resource Manager holds: role assignments, and managed identities and apps as its resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.lagged import Lagged

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.state import Trust


@dataclass
class AzureRole:
    """A role assignment of Azure Resource Manager."""

    name: str
    principal: str
    role: str
    scope: str
    there: Lagged[bool]


@dataclass
class ManagedResource:
    """A user-assigned managed identity as a resource of Azure."""

    path: str
    principal: str
    """Object id of its service principal."""
    trusts: dict[str, Trust] = field(default_factory=dict)
    """By name."""


@dataclass
class WebSite:
    """An App Service, or a Function app."""

    path: str
    kind: str = "app,linux"
    settings: dict[str, str] = field(default_factory=dict)
    principal: str = ""
    """Object id of its own managed identity."""
    identities: dict[str, dict[str, str]] = field(default_factory=dict)
    """User-assigned ones by their paths: `principalId` and `clientId`."""
