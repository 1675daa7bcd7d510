"""Variables of Actions, of repositories, environments and the organisation: their values are shown.

OpenAPI: actions/list-repo-variables; GitHub docs: rest/actions/variables (a page has 10 by default and 30 at most).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_actions import REPO, found, the_org
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.rows import API
from nhi_revoke_github.sandbox.rows_repositories import minimal_repository
from nhi_revoke_github.sandbox.state import stamp

TABLE = Table()
ACTIONS, ENVIRONMENT = f"{REPO}/actions/variables", f"{REPO}/environments/<environment>/variables"
ORG = "/orgs/<org>/actions/variables"
BY_DEFAULT, MOST = 10, 30
Shelf = dict[str, dict[str, Any]]


def new_variable(shelf: Shelf, name: str, value: str, at: datetime, **more: Any) -> None:
    """`more`: `visibility` and `repositories` (ids), of the organisation's."""
    shelf[name.upper()] = {"created": at, "updated": at, "value": value, **more}


def _listed(shelf: Shelf, url: str = "") -> Reply:
    rows = [
        {"name": name, "value": kept["value"], "created_at": stamp(kept["created"]),
         "updated_at": stamp(kept["updated"]), **_seen_by(name, kept, url)}
        for name, kept in shelf.items()
    ]  # fmt: skip
    return Reply(200, rows, rows=True, under="variables", default=BY_DEFAULT, most=MOST)


def _seen_by(name: str, kept: dict[str, Any], url: str) -> dict[str, Any]:
    if "visibility" not in kept:
        return {}
    chosen = {"selected_repositories_url": f"{url}/{name}/repositories"} if kept["visibility"] == "selected" else {}
    return {"visibility": kept["visibility"], **chosen}


@TABLE.route("GET", ACTIONS, "actions_variables:read")
def of_repository(at: Here, owner: str, repo: str) -> Reply:
    return _listed(found(at, owner, repo).variables.get("actions", {}))


@TABLE.route("GET", ENVIRONMENT, "environments:read")
def of_environment(at: Here, owner: str, repo: str, environment: str) -> Reply:
    repository, namespace = found(at, owner, repo), f"environments/{environment}"
    if namespace not in repository.secrets:
        raise NOT_FOUND
    return _listed(repository.variables.get(namespace, {}))


@TABLE.route("GET", ORG, "organization_actions_variables:read")
def of_org(at: Here, org: str) -> Reply:
    the_org(at, org)
    return _listed(at.gate.hub.org_variables, f"{API}/orgs/{org}/actions/variables")


@TABLE.route("GET", f"{ORG}/<name>/repositories", "organization_actions_variables:read")
def repositories(at: Here, org: str, name: str) -> Reply:
    the_org(at, org)
    kept = at.gate.hub.org_variables.get(name.upper())
    if kept is None:
        raise NOT_FOUND
    if kept["visibility"] != "selected":
        raise Turned(409, "conflict", "Visibility is not selected")
    mine = [r for r in at.gate.hub.repositories.values() if r.id in kept["repositories"]]
    return Reply(200, [minimal_repository(at.gate.hub, r) for r in mine], rows=True, under="repositories")
