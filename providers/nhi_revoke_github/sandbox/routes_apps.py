"""Apps by their own JWT: themselves, their installations, and tokens of those; an organisation's owner sees them, too.

OpenAPI: apps/*, orgs/list-app-installations. GitHub docs: suspending-a-github-app-installation (it is unsuspended the
way it was suspended).
"""

from __future__ import annotations

from datetime import datetime

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import APP_ITSELF, Here
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.rows import app_row, installation_row
from nhi_revoke_github.sandbox.state import INSTALLATION_TOKEN_LIVES, Installation, stamp

TABLE = Table()


@TABLE.route("GET", "/app", APP_ITSELF)
def itself(at: Here) -> Reply:
    assert at.caller.app is not None
    return Reply(200, app_row(at.gate.hub, at.caller.app))


@TABLE.route("GET", "/app/installations", APP_ITSELF)
def installations(at: Here) -> Reply:
    assert at.caller.app is not None
    app = at.caller.app
    mine = [i for i in at.gate.hub.installations.values() if i.app == app.id and i.status.shown != "gone"]
    return Reply(200, [installation_row(at.gate.hub, i, app) for i in mine], rows=True)


@TABLE.route("GET", "/app/installations/<int:installation>", APP_ITSELF)
def one(at: Here, installation: int) -> Reply:
    assert at.caller.app is not None
    return Reply(200, installation_row(at.gate.hub, of_app(at, installation), at.caller.app))


@TABLE.route("PUT", "/app/installations/<int:installation>/suspended", APP_ITSELF)
def suspend(at: Here, installation: int) -> Reply:
    """Once more changes nothing."""
    mine = of_app(at, installation)
    if mine.status.shown != "suspended":
        stop(mine, at.caller.login, at.now, at.gate.hub.write_lag)
        at.gate.hub.log("integration_installation.suspend", at.now, at.caller.login, installation_id=installation)
    return Reply(204)


@TABLE.route("DELETE", "/app/installations/<int:installation>/suspended", APP_ITSELF)
def unsuspend(at: Here, installation: int) -> Reply:
    """What an owner of the account suspended, the app cannot take back."""
    mine = of_app(at, installation)
    if mine.status.shown == "suspended" and mine.suspended_by != at.caller.login:
        raise NOT_FOUND
    mine.status.set("active", at.now, at.gate.hub.write_lag)
    mine.suspended_by, mine.suspended_at = "", None
    return Reply(204)


@TABLE.route("DELETE", "/app/installations/<int:installation>", APP_ITSELF)
def uninstall(at: Here, installation: int) -> Reply:
    of_app(at, installation).status.set("gone", at.now, at.gate.hub.write_lag)
    at.gate.hub.log("integration_installation.destroy", at.now, at.caller.login, installation_id=installation)
    return Reply(204)


@TABLE.route("GET", "/orgs/<org>/installations", "organization_administration:read")
def of_org(at: Here, org: str) -> Reply:
    hub = at.gate.hub
    mine = [i for i in hub.installations.values() if i.account.lower() == org.lower() and i.status.shown != "gone"]
    return Reply(200, [installation_row(hub, i, hub.apps[i.app]) for i in mine], rows=True, under="installations")


@TABLE.route("DELETE", "/installation/token", "")
def end_token(at: Here) -> Reply:
    """Itself, and no other."""
    token = at.caller.token
    if token is None or token.kind != "ghs":
        raise Turned(403, "denied", "Resource not accessible by personal access token")
    token.status.set("gone", at.now, at.gate.hub.write_lag)
    return Reply(204)


@TABLE.route("POST", "/app/installations/<int:installation>/access_tokens", APP_ITSELF, mutates=False)
def mint(at: Here, installation: int) -> Reply:
    """No change that an operator would undo: it lives an hour. A suspended installation gets none."""
    mine = of_app(at, installation)
    if mine.status.obeyed(at.now) == "suspended":
        raise Turned(403, "suspended", "This installation has been suspended")
    token = at.gate.hub.new_token(
        "ghs", at.caller.app.slug if at.caller.app else "", at.now, expires=at.now + INSTALLATION_TOKEN_LIVES,
        permissions=_left(at, mine.permissions), installation=mine.id,
    )  # fmt: skip
    if at.caller.by == "operator":
        at.gate.operator.add(token.value)
    if at.caller.by == "intruder":
        at.gate.stolen.add(token.value)
    return Reply(201, {"token": token.value, "expires_at": stamp(token.expires), "permissions": token.permissions,
                       "repository_selection": mine.selection})  # fmt: skip


def _left(at: Here, permissions: dict[str, str]) -> dict[str, str]:
    """Of an operator that may not do everything, what it may: by resource, the highest level."""
    if at.caller.by != "operator" or not at.gate.permissions.limited:
        return dict(permissions)
    left: dict[str, str] = {}
    for resource, most in permissions.items():
        allowed = [level for level in ("write", "read") if at.gate.permissions.allows(f"{resource}:{level}")]
        if allowed:
            left[resource] = "read" if most == "read" else allowed[0]
    return left


def of_app(at: Here, installation: int) -> Installation:
    """Raises 404 for another app's."""
    found = at.gate.hub.installations.get(installation)
    if found is None or at.caller.app is None or found.app != at.caller.app.id or found.status.shown == "gone":
        raise NOT_FOUND
    return found


def stop(installation: Installation, by: str, at: datetime, lag: float = 0.0) -> None:
    """By the app (`SLUG[bot]`), or by an owner on the settings page."""
    installation.status.set("suspended", at, lag)
    installation.suspended_by, installation.suspended_at = by, at
