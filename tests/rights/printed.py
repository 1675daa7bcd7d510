"""What the printed documents of a vendor give, read from their text alone, as the vendor would read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from nhi_revoke.cli.permissions import documents_of
from nhi_revoke.model.right import Document, Stage
from nhi_revoke.provider.registry import Registry
from nhi_revoke_entra.rights.app_roles import APP_ROLES, GRAPH
from nhi_revoke_entra.rights.sorts import IN_A_VAULT
from nhi_revoke_github.permissions import APP_ITSELF, CLIENT_ITSELF

REGISTRY = Registry.installed({})
PROVIDERS = ("aws", "entra", "gcp", "github", "okta")
"""Those with sandboxes."""
HELD = {"github": {APP_ITSELF, CLIENT_ITSELF}}
"""Keys and secrets of apps, which are no permissions."""


def documents(provider: str, stage: Stage | None) -> tuple[Document, ...]:
    return documents_of(REGISTRY, provider, stage)


def printed(provider: str, stage: Stage | None = None) -> set[str]:
    """Names as the provider declares them, and what else the vendor gives by these documents."""
    given = HELD.get(provider, set())
    return given | {name for each in documents(provider, stage) for name in GIVES[provider](each)}


def of_aws(document: Document) -> Iterable[str]:
    for statement in json.loads(document.text)["Statement"]:
        yield from statement["Action"]


def of_gcp(document: Document) -> Iterable[str]:
    head, _, listed = document.text.partition("includedPermissions:\n")
    assert head.startswith("title: ")
    return [line.removeprefix("- ") for line in listed.splitlines()]


def of_entra(document: Document) -> Iterable[str]:
    told: Any = json.loads(document.text)
    if isinstance(told, dict):
        in_vaults = {name: permission for permission, name in IN_A_VAULT.items()}
        return [*told["Actions"], *(in_vaults[each] for each in told["DataActions"])]
    names = {role: permission for permission, role in APP_ROLES.items()}
    [graph] = told
    assert graph["resourceAppId"] == GRAPH
    by_name = re.search(r"added by name: ([\w., -]+)\. ", document.hand_in)
    return [*(names[each["id"]] for each in graph["resourceAccess"]), *(by_name[1].split(", ") if by_name else ())]


def of_okta(document: Document) -> Iterable[str]:
    return document.text.splitlines() if document.name == "scopes" else ()


def of_github(document: Document) -> Iterable[str]:
    """`write` allows to read."""
    if document.name != "app":
        return
    for resource, level in json.loads(document.text)["default_permissions"].items():
        yield f"{resource}:read"
        yield f"{resource}:{level}"


GIVES = {"aws": of_aws, "entra": of_entra, "gcp": of_gcp, "github": of_github, "okta": of_okta}
