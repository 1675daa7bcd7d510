"""Self-hosted runners of a repository and of the organisation. One that works cannot be removed.

OpenAPI: actions/list-self-hosted-runners-for-repo, delete-self-hosted-runner-from-repo (204, 422), and the same of an
organisation. That 422 means "busy" is read from the docs between the lines (facts okta-github.md 2.1).
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_actions import ADMIN_READ, ADMIN_WRITE, REPO, found, status_of, the_org
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.state import Hub

TABLE = Table()
ORG_READ, ORG_WRITE = "organization_self_hosted_runners:read", "organization_self_hosted_runners:write"
RUNNERS, RUNNER = f"{REPO}/actions/runners", f"{REPO}/actions/runners/<int:runner>"
ORG_RUNNERS, ORG_RUNNER = "/orgs/<org>/actions/runners", "/orgs/<org>/actions/runners/<int:runner>"


def new_runner(hub: Hub, where: dict[int, dict[str, Any]], name: str, job: int = 0) -> int:
    """`where`: of a repository, or the organisation's. `job`: the run that it works on."""
    unique = hub.new_id()
    where[unique] = {"name": name, "os": "linux", "status": "online", "job": job}
    return unique


@TABLE.route("GET", RUNNERS, ADMIN_READ)
def runners(at: Here, owner: str, repo: str) -> Reply:
    return _listed(at, found(at, owner, repo).runners)


@TABLE.route("GET", RUNNER, ADMIN_READ)
def runner(at: Here, owner: str, repo: str, runner: int) -> Reply:
    return _one(at, found(at, owner, repo).runners, runner)


@TABLE.route("DELETE", RUNNER, ADMIN_WRITE)
def remove(at: Here, owner: str, repo: str, runner: int) -> Reply:
    return _removed(at, found(at, owner, repo).runners, runner)


@TABLE.route("GET", ORG_RUNNERS, ORG_READ)
def org_runners(at: Here, org: str) -> Reply:
    return _listed(at, of_org(at, org))


@TABLE.route("GET", ORG_RUNNER, ORG_READ)
def org_runner(at: Here, org: str, runner: int) -> Reply:
    return _one(at, of_org(at, org), runner)


@TABLE.route("DELETE", ORG_RUNNER, ORG_WRITE)
def remove_of_org(at: Here, org: str, runner: int) -> Reply:
    return _removed(at, of_org(at, org), runner)


def of_org(at: Here, org: str) -> dict[int, dict[str, Any]]:
    """Raises 404 for what is no organisation here."""
    the_org(at, org)
    return at.gate.hub.org_runners


def _listed(at: Here, where: dict[int, dict[str, Any]]) -> Reply:
    return Reply(200, [_row(at, unique, r) for unique, r in where.items()], rows=True, under="runners")


def _one(at: Here, where: dict[int, dict[str, Any]], unique: int) -> Reply:
    if unique not in where:
        raise NOT_FOUND
    return Reply(200, _row(at, unique, where[unique]))


def _removed(at: Here, where: dict[int, dict[str, Any]], unique: int) -> Reply:
    if unique not in where:
        raise NOT_FOUND
    if _busy(at, where[unique]):
        raise Turned(422, "busy", f"Runner {where[unique]['name']} is still running a job")
    del where[unique]
    at.gate.hub.log("repo.remove_self_hosted_runner", at.now, at.caller.login, runner=unique)
    return Reply(204)


def _busy(at: Here, runner: dict[str, Any]) -> bool:
    jobs = (j for r in at.gate.hub.repositories.values() for j in r.jobs.values())
    return any(j.id == runner["job"] and status_of(j, at.now) == "in_progress" for j in jobs)


def _row(at: Here, unique: int, runner: dict[str, Any]) -> dict[str, Any]:
    labels = [{"id": 1, "name": "self-hosted", "type": "read-only"}]
    return {"id": unique, "name": runner["name"], "os": runner["os"], "status": runner["status"],
            "busy": _busy(at, runner), "labels": labels}  # fmt: skip
