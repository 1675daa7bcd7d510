"""What the intruder made with the user's rights: another user, an admin role for it, and that user's API token.

Okta docs: okta-event-types.csv; create-an-api-token (a token is made in the Admin Console, by its owner).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import User

if TYPE_CHECKING:
    from nhi_revoke_okta.sandbox.scene import Scene

LOGIN = "svc-backup@example.com"
APP_LABEL = "Backup Sync"


def plant(scene: Scene) -> None:
    """Meddling: `plant-app`."""
    org, at = scene.org, scene.now() - timedelta(hours=1)
    backdoor = seed.new_user(org, LOGIN, at)
    role = seed.add_role(org, backdoor.roles, "SUPER_ADMIN", at)
    token = seed.new_api_token(org, backdoor, "sync", at + timedelta(minutes=2))
    org.log("user.lifecycle.create", at, as_actor(scene.user), as_actor(backdoor))
    org.log(
        "user.account.privilege.grant", at + timedelta(minutes=1), as_actor(scene.user), as_actor(backdoor),
        {"id": role.id, "type": "ROLE", "alternateId": None, "displayName": role.label},
        privilegeGranted=role.label,
    )  # fmt: skip
    org.log(
        "system.api_token.create", token.created, as_actor(backdoor),
        {"id": token.id, "type": "Token", "alternateId": "unknown", "displayName": token.name},
    )  # fmt: skip
    scene.steal(token.value)
    scene.door(
        "planted-user", "planted", f"an API token of {LOGIN}, whom the intruder made super administrator",
        f"okta:user/{backdoor.id}",
        lambda: [
            {
                "method": "GET",
                "url": f"{scene.url}/api/v1/users/me",
                "headers": {"Authorization": f"SSWS {token.value}"},
            }
        ],
    )  # fmt: skip
    scene.meddlings["plant-app"] = lambda: plant_app(scene, scene.now())


def plant_app(scene: Scene, at: datetime) -> None:
    """An app of the intruder's own, with a client secret."""
    app = seed.new_app(scene.org, APP_LABEL, at)
    secret = seed.add_secret(scene.org, app, at)
    scene.steal(secret.value)
    target = {"id": app.id, "type": "AppInstance", "alternateId": app.label, "displayName": app.label}
    made: dict[str, Any] = {
        "id": secret.id, "type": "OAuth2ClientSecret", "alternateId": None, "displayName": "Client secret",
        "detailEntry": {"clientSecret": secret.value},
    }  # fmt: skip
    scene.org.log("application.lifecycle.create", at, as_actor(scene.user), target)
    scene.org.log("app.oauth2.credentials.lifecycle.create", at, as_actor(scene.user), target, made)


def as_actor(user: User) -> dict[str, Any]:
    """As the System Log names a user."""
    return {"id": user.id, "type": "User", "alternateId": user.login, "displayName": user.login}
