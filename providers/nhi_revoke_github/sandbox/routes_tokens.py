"""Fine-grained tokens of members, for GitHub Apps alone; and a place in a repository that tokens are tried at.

OpenAPI: orgs/list-pat-grants, orgs/update-pat-access, orgs/update-pat-accesses, orgs/list-pat-grant-requests. What is
asked for in a group happens later; GitHub documents no time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_members import may_enter
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.rows import simple_user
from nhi_revoke_github.sandbox.state import ORG, Hub, Repository, Token, stamp

TABLE = Table()
READ, WRITE = "organization_personal_access_tokens:read", "organization_personal_access_tokens:write"
A_JOB = timedelta(seconds=5)
"""How long a group's job takes, here."""
MOST = 100


@TABLE.route("GET", "/orgs/<org>/personal-access-tokens", READ)
def tokens(at: Here, org: str) -> Reply:
    _only_apps(at, org)
    owners = _owners(at)
    return Reply(200, [_row(at, t) for t in _granted(at) if not owners or t.owner.lower() in owners], rows=True)


@TABLE.route("POST", "/orgs/<org>/personal-access-tokens/<int:pat>", WRITE)
def revoke(at: Here, org: str, pat: int) -> Reply:
    _only_apps(at, org)
    if at.asked.json.get("action") != "revoke":
        raise Turned(422, "invalid", "Validation Failed")
    token = next((t for t in _granted(at) if t.credential_id == pat), None)
    if token is None or token.org_access is None:
        raise NOT_FOUND
    token.org_access.set(False, at.now, at.gate.hub.write_lag)
    _log(at, token)
    return Reply(204)


@TABLE.route("POST", "/orgs/<org>/personal-access-tokens", WRITE)
def revoke_many(at: Here, org: str) -> Reply:
    _only_apps(at, org)
    ids = at.asked.json.get("pat_ids")
    if at.asked.json.get("action") != "revoke" or not isinstance(ids, list) or not 1 <= len(ids) <= MOST:
        raise Turned(422, "invalid", "Validation Failed")
    for token in _granted(at):
        if token.credential_id in ids and token.org_access is not None:
            token.org_access.set(False, at.now, at.gate.hub.write_lag + A_JOB.total_seconds())
            token.queued = True
            _log(at, token)
    return Reply(202, {})


@TABLE.route("GET", "/orgs/<org>/personal-access-token-requests", "organization_personal_access_token_requests:read")
def requests(at: Here, org: str) -> Reply:
    _only_apps(at, org)
    owners, waiting = _owners(at), at.gate.hub.pat_requests.items()
    rows = [_request_row(at, n, t) for n, t in waiting if not owners or t.owner.lower() in owners]
    return Reply(200, rows, rows=True)


@TABLE.route("GET", "/repos/<owner>/<name>/readme", "metadata:read")
def readme(at: Here, owner: str, name: str) -> Reply:
    """What a token of a person opens: of the organisation's repositories only while it lets that token in."""
    hub, token = at.gate.hub, at.caller.token
    found = hub.repository(f"{owner}/{name}")
    if found is None or token is None or not lets_in(at, token, found):
        raise NOT_FOUND
    return Reply(200, {"name": "README.md", "path": "README.md", "type": "file"})


@TABLE.route("GET", "/_hooks/<owner>/<name>/<int:hook>", "")
def deliveries(at: Here, owner: str, name: str, hook: int) -> Reply:
    """The sandbox's own: whoever a webhook leads to is told of pushes as long as it is there."""
    found = at.gate.hub.repository(f"{owner}/{name}")
    if found is None or not found.hooks.get(hook, {}).get("active"):
        raise NOT_FOUND
    return Reply(200, {"event": "push"})


def lets_in(at: Here, token: Token, repository: Repository) -> bool:
    """Whether its owner may enter, its grant stands, and single sign-on knows it."""
    hub = at.gate.hub
    if hub.account(token.owner) is not None and not may_enter(hub, token.owner, repository, at.now):
        return False
    if token.org_access is not None and not token.org_access.obeyed(at.now):
        return False
    known = [a for a in hub.authorizations.values() if a.token == token.id]
    return not known or any(a.status.obeyed(at.now) for a in known)


def _only_apps(at: Here, org: str) -> None:
    """As the description says of each of these."""
    if org.lower() != ORG:
        raise NOT_FOUND
    if at.gate.installation_of(at.caller) is None:
        raise Turned(403, "denied", "Resource not accessible by personal access token")


def _owners(at: Here) -> set[str]:
    """Of `owner[]`; a repeated one is read as the first, as the kit does."""
    return {v.lower() for k, v in at.asked.query.items() if k == "owner[]"}


def _granted(at: Here) -> Iterable[Token]:
    return [t for t in at.gate.hub.tokens.values() if t.kind == "github_pat" and _is_listed(at, t)]


def _is_listed(at: Here, token: Token) -> bool:
    """As long as its owner is a member, and it was not revoked."""
    hub, access = at.gate.hub, token.org_access
    member = next((m for login, m in hub.members.items() if login.lower() == token.owner.lower()), None)
    if access is None or (member is not None and not member.shown) or token.status.shown == "gone":
        return False
    return access.shown or (token.queued and access.obeyed(at.now))


def _row(at: Here, token: Token) -> dict[str, Any]:
    row = _common(at, token)
    return {"id": token.credential_id, "access_granted_at": stamp(token.created), **row}


def _request_row(at: Here, number: int, token: Token) -> dict[str, Any]:
    return {"id": number, "reason": None, "created_at": stamp(token.created), **_common(at, token)}


def _common(at: Here, token: Token) -> dict[str, Any]:
    return {
        "owner": simple_user(at.gate.hub, token.owner),
        "repository_selection": "all", "repositories_url": f"{at.asked.url}/organizations/1/repositories",
        "permissions": {"repository": dict(token.permissions)}, "token_id": token.id, "token_name": token.name,
        "token_expired": bool(token.expires and token.expires <= at.now), "token_expires_at": stamp(token.expires),
        "token_last_used_at": stamp(token.last_used),
    }  # fmt: skip


def _log(at: Here, token: Token) -> None:
    at.gate.hub.log("personal_access_token.access_revoked", at.now, at.caller.login, user=token.owner)


def new_pat(hub: Hub, owner: str, at: datetime, name: str, **permissions: str) -> Token:
    """A fine-grained token that an owner approved."""
    return hub.new_token(
        "github_pat", owner, at, name=name, permissions=permissions, org_access=Lagged(True, at),
        credential_id=hub.new_id(),
    )  # fmt: skip
