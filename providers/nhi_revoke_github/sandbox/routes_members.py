"""Members of the organisation, outside collaborators, and who may enter a repository.

GitHub docs: rest/orgs/members, rest/orgs/outside-collaborators, rest/collaborators/collaborators. An invited user has
accepted nothing yet: the sandbox keeps invitations apart.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.rows import API, SITE, simple_org, simple_user
from nhi_revoke_github.sandbox.rows_repositories import minimal_repository
from nhi_revoke_github.sandbox.state import ORG, Account, Hub, Repository, stamp

TABLE = Table()
READ, WRITE = "members:read", "members:write"
MEMBERS = ("admin", "member")
ROLES = {"pull": "read", "push": "write"}
LADDER = ("pull", "triage", "push", "maintain", "admin")


def may_enter(hub: Hub, login: str, repository: Repository, at: datetime) -> bool:
    """Of a private repository; members read all of the organisation's here."""
    if not repository.private or login.lower() == repository.owner.lower() or login in repository.collaborators:
        return True
    role = hub.members.get(login)
    by_team = bool(hub.enterprise_teams.get(login))
    return repository.owner == ORG and (by_team or (role is not None and role.obeyed(at) in MEMBERS))


@TABLE.route("GET", "/repos/<owner>/<repo>/branches", "contents:read")
def branches(at: Here, owner: str, repo: str) -> Reply:
    """By a token of a user: what that user may see, as far as the organisation still lets this token in."""
    found, token = at.gate.hub.repository(f"{owner}/{repo}"), at.caller.token
    if found is None or token is None:
        raise NOT_FOUND
    if token.org_access is not None and found.owner == ORG and not token.org_access.obeyed(at.now):
        raise NOT_FOUND
    if at.gate.hub.account(token.owner) is not None and not may_enter(at.gate.hub, token.owner, found, at.now):
        raise NOT_FOUND
    return Reply(200, [{"name": "main", "commit": {"sha": "0" * 40, "url": ""}, "protected": True}], rows=True)


@TABLE.route("GET", "/orgs/<org>/memberships/<login>", READ)
def membership(at: Here, org: str, login: str) -> Reply:
    account, role, teams = _member(at, org, login)
    row = {"url": f"{at.asked.url}/orgs/{ORG}/memberships/{account.login}", "state": "active", "role": role or "member",
           "organization_url": f"{at.asked.url}/orgs/{ORG}", "direct_membership": bool(role),
           "enterprise_teams_providing_indirect_membership": teams, "user": simple_user(at.gate.hub, account.login),
           "organization": simple_org(at.gate.hub, ORG)}  # fmt: skip
    return Reply(200, row)


@TABLE.route("DELETE", "/orgs/<org>/memberships/<login>", WRITE)
def remove_member(at: Here, org: str, login: str) -> Reply:
    """The direct one alone; what repositories granted goes with it, and private forks do."""
    account, role, _ = _member(at, org, login)
    if role:
        at.gate.hub.members[account.login].set("", at.now, at.gate.hub.write_lag)
        for repository in _ours(at.gate.hub):
            repository.collaborators.pop(account.login, None)
    at.gate.hub.log("org.remove_member", at.now, at.caller.login, user=account.login)
    return Reply(204)


@TABLE.route("GET", "/orgs/<org>/members", READ)
def members(at: Here, org: str) -> Reply:
    """Everybody, those of an enterprise team too."""
    _organisation(at, org)
    hub = at.gate.hub
    return Reply(200, [simple_user(hub, login) for login in sorted(hub.accounts) if _is_member(hub, login)], rows=True)


@TABLE.route("GET", "/orgs/<org>/outside_collaborators", READ)
def outsiders(at: Here, org: str) -> Reply:
    _organisation(at, org)
    hub = at.gate.hub
    logins = sorted({login for r in _ours(hub) for login in r.collaborators if not _is_member(hub, login)})
    return Reply(200, [simple_user(hub, login) for login in logins], rows=True)


