"""Who the caller is; users, apps, repositories and organisations by name; the organisation's repositories."""

from __future__ import annotations

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.rows import app_row, org_row, user_row
from nhi_revoke_github.sandbox.rows_repositories import listed_repository, minimal_repository, repository_row

TABLE = Table()
NOT_FOUND = Turned(404, "not-found", "Not Found")


@TABLE.route("GET", "/rate_limit", "")
def rate_limit(at: Here) -> Reply:
    """Of whoever asks (GitHub docs: rest/rate-limit; it counts for nothing there, and does here)."""
    core = {"limit": at.gate.limit, "used": 0, "remaining": at.gate.limit, "reset": int(at.now.timestamp()) + 3600}
    return Reply(200, {"resources": {"core": core, "search": core}, "rate": core})


@TABLE.route("GET", "/user", "")
def me(at: Here) -> Reply:
    account = at.gate.hub.account(at.caller.login)
    if account is None or account.type != "User":
        raise Turned(403, "denied", "Resource not accessible by integration")
    return Reply(200, user_row(at.gate.hub, account, own=True), headers=_of_token(at))


def _of_token(at: Here) -> tuple[tuple[str, str], ...]:
    """When it ends: sent in practice, and described nowhere at hand."""
    token = at.caller.token
    if token is None or not token.expires:
        return ()
    return (("GitHub-Authentication-Token-Expiration", f"{token.expires:%Y-%m-%d %H:%M:%S} UTC"),)


@TABLE.route("GET", "/installation/repositories", "metadata:read")
def of_installation(at: Here) -> Reply:
    """OpenAPI: apps/list-repos-accessible-to-installation; for its own token alone."""
    hub, token, asks = at.gate.hub, at.caller.token, at.gate.installation_of(at.caller)
    if token is None or (asks is None and not token.run):
        raise Turned(403, "denied", "Resource not accessible by personal access token")
    if asks is None:
        mine = [r for r in hub.repositories.values() if any(j.id == token.run for j in r.jobs.values())]
    else:
        mine = [r for r in hub.repositories.values() if r.owner.lower() == asks.account.lower()]
        mine = [r for r in mine if not asks.selected or r.full_name in asks.selected]
    rows = [listed_repository(hub, each) for each in mine]
    return Reply(200, rows, rows=True, under="repositories")


@TABLE.route("GET", "/users/<login>", "metadata:read")
def user(at: Here, login: str) -> Reply:
    account = at.gate.hub.account(login)
    if account is None:
        raise NOT_FOUND
    return Reply(200, user_row(at.gate.hub, account))


@TABLE.route("GET", "/apps/<slug>", "metadata:read")
def app(at: Here, slug: str) -> Reply:
    """A private one is hidden from everybody but its owner: here, from all who ask by name."""
    found = at.gate.hub.app_of(slug)
    if found is None or found.private:
        raise NOT_FOUND
    return Reply(200, app_row(at.gate.hub, found))


@TABLE.route("GET", "/orgs/<org>", "metadata:read")
def org(at: Here, org: str) -> Reply:
    """How many private repositories there are, it tells owners alone (GitHub docs: rest/orgs, Get an organization)."""
    account = at.gate.hub.account(org)
    if account is None or account.type != "Organization":
        raise NOT_FOUND
    mine = [r for r in at.gate.hub.repositories.values() if r.owner.lower() == org.lower()]
    row = org_row(at.gate.hub, account, sum(not r.private for r in mine))
    if at.gate.lets(at.caller, "organization_administration:read"):
        row["total_private_repos"] = sum(r.private for r in mine)
    return Reply(200, row)


@TABLE.route("GET", "/orgs/<org>/repos", "metadata:read")
def repos(at: Here, org: str) -> Reply:
    """An installation on chosen repositories is shown those alone, and no error."""
    mine = [r for r in at.gate.hub.repositories.values() if r.owner.lower() == org.lower()]
    asks = at.gate.installation_of(at.caller)
    if asks is not None and asks.selected:
        mine = [r for r in mine if r.full_name in asks.selected]
    return Reply(200, [minimal_repository(at.gate.hub, r) for r in mine], rows=True)


@TABLE.route("GET", "/repos/<owner>/<name>", "metadata:read")
def repo(at: Here, owner: str, name: str) -> Reply:
    found = at.gate.hub.repository(f"{owner}/{name}")
    if found is None:
        raise NOT_FOUND
    return Reply(200, repository_row(at.gate.hub, found))
