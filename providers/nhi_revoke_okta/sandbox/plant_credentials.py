"""What the intruder copied of the app's credentials: its secrets, a private key, and an access token.

The token is one of client credentials at a custom server: no revocation reaches it (facts okta-github.md 1.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import ClientSecret, Server

if TYPE_CHECKING:
    from nhi_revoke_okta.sandbox.scene import Scene

SCOPE = "payments"
KID = "payments-bot-2026"
FILE = "payments-okta.json"
"""In the sandbox's folder: where the workload reads its secret."""


def plant(scene: Scene) -> None:
    org, app, then = scene.org, scene.app, seed.long_ago(scene.now())
    server = org.servers.get("default") or seed.new_server(org, "default", then, minutes=60)
    secret = seed.add_secret(org, app, then)
    _secret_door(scene, server, secret, "client-secret", "the app's secret gets a token from the custom server")
    if scene.old_secret:
        old = seed.add_secret(org, app, then, "INACTIVE")
        says = "the app's former secret, deactivated before, gets a token from the custom server"
        _secret_door(scene, server, old, "old-client-secret", says, kind="inactive-secret")
    key, private = seed.add_key(org, app, then, KID)
    scene.door(
        "client-key", "client-key", "the app's private key gets a token from the custom server",
        f"okta:client-key/{app.id}/{key.id}", lambda: [_by_key(scene, server, private)],
    )  # fmt: skip
    token = scene.gate.issuer.mint(app, server.id, (SCOPE,), scene.now())
    scene.steal(token.value)
    for where, says in (
        ("local", "a service that checks tokens by itself takes one that was minted before"),
        ("introspecting", "a service that asks Okta each time takes one that was minted before"),
    ):
        scene.door(
            f"access-token-{where}", "access-token", says,
            f"okta:access-token/{urlsplit(scene.url).netloc}/{app.id}/*", _bearing(scene, where, token.value),
        )  # fmt: skip
    scene.meddlings["add-client-secret"] = lambda: _second(scene, server)
    scene.meddlings["activate-client-secret"] = lambda: _activate(scene, secret)


def _second(scene: Scene, server: Server) -> None:
    """The intruder makes itself another one, as an app with rights over apps can."""
    added = seed.add_secret(scene.org, scene.app, scene.now())
    says = "a second secret, which the intruder made, gets a token from the custom server"
    _secret_door(scene, server, added, "second-client-secret", says)


def _activate(scene: Scene, secret: ClientSecret) -> None:
    secret.status.set("ACTIVE", scene.now(), scene.org.write_lag)


def _secret_door(
    scene: Scene, server: Server, secret: ClientSecret, name: str, says: str, kind: str = "client-secret"
) -> None:
    app = scene.app
    scene.steal(secret.value)
    scene.door(
        name, kind, says, f"okta:client-secret/{app.id}/{secret.id}",
        lambda: [
            {
                "method": "POST",
                "url": f"{scene.url}/oauth2/{server.id}/v1/token",
                "auth": (app.client_id, secret.value),
                "data": {"grant_type": "client_credentials", "scope": SCOPE},
            }
        ],
    )  # fmt: skip


def _by_key(scene: Scene, server: Server, private: Any) -> dict[str, Any]:
    import jwt

    url, now = f"{scene.url}/oauth2/{server.id}/v1/token", int(scene.now().timestamp())
    who = scene.app.client_id
    claims = {"iss": who, "sub": who, "aud": url, "iat": now, "exp": now + 300}
    form = {
        "grant_type": "client_credentials",
        "scope": SCOPE,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, private, "ES256", headers={"kid": KID}),
    }
    return {"method": "POST", "url": url, "data": form}


def _bearing(scene: Scene, where: str, token: str) -> Callable[[], list[dict[str, Any]]]:
    headers = {"Authorization": f"Bearer {token}"}
    return lambda: [{"method": "GET", "url": f"{scene.url}/_resource/{where}", "headers": headers}]
