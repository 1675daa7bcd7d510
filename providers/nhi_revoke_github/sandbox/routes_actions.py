"""Actions of a repository: whether it is on, its runs, their cancelling, and the subject of its OIDC tokens.

OpenAPI: actions/list-workflow-runs-for-repo (`status` one per call; 1,000 results at most with a filter),
cancel-workflow-run, force-cancel-workflow-run (202, 409), actions/get-custom-oidc-sub-claim-for-repo. GitHub docs: REST
API endpoints for GitHub Actions permissions. That runs go on where Actions was switched off is the worse case, chosen
here: GitHub documents nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.rows import simple_user
from nhi_revoke_github.sandbox.rows_repositories import minimal_repository
from nhi_revoke_github.sandbox.state import Hub, Job, Repository, Token, stamp

TABLE = Table()
MOST = 1000
"""Results of one search with a filter."""
CANCELS_IN = 5.0
"""Seconds until a running job has ended after a cancel; GitHub documents no time."""
READ, WRITE = "actions:read", "actions:write"
ADMIN_READ, ADMIN_WRITE = "administration:read", "administration:write"
REPO = "/repos/<owner>/<repo>"
PERMISSIONS, SELECTED = f"{REPO}/actions/permissions", f"{REPO}/actions/permissions/selected-actions"
RUNS, RUN = f"{REPO}/actions/runs", f"{REPO}/actions/runs/<int:run>"
CANCEL, FORCE = f"{RUN}/cancel", f"{RUN}/force-cancel"
REPO_SUB, ORG_SUB = f"{REPO}/actions/oidc/customization/sub", "/orgs/<org>/actions/oidc/customization/sub"
STATUSES = frozenset({"queued", "in_progress", "completed", "waiting", "requested", "pending"})


def found(at: Here, owner: str, repo: str) -> Repository:
    """Raises 404."""
    repository = at.gate.hub.repository(f"{owner}/{repo}")
    if repository is None:
        raise NOT_FOUND
    return repository


def the_org(at: Here, org: str) -> None:
    """Raises 404 for what is no organisation here."""
    account = at.gate.hub.account(org)
    if account is None or account.type != "Organization":
        raise NOT_FOUND


# -- whether it is on --------------------------------------------------------------------------------------------------


@TABLE.route("GET", PERMISSIONS, ADMIN_READ)
def permissions(at: Here, owner: str, repo: str) -> Reply:
    """`allowed_actions` is told while it is on alone."""
    repository = found(at, owner, repo)
    if not (repository.actions_on and repository.actions_on.shown):
        return Reply(200, {"enabled": False})
    return Reply(200, {"enabled": True, "allowed_actions": repository.allowed_actions, "sha_pinning_required": False})


@TABLE.route("PUT", PERMISSIONS, ADMIN_WRITE)
def set_permissions(at: Here, owner: str, repo: str) -> Reply:
    """Off forgets which actions were allowed: what is not named again when it is switched on is `all`."""
    repository, body = found(at, owner, repo), at.asked.json
    if not isinstance(body.get("enabled"), bool):
        raise Turned(422, "invalid", "enabled is required")
    assert repository.actions_on is not None
    repository.actions_on.set(body["enabled"], at.now, at.gate.hub.write_lag)
    repository.allowed_actions = str(body.get("allowed_actions") or "all")
    if not body["enabled"]:
        repository.selected_actions = {}
    verb = "enabled" if body["enabled"] else "disabled"
    at.gate.hub.log(f"repo.actions_{verb}", at.now, at.caller.login, repo=repository.full_name)
    return Reply(204)


@TABLE.route("GET", SELECTED, ADMIN_READ)
def selected(at: Here, owner: str, repo: str) -> Reply:
    repository = found(at, owner, repo)
    if repository.allowed_actions != "selected":
        raise Turned(409, "conflict", "allowed_actions is not selected")
    return Reply(200, repository.selected_actions)


@TABLE.route("PUT", SELECTED, ADMIN_WRITE)
def set_selected(at: Here, owner: str, repo: str) -> Reply:
    repository = found(at, owner, repo)
    if repository.allowed_actions != "selected":
        raise Turned(409, "conflict", "allowed_actions is not selected")
    repository.selected_actions = dict(at.asked.json)
    return Reply(204)


# -- runs --------------------------------------------------------------------------------------------------------------


def status_of(job: Job, now: datetime) -> str:
    """A cancel is accepted at once, and shown when the job has ended."""
    return job.status.obeyed(now)


@TABLE.route("GET", RUNS, READ)
def runs(at: Here, owner: str, repo: str) -> Reply:
    repository, query = found(at, owner, repo), at.asked.query
    status, actor = query.get("status", ""), query.get("actor", "")
    if status and status not in STATUSES:
        raise Turned(422, "invalid", "status is not one of the list")
    mine = [
        job
        for job in reversed(repository.jobs.values())
        if (not status or status_of(job, at.now) == status) and (not actor or job.actor.lower() == actor.lower())
    ]
    if status or actor:
        mine = mine[:MOST]
    return Reply(200, [run_row(repository, j, at) for j in mine], rows=True, under="workflow_runs")


@TABLE.route("GET", RUN, READ)
def run(at: Here, owner: str, repo: str, run: int) -> Reply:
    repository = found(at, owner, repo)
    return Reply(200, run_row(repository, _job(repository, run), at))


@TABLE.route("POST", CANCEL, WRITE)
def cancel(at: Here, owner: str, repo: str, run: int) -> Reply:
    """A job that ignores it (`always()`) goes on."""
    job = _going(at, found(at, owner, repo), run)
    if not job.stubborn:
        _end(job, at.now, CANCELS_IN if status_of(job, at.now) == "in_progress" else 0.0)
    at.gate.hub.log("workflows.cancel_workflow_run", at.now, at.caller.login, repo=f"{owner}/{repo}", run=run)
    return Reply(202, {})


@TABLE.route("POST", FORCE, WRITE)
def force_cancel(at: Here, owner: str, repo: str, run: int) -> Reply:
    _end(_going(at, found(at, owner, repo), run), at.now, 1.0)
    at.gate.hub.log("workflows.cancel_workflow_run", at.now, at.caller.login, repo=f"{owner}/{repo}", run=run)
    return Reply(202, {})


def _going(at: Here, repository: Repository, run: int) -> Job:
    job = _job(repository, run)
    if status_of(job, at.now) == "completed":
        raise Turned(409, "conflict", "Cannot cancel a workflow run that is completed.")
    return job


def _job(repository: Repository, run: int) -> Job:
    if run not in repository.jobs:
        raise NOT_FOUND
    return repository.jobs[run]


def _end(job: Job, now: datetime, seconds: float) -> None:
    job.conclusion = "cancelled"
    if job.status.shown != "completed":
        job.status.set("completed", now, seconds)


def start(
    hub: Hub, repository: Repository, actor: str, at: datetime, status: str = "in_progress", stubborn: bool = False
) -> Job:
    """A run that was triggered; its token is made when it begins to work."""
    from nhi_revoke.provider.sandbox.lagged import Lagged

    job = Job(hub.new_id(), ".github/workflows/deploy.yml", actor, at, Lagged(status, at), "", stubborn=stubborn)
    repository.jobs[job.id] = job
    if status == "in_progress":
        give_token(hub, job, at)
    return job


def give_token(hub: Hub, job: Job, at: datetime) -> Token:
    """GITHUB_TOKEN: until the job has ended."""
    token = hub.new_token("job", "github-actions[bot]", at, permissions={"contents": "write"}, run=job.id)
    job.token = token.value
    return token


def begin(hub: Hub, job: Job, at: datetime) -> bool:
    """A queued run gets a runner: whether it still waited for one. Switching Actions off does not stop it."""
    if job.status.shown != "queued":
        return False
    job.status.set("in_progress", at, 0.0)
    give_token(hub, job, at)
    return True


# -- OIDC --------------------------------------------------------------------------------------------------------------


@TABLE.route("GET", REPO_SUB, READ)
def repo_subject(at: Here, owner: str, repo: str) -> Reply:
    return Reply(200, found(at, owner, repo).oidc)


@TABLE.route("GET", ORG_SUB, "organization_administration:read")
def org_subject(at: Here, org: str) -> Reply:
    the_org(at, org)
    return Reply(200, at.gate.hub.oidc_template)


# -- rows --------------------------------------------------------------------------------------------------------------


def run_row(repository: Repository, job: Job, at: Here) -> dict[str, Any]:
    url = f"{at.asked.url}/repos/{repository.full_name}/actions/runs/{job.id}"
    place = minimal_repository(at.gate.hub, repository)
    actor = simple_user(at.gate.hub, job.actor)
    done = status_of(job, at.now) == "completed"
    return {
        "id": job.id, "node_id": f"R{job.id}", "name": "deploy", "display_title": "deploy", "run_number": 1,
        "event": "push", "status": status_of(job, at.now), "conclusion": job.conclusion if done else None,
        "head_branch": "main", "head_sha": "0" * 40, "path": job.workflow, "workflow_id": 1, "url": url,
        "html_url": url, "created_at": stamp(job.created), "updated_at": stamp(job.created),
        "run_started_at": stamp(job.created), "actor": actor,
        "triggering_actor": simple_user(at.gate.hub, job.again_by or job.actor), "pull_requests": [],
        "head_commit": None, "repository": place, "head_repository": place,
        **{f"{k}_url": f"{url}/{k}" for k in ("jobs", "logs", "check_suite", "cancel", "rerun", "artifacts")},
        "workflow_url": f"{url}/workflow",
    }  # fmt: skip
