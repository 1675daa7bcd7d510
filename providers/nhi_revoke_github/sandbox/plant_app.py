"""What the intruder took from the app: its private key and client secret, a token of its installation that lives, and a
token of an employee who authorised it. The operator holds the same key and secret.

A fresh token, minted with the stolen key, is tried in two requests: the first mints, the second asks for a repository.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from msgspec.structs import replace

from nhi_revoke_github.private_key import fingerprint
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.gate import INTRUDER
from nhi_revoke_github.sandbox.routes_apps import stop
from nhi_revoke_github.sandbox.state import INSTALLATION_TOKEN_LIVES, ORG

if TYPE_CHECKING:
    from nhi_revoke_github.sandbox.scene import Scene

CLERK, CLERK_TOO = "payments-clerk", "payments-auditor"
USER_TOKEN_LIVES = timedelta(hours=8)
PLACE = f"/repos/{seed.SHOP}"


def plant(scene: Scene) -> None:
    """Meddlings: `unsuspend` (with the stolen key), `suspend-by-owner`, `delete-app-key`, `delete-app-secret`."""
    hub, now, app = scene.hub, scene.now(), scene.app
    app.client_secret = hub.new_token_value("cs")
    hub.secrets.append(pem_of(scene.private_key).splitlines()[5])
    _held(scene)
    held = hub.new_token(
        "ghs", app.slug, now, expires=now + INSTALLATION_TOKEN_LIVES, permissions=dict(scene.installation.permissions),
        installation=scene.installation.id,
    )  # fmt: skip
    scene.steal(held.value)
    tokens = f"github:installation-token/{ORG}/{app.slug}/*"
    says = "a token of the app's installation, copied from a log, reads a private repository"
    scene.door(
        "installation-token", "installation-token", says, tokens, lambda: [scene.bearing(held.value, PLACE)],
        value=held.value,
    )  # fmt: skip
    says = "a fresh token, minted with the stolen private key, reads a private repository"
    installation = f"github:installation/{ORG}/{scene.installation.id}"
    scene.door("minted-token", "installation", says, installation, lambda: [_minted(scene)])
    says = "the stolen private key signs in as the app"
    scene.door("app-key", "app-key", says, key_access(scene), lambda: [as_app(scene, "GET", "/app")])
    _users(scene)
    scene.meddlings["unsuspend"] = lambda: _unsuspend(scene)
    scene.meddlings["suspend-by-owner"] = lambda: stop(scene.installation, seed.OPERATOR, scene.now())
    scene.meddlings["delete-app-key"] = app.keys.clear
    scene.meddlings["delete-app-secret"] = lambda: setattr(app, "client_secret", "")


def _held(scene: Scene) -> None:
    """The operator's copies, and the settings that name them."""
    app = scene.app
    key, secret = Path(scene.folder) / "github-app-key.pem", Path(scene.folder) / "github-app-secret"
    for file, text in ((key, pem_of(scene.private_key)), (secret, app.client_secret)):
        file.touch(0o600)
        file.write_text(text)
    scene.gate.operator |= {str(app.id), app.client_id}
    scene.settings["apps"] = [
        {
            "slug": app.slug, "client_id": app.client_id, "app_id": str(app.id), "private_key_file": str(key),
            "client_secret_file": str(secret),
        }
    ]  # fmt: skip


def _users(scene: Scene) -> None:
    hub, now, app = scene.hub, scene.now(), scene.app
    for clerk in (CLERK, CLERK_TOO):
        seed.new_account(hub, clerk, seed.long_ago(now))
    token = hub.new_token("ghu", CLERK, now, expires=now + USER_TOKEN_LIVES, client_id=app.client_id)
    scene.steal(token.value)
    says = "a user's token of the app, copied from its database, signs in as the user"
    scene.door(
        "user-token", "user-token", says, f"github:user-token/{ORG}/{app.slug}/*",
        lambda: [scene.bearing(token.value)], value=token.value,
    )  # fmt: skip
    another = hub.new_token("ghu", CLERK_TOO, now, expires=now + USER_TOKEN_LIVES, client_id=app.client_id)
    auth = httpx.BasicAuth(app.client_id, app.client_secret)
    says = "the stolen client secret is let in, and tells that a user's token lives"
    scene.door(
        "app-secret", "app-secret", says, f"github:app-secret/{app.slug}/held",
        lambda: [{
            "method": "POST", "url": f"{scene.url}/applications/{app.client_id}/token", "auth": auth,
            "json": {"access_token": another.value}, "headers": {"User-Agent": INTRUDER},
        }],
    )  # fmt: skip


def forget_key(scene: Scene) -> None:
    """The operator does not hold the app's key or secret after all: the doors are known by standing accesses."""
    scene.settings.pop("apps")
    standing = {
        key_access(scene): f"github:app-key/{ORG}/{scene.app.slug}/*",
        f"github:app-secret/{scene.app.slug}/held": f"github:app-secret/{ORG}/{scene.app.slug}/*",
    }
    scene.doors[:] = [replace(d, access=standing.get(d.access, d.access)) for d in scene.doors]


def key_access(scene: Scene) -> str:
    """Id of the key that is held, by its fingerprint."""
    mark = fingerprint(scene.private_key).removeprefix("SHA256:")
    return f"github:app-key/{scene.app.slug}/{mark.replace('+', '-').replace('/', '_').rstrip('=')}"


def as_app(scene: Scene, method: str, path: str) -> dict[str, Any]:
    """A request signed with the stolen key, by the intruder's own clock (GitHub's)."""
    import jwt

    now = int(scene.now().timestamp())
    signed = jwt.encode({"iat": now, "exp": now + 500, "iss": scene.app.client_id}, scene.private_key, "RS256")
    headers = {"Authorization": f"Bearer {signed}", "User-Agent": INTRUDER}
    return {"method": method, "url": f"{scene.url}{path}", "headers": headers}


def pem_of(key: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    text: str = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return text


def _minted(scene: Scene) -> dict[str, Any]:
    """Where nothing is minted, the refusal itself is tried again."""
    request = as_app(scene, "POST", f"/app/installations/{scene.installation.id}/access_tokens")
    answer = scene.client.request(**request)
    return scene.bearing(str(answer.json()["token"]), PLACE) if answer.status_code == 201 else request


def _unsuspend(scene: Scene) -> None:
    """With the stolen key: what the app suspended, the app takes back."""
    if scene.app.keys and scene.installation.suspended_by == f"{scene.app.slug}[bot]":
        scene.installation.status.set("active", scene.now(), 0.0)
        scene.installation.suspended_by, scene.installation.suspended_at = "", None
