"""Which of this provider's permissions is of which API: Microsoft Graph, Azure Resource Manager, or a key vault."""

from __future__ import annotations

from typing import Literal

from nhi_revoke_entra.permissions import (
    GET_SECRETS,
    LIST_SECRETS,
    READ_AGENTS,
    READ_APPS,
    READ_GRANTS,
    READ_METHODS,
    READ_ROLES,
    SET_SECRETS,
    WRITE_APPS,
    WRITE_GRANTS,
    WRITE_PASSES,
    WRITE_ROLES,
)

Api = Literal["graph", "azure", "vault"]
IN_A_VAULT = {
    GET_SECRETS: "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    SET_SECRETS: "Microsoft.KeyVault/vaults/secrets/setSecret/action",
    LIST_SECRETS: "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
}
"""As an Azure role's data actions call it (Azure docs: key-vault/general/rbac-guide)."""
ASK_AZURE = "Microsoft.Authorization/permissions/read"
"""By which `doctor` asks what the operator may in a subscription; nothing else needs it."""
AS_MUCH = {
    READ_APPS: (WRITE_APPS,),
    READ_AGENTS: (READ_APPS, WRITE_APPS),
    READ_GRANTS: ("Directory.ReadWrite.All",),
    READ_ROLES: (WRITE_ROLES, READ_GRANTS),
    READ_METHODS: ("UserAuthenticationMethod.ReadWrite.All",),
    WRITE_GRANTS: (),
    WRITE_PASSES: ("UserAuthenticationMethod.ReadWrite.All",),
}
"""Other permissions of Graph that allow what is asked by this one (permissions.json)."""


def api_of(permission: str) -> Api:
    if permission in IN_A_VAULT:
        return "vault"
    return "azure" if permission.startswith("Microsoft.") else "graph"
