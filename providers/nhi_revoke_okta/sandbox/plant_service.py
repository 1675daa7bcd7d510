"""An API service integration of the identity: one old secret, one that the intruder holds, and a token of it.

Okta docs: guides/build-api-integration (client credentials at the org server, scopes alone decide).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.routes_services import new_service
from nhi_revoke_okta.sandbox.state import ORG_SERVER

if TYPE_CHECKING:
    from nhi_revoke_okta.sandbox.scene import Scene

NAME = "Payments Log Export"
SCOPES = ("okta.users.read", "okta.logs.read")


def plant(scene: Scene) -> None:
    then = seed.long_ago(scene.now())
    service = new_service(scene.org, NAME, SCOPES, scene.user.id, then)
    old = next(iter(service.client.secrets.values()))
    old.status.set("INACTIVE", then, 0.0)
    stolen = seed.add_secret(scene.org, service.client, then)
    scene.others.append(f"okta:api-service/{service.id}")
    token = scene.gate.issuer.mint(service.client, ORG_SERVER, SCOPES[:1], scene.now())
    scene.steal(stolen.value, token.value)
    scene.door(
        "api-service-secret", "client-secret", "the integration's secret gets a token from the org server",
        f"okta:api-service-secret/{service.id}/{stolen.id}",
        lambda: [
            {
                "method": "POST",
                "url": f"{scene.url}/oauth2/v1/token",
                "auth": (service.client.client_id, stolen.value),
                "data": {"grant_type": "client_credentials", "scope": SCOPES[0]},
            }
        ],
    )  # fmt: skip
    scene.door(
        "api-service-token", "access-token", "a token that was minted with that secret reads the org's users",
        f"okta:api-service-token/{urlsplit(scene.url).netloc}/{service.id}/*",
        lambda: [
            {
                "method": "GET",
                "url": f"{scene.url}/api/v1/users?limit=1",
                "headers": {"Authorization": f"Bearer {token.value}"},
            }
        ],
    )  # fmt: skip
