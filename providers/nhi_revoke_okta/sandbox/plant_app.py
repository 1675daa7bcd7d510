"""What the intruder holds besides the app's credentials: a token that reads the org's users, and what a second client
of the identity, a native app, keeps for an employee: a refresh token, and an access token minted with it.

A native app has no secret: its door hangs on the refresh token alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import ORG_SERVER, App, RefreshToken, Server

if TYPE_CHECKING:
    from nhi_revoke_okta.sandbox.scene import Scene

TERMINAL = "Payments Terminal"
CLERK = "clerk@example.com"
SCOPES = ("openid", "offline_access", "payments")
READS_USERS = "okta.users.read"


def plant(scene: Scene) -> None:
    """Meddlings: `new-refresh-token`, `assign-role`, `activate-app`."""
    _rights(scene)
    org, then = scene.org, seed.long_ago(scene.now())
    server = org.servers.get("default") or seed.new_server(org, "default", then)
    clerk = seed.new_user(org, CLERK, then)
    terminal = seed.new_app(
        org, TERMINAL, then, client_id="payments-terminal", application_type="native", auth_method="none",
        grant_types=("authorization_code", "refresh_token"),
    )  # fmt: skip
    scene.others.append(f"okta:app/{terminal.id}")
    held = add_refresh_token(scene, terminal, clerk.id, server)
    _refresh_door(scene, "refresh-token", "a refresh token, copied from a terminal, gets access tokens", held, terminal)
    minted = scene.gate.issuer.mint(
        terminal, server.id, SCOPES, scene.now().replace(microsecond=0), user=clerk.id, parent=held.id
    )
    scene.steal(minted.value)
    scene.door(
        "refreshed-token", "access-token", "a service that asks Okta each time takes a token minted with it",
        refresh_access(held), _bearing(scene, "introspecting", minted.value),
    )  # fmt: skip
    scene.door(
        "refreshed-token-local", "access-token", "a service that checks tokens by itself takes a token minted with it",
        f"okta:access-token/{urlsplit(scene.url).netloc}/{terminal.id}/*", _bearing(scene, "local", minted.value),
    )  # fmt: skip
    scene.meddlings["new-refresh-token"] = lambda: _another(scene, terminal, clerk.id, server)
    scene.meddlings["assign-role"] = lambda: _assign(scene)
    scene.meddlings["activate-app"] = lambda: _activate(scene)


def _rights(scene: Scene) -> None:
    """The app may read users; a token of the org server that says so was copied from a log."""
    app, then = scene.app, seed.long_ago(scene.now())
    seed.add_grant(scene.org, app, READS_USERS, then)
    role = seed.add_role(scene.org, app.roles, "READ_ONLY_ADMIN", then)
    token = scene.gate.issuer.mint(app, ORG_SERVER, (READS_USERS,), scene.now())
    scene.steal(token.value)
    headers = {"Authorization": f"Bearer {token.value}"}
    scene.door(
        "management-token", "management-token", "an access token of the app, while its admin role lasts, reads users",
        f"okta:app-role/{app.id}/{role.id}",
        lambda: [{"method": "GET", "url": f"{scene.url}/api/v1/users?limit=1", "headers": headers}],
    )  # fmt: skip


def add_refresh_token(
    scene: Scene, app: App, user: str, server: Server | None = None, lives: timedelta = timedelta(days=30)
) -> RefreshToken:
    """Of the org server, or of a custom one."""
    org, at = scene.org, scene.now()
    token = RefreshToken(
        org.new_id("oar"), org.new_secret(), app.id, user, server.id if server else ORG_SERVER, SCOPES, at, at + lives,
        org.new_status(at),
    )  # fmt: skip
    org.refresh_tokens[token.id] = token
    return token


def refresh_access(held: RefreshToken) -> str:
    """The id under which the app's list shows it."""
    return f"okta:refresh-token/{held.app}/{held.id}"


def _refresh_door(scene: Scene, name: str, says: str, held: RefreshToken, app: App) -> None:
    scene.steal(held.value)
    form = {"grant_type": "refresh_token", "client_id": app.client_id, "refresh_token": held.value}
    scene.door(
        name, "refresh-token", says, refresh_access(held),
        lambda: [{"method": "POST", "url": f"{scene.url}/oauth2/{held.server}/v1/token", "data": form}],
    )  # fmt: skip


def _bearing(scene: Scene, where: str, token: str) -> Callable[[], list[dict[str, Any]]]:
    headers = {"Authorization": f"Bearer {token}"}
    return lambda: [{"method": "GET", "url": f"{scene.url}/_resource/{where}", "headers": headers}]


def _another(scene: Scene, app: App, user: str, server: Server) -> None:
    """The intruder, signed in at another terminal, is given one more."""
    if app.status.obeyed(scene.now()) != "ACTIVE":
        return
    held = add_refresh_token(scene, app, user, server)
    says = "a refresh token that the intruder got meanwhile gets access tokens"
    _refresh_door(scene, "new-refresh-token", says, held, app)


def _assign(scene: Scene) -> None:
    """By an administrator whom the intruder holds, too."""
    seed.add_role(scene.org, scene.app.roles, "READ_ONLY_ADMIN", scene.now())


def _activate(scene: Scene) -> None:
    """By the same."""
    scene.app.status.set("ACTIVE", scene.now(), scene.org.write_lag)
