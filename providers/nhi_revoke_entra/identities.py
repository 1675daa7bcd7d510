"""User-assigned managed identities as resources of Azure, and whom their federated credentials let in.

Azure docs: managedidentity (federated-identity-credentials, user-assigned-identities); facts entra.md 1 (row 5). Such
an identity has no secret, and yet whoever gets a token of a named issuer and subject signs in as it: no list of
Microsoft Graph shows that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_entra.arm import SUBSCRIPTIONS
from nhi_revoke_entra.permissions import READ_AZURE, READ_IDENTITIES, READ_IDENTITY_TRUSTS

if TYPE_CHECKING:
    from nhi_revoke_entra.connection import EntraConnection

RESOURCE = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
TRUSTS = "federatedIdentityCredentials"
NO_SUBSCRIPTION = "no Azure subscription shows itself to the operator"


class ManagedIdentity(Struct, frozen=True):
    """One resource, and the app that it is in Entra."""

    path: str
    """Its whole id in Azure, which is its path there."""
    client_id: str
    name: str


def resource_of(row: Mapping[str, Any]) -> str:
    """Of a service principal: the resource that it stands for; empty where it is no user-assigned identity.

    Microsoft docs: servicePrincipal (alternativeNames hold "full resource IDs for managed identities").
    """
    names = [str(name) for name in row.get("alternativeNames") or ()]
    return next((name for name in names if RESOURCE.lower() in name.lower()), "")


def subscriptions_of(conn: EntraConnection) -> list[str]:
    """Ids of those that the operator sees: for lists. Raises Denied."""
    rows = conn.reads.read(SUBSCRIPTIONS, lambda: list(conn.azure.rows(SUBSCRIPTIONS, READ_AZURE)))
    return [str(row["subscriptionId"]) for row in rows]


def identities_of(conn: EntraConnection, subscription: str) -> Sequence[ManagedIdentity]:
    """Every one of a subscription. Raises Denied."""
    rows = conn.azure.rows(f"{SUBSCRIPTIONS}/{segment(subscription)}{RESOURCE}", READ_IDENTITIES)
    return [
        ManagedIdentity(
            str(row["id"]), str((row.get("properties") or {}).get("clientId") or "").lower(), str(row["name"])
        )
        for row in rows
    ]


def trusts_of(conn: EntraConnection, path: str) -> list[dict[str, Any]]:
    """As a federated credential of an app is told: `name`, `issuer`, `subject`, `audiences`. Raises Denied; none where
    the identity is gone.
    """
    try:
        rows = list(conn.azure.rows(f"{path}/{TRUSTS}", READ_IDENTITY_TRUSTS))
    except Missing:
        return []
    return [{"name": str(row["name"]), **(row.get("properties") or {})} for row in rows]
