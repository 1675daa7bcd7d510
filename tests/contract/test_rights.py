"""Names in printed documents are the vendors' own: held against their descriptions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke_entra.rights.app_roles import APP_ROLES
from tests.contract.openapi import spec
from tests.rights.printed import documents

pytestmark = pytest.mark.contract
NOT_LISTED = {"actions_variables", "organization_actions_variables"}
"""Permissions of variables: GitHub's docs of fine-grained permissions have them, its description's list does not."""
EXPERIMENTAL = {"okta.aiAgents.manage", "okta.aiAgents.read", "okta.universalLogout.manage"}
"""In Okta's docs, and in none of the paths that are kept of its description."""


def loaded(vendor: str, name: str) -> Any:
    return json.loads(spec(vendor, name).read_text())


def test_a_github_apps_permissions_are_in_its_list_with_that_level() -> None:
    known = loaded("github", "openapi-subset.json")["components"]["schemas"]["app-permissions"]["properties"]
    [app] = [each for each in documents("github", None) if each.name == "app"]
    asked = json.loads(app.text)["default_permissions"]
    assert {name for name in asked if name not in known} == NOT_LISTED
    assert {name for name, level in asked.items() if name in known and level not in known[name]["enum"]} == set()


def test_graph_permissions_are_application_permissions() -> None:
    known = loaded("entra", "permissions.json")["permissions"]
    named = {name for each in documents("entra", None) if each.name == "graph" for name in each.grants}
    assert {name for name in named if "Application" not in known[name]["schemes"]} == set()
    assert {name for name in named if name not in APP_ROLES} == {
        "AgentIdentity.EnableDisable.All",
        "AgentIdentity.Read.All",
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
    }


def test_okta_scopes_are_of_its_description() -> None:
    schemes = loaded("okta", "openapi-subset.json")["components"]["securitySchemes"]
    known = {scope for each in schemes.values() for flow in each.get("flows", {}).values() for scope in flow["scopes"]}
    [scopes] = [each for each in documents("okta", None) if each.name == "scopes"]
    assert {each for each in scopes.text.splitlines() if each not in known} <= EXPERIMENTAL
