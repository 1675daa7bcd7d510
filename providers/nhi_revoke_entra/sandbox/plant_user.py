"""What the intruder holds of the service user: its password, a refresh token, a token of a client with CAE.

Besides, somebody made the user a temporary access pass.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import GRAPH, Token, stamp

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.scene import Scene

LOGIN = "svc-payments@example.com"
CLIENT = "Legacy Scheduler"
TYPE = "#microsoft.graph."


def plant(scene: Scene) -> None:
    """Three doors. Meddling: `enable-user`."""
    tenant, now, then = scene.tenant, scene.now(), scene.then
    user = seed.new_user(tenant, LOGIN)
    user.password, user.changed = tenant.new_secret(20), then
    user.methods += [
        {"@odata.type": f"{TYPE}passwordAuthenticationMethod", "id": "28c10230-6103-485e-b985-444c60001490"},
        {"@odata.type": f"{TYPE}temporaryAccessPassAuthenticationMethod", "id": tenant.new_id(), "isUsable": True,
         "isUsableOnce": False, "lifetimeInMinutes": 480, "startDateTime": stamp(now), "temporaryAccessPass": None},
        {"@odata.type": f"{TYPE}fido2AuthenticationMethod", "id": tenant.new_mark(), "displayName": "key of the rack"},
    ]  # fmt: skip
    application, client = seed.new_app(tenant, CLIENT, then)
    application.public = True
    seed.add_grant(tenant, client, "User.Read offline_access", then)
    seed.add_directory_role(tenant, client, "User Administrator", then).principal = user.id
    scene.users.append(user)
    scope = "https://graph.microsoft.com/.default"
    asked = {"client_id": client.app_id, "scope": scope}
    by_password = {**asked, "grant_type": "password", "username": LOGIN, "password": user.password}
    scene.steal(user.password)
    scene.door(
        "user-password", "user-password", "the user's password, copied from a scheduler's configuration",
        f"entra:user-password/{user.id}", lambda: [scene.asking(by_password)],
    )  # fmt: skip
    value = f"0.B{tenant.new_secret(60)}"
    tenant.tokens[value] = Token(value, client.id, GRAPH, now, now + timedelta(days=90), user=user.id, refresh=True)
    tenant.secrets.append(value)
    scene.steal(value)
    refreshing = {**asked, "grant_type": "refresh_token", "refresh_token": value}
    scene.door(
        "user-refresh-token", "user-session", "a refresh token of the user, copied from its machine",
        f"entra:user-session/{scene.tenant_name}/{LOGIN}/*", lambda: [scene.asking(refreshing)],
    )  # fmt: skip
    token = tenant.new_token(client, GRAPH, now, user=user.id, cae=True)
    scene.steal(token.value)
    scene.door(
        "user-graph-token", "cae-token", "a live access token of the user for Microsoft Graph, of a client with CAE",
        f"entra:cae-token/{scene.tenant_name}/{user.id}/*", scene.bearing(token, f"/v1.0/users/{user.id}"),
    )  # fmt: skip
    scene.meddlings["enable-user"] = lambda: user.enable(True, scene.now(), 0.0)