@TABLE.route("DELETE", "/orgs/<org>/outside_collaborators/<login>", WRITE)
def remove_outsider(at: Here, org: str, login: str) -> Reply:
    _organisation(at, org)
    account = at.gate.hub.account(login)
    if account is None:
        raise NOT_FOUND
    if _is_member(at.gate.hub, account.login):
        raise Turned(422, "custom", "You cannot specify an organization member to remove as an outside collaborator.")
    for repository in _ours(at.gate.hub):
        repository.collaborators.pop(account.login, None)
    at.gate.hub.log("org.remove_outside_collaborator", at.now, at.caller.login, user=account.login)
    return Reply(204)


@TABLE.route("GET", "/repos/<owner>/<repo>/collaborators", "metadata:read")
def collaborators(at: Here, owner: str, repo: str) -> Reply:
    found = _repository(at, owner, repo)
    hub, outside = at.gate.hub, at.asked.query.get("affiliation") == "outside"
    mine = {k: v for k, v in found.collaborators.items() if not (outside and _is_member(hub, k))}
    rows = [
        {**simple_user(hub, login), "role_name": ROLES.get(role, role), "permissions": _may(role)}
        for login, role in sorted(mine.items())
    ]
    return Reply(200, rows, rows=True)


@TABLE.route("PUT", "/repos/<owner>/<repo>/collaborators/<login>", "administration:write")
def invite(at: Here, owner: str, repo: str, login: str) -> Reply:
    """An outside user is invited, and is in when it accepts; the sandbox keeps the invitation with the log."""
    found, account = _repository(at, owner, repo), at.gate.hub.account(login)
    if account is None:
        raise NOT_FOUND
    role = str(at.asked.json.get("permission") or "push")
    at.gate.hub.log("repo.add_member", at.now, at.caller.login, user=account.login, repo=found.full_name, role=role)
    hub, number = at.gate.hub, at.gate.hub.new_id()
    invitation: dict[str, Any] = {
        "id": number, "node_id": f"I{number}", "permissions": ROLES.get(role, role), "created_at": stamp(at.now),
        "repository": minimal_repository(hub, found), "invitee": simple_user(hub, account.login),
        "inviter": simple_user(hub, at.caller.login),
        "url": f"{API}/repos/{found.full_name}/invitations/{number}",
        "html_url": f"{SITE}/{found.full_name}/invitations",
    }  # fmt: skip
    return Reply(201, invitation)


def _may(role: str) -> dict[str, bool]:
    """What a role lets its holder do: each holds what the lesser ones do."""
    held = LADDER.index(role) if role in LADDER else 0
    return {each: number <= held for number, each in enumerate(LADDER)}


def _is_member(hub: Hub, login: str) -> bool:
    role = hub.members.get(login)
    return bool(hub.enterprise_teams.get(login)) or (role is not None and role.shown in MEMBERS)


def _member(at: Here, org: str, login: str) -> tuple[Account, str, list[str]]:
    """The account, its direct role (empty: none), and its teams. Raises 404."""
    _organisation(at, org)
    account, hub = at.gate.hub.account(login), at.gate.hub
    if account is None or not _is_member(hub, account.login):
        raise NOT_FOUND
    held = hub.members.get(account.login)
    role = held.shown if held is not None and held.shown in MEMBERS else ""
    return account, role, list(hub.enterprise_teams.get(account.login, ()))


def _organisation(at: Here, org: str) -> Account:
    account = at.gate.hub.account(org)
    if account is None or account.type != "Organization":
        raise NOT_FOUND
    return account


def _repository(at: Here, owner: str, repo: str) -> Repository:
    found = at.gate.hub.repository(f"{owner}/{repo}")
    if found is None:
        raise NOT_FOUND
    return found


def _ours(hub: Hub) -> list[Repository]:
    return [r for r in hub.repositories.values() if r.owner == ORG]
