"""Application permissions of Microsoft Graph, and a custom Azure role.

Microsoft docs: application resource type (requiredResourceAccess; `az ad app create --required-resource-accesses`),
`az role definition create`. Azure docs: role-based-access-control/custom-roles, key-vault/general/rbac-guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Document, Stage
from nhi_revoke_entra.rights.app_roles import APP_ROLES, GRAPH
from nhi_revoke_entra.rights.sorts import ASK_AZURE, IN_A_VAULT, api_of


def documents(stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
    """For the responder's app registration; then its role in subscriptions, and in key vaults."""
    graph = [each for each in sorted(permissions) if api_of(each) == "graph"]
    azure = [each for each in sorted(permissions) if api_of(each) == "azure"]
    vault = [each for each in sorted(permissions) if api_of(each) == "vault"]
    if graph:
        yield _graph(stage, graph)
    if azure:
        yield _role(
            "azure-role", stage, "", [*azure, ASK_AZURE], [], azure,
            f"az role definition create --role-definition @FILE, assigned to the app in each subscription. {ASK_AZURE} "
            "is what doctor asks by.",
        )  # fmt: skip
    if vault:
        yield _role(
            "vault-role", stage, " in vaults", [], [IN_A_VAULT[each] for each in vault], vault,
            "az role definition create --role-definition @FILE, assigned to the app on each vault that is looked at or "
            "delivered to; or, where a vault has access policies, these rights on secrets there: "
            f"{', '.join(each.partition('/')[2] for each in vault)}.",
        )  # fmt: skip


def _graph(stage: Stage, permissions: Sequence[str]) -> Document:
    """Names beside the ids are read by people: the JSON is the vendor's own and holds ids alone."""
    known = [each for each in permissions if each in APP_ROLES]
    others = [each for each in permissions if each not in APP_ROLES]
    access = [{"id": APP_ROLES[each], "type": "Role"} for each in known]
    more = f" No id is known for these, so that they are added by name: {', '.join(others)}." if others else ""
    return Document(
        "graph",
        f"nhi-revoke-{stage}-graph.json",
        "application/json",
        json.dumps([{"resourceAppId": GRAPH, "resourceAccess": access}], indent=2) + "\n",
        "az ad app update --id APP --required-resource-accesses @FILE; az ad app permission admin-consent --id APP."
        f"{more} Changes of users with admin roles need a directory role of the app besides (Privileged Authentication "
        "Administrator, recalled).",
        tuple(permissions),
    )


def _role(
    name: str, stage: Stage, end: str, actions: list[str], data: list[str], grants: Sequence[str], hand_in: str
) -> Document:
    """`AssignableScopes` is for whoever hands it over to fill in: Azure takes no role without."""
    role = {
        "Name": f"nhi-revoke {stage}{end}",
        "IsCustom": True,
        "Description": "What nhi-revoke declares that it needs, and no more",
        "Actions": actions,
        "NotActions": [],
        "DataActions": data,
        "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION"],
    }
    file = f"nhi-revoke-{stage}-{name}.json"
    return Document(name, file, "application/json", json.dumps(role, indent=2) + "\n", hand_in, tuple(grants))
