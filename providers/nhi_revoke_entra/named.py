"""What a reference names: ids, enough for paths. State is never kept here."""

from __future__ import annotations

from msgspec import Struct

APPLICATIONS, SERVICE_PRINCIPALS = "applications", "servicePrincipals"
ORPHANED = "orphaned"
"""Fact of a principal: its application is of this tenant, and was deleted by itself."""


class Named(Struct, frozen=True):
    """What a reference names: enough for paths. State is never kept here."""

    app_id: str
    """Empty for an agent identity."""
    name: str
    application: str = ""
    """Object id; empty where the app belongs to another tenant, whose alone its application is, or where it was
    deleted."""
    service_principal: str = ""
    """Object id; empty where the app has none in this tenant, so that nobody signs in to it here."""
    cast: str = ""
    """Of the service principal, where it is another sort than an app's: as paths name it."""
    resource: str = ""
    """Of a user-assigned managed identity: its path in Azure."""
    blueprint: str = ""
    """Of an agent identity: appId of the app whose credentials sign in for it. Of a blueprint: its own."""

    @property
    def key(self) -> str:
        """What it is known by in a plan."""
        return self.app_id or self.service_principal


class NamedUser(Struct, frozen=True):
    """What a reference to a user names."""

    id: str
    login: str
    """User principal name."""
    agent: str = ""
    """Object id of the agent identity that it belongs to; empty for everybody else."""
