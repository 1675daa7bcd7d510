"""What the intruder holds of the machine user: a fine-grained token and a classic one that single sign-on lets in.

Beside the operator's token stands the operator's App, which alone may look at fine-grained tokens: its key lies in the
seed's folder.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.routes_tokens import new_pat
from nhi_revoke_github.sandbox.state import ORG, App, Authorization, Token

if TYPE_CHECKING:
    from nhi_revoke_github.sandbox.scene import Scene

RESPONDER = "incident-response"
"""Slug of the operator's App."""
KEY_FILE = "github-responder.pem"
MAY = {
    "organization_personal_access_tokens": "write", "organization_personal_access_token_requests": "read",
    **dict.fromkeys(
        (
            "actions", "actions_variables", "administration", "contents", "dependabot_secrets", "environments",
            "members", "metadata", "organization_actions_variables", "organization_administration",
            "organization_secrets", "organization_self_hosted_runners", "secrets",
        ),
        "write",
    ),
}  # fmt: skip


def plant(scene: Scene) -> None:
    """Meddlings: `new-pat`, `new-sso`."""
    hub, login, then = scene.hub, scene.machine.login, seed.long_ago(scene.now())
    responder(scene)
    pat = new_pat(hub, login, then, "nightly export", contents="write", metadata="read")
    pat.expires = scene.now() + timedelta(days=200)
    waiting = hub.new_token("github_pat", login, scene.now() - timedelta(hours=1), name="backup", permissions={
        "administration": "write"})  # fmt: skip
    hub.pat_requests[hub.new_id()] = waiting
    classic = hub.new_token("ghp", login, then, permissions={"*": "write"}, name="deploy script")
    sso = authorize(scene, classic)
    number = hub.new_id()
    hub.authorizations[number] = Authorization(
        number, login, "SSH key", "build host", then, Lagged(True, then), fingerprint="SHA256:jXzBuildHost"
    )
    scene.steal(pat.value, classic.value)
    _pat_door(scene, "pat", pat)
    _sso_door(scene, "sso-token", classic, sso)
    scene.meddlings["new-pat"] = lambda: _new_pat(scene)
    scene.meddlings["new-sso"] = lambda: _new_sso(scene)


def responder(scene: Scene) -> App:
    """The operator's App, installed on the organisation."""
    from cryptography.hazmat.primitives import serialization

    app, private = seed.new_app(scene.hub, RESPONDER, seed.long_ago(scene.now()), **MAY)
    seed.install(scene.hub, app, seed.long_ago(scene.now()))
    scene.gate.operator.add(str(app.id))
    file = Path(scene.folder) / KEY_FILE
    file.touch(0o600)
    file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return app


def sign_in_by_app(scene: Scene) -> dict[str, str]:
    """Settings by which the operator is that App, alone or beside a token."""
    app = scene.hub.app_of(RESPONDER)
    return {"app_id": str(app.id if app else ""), "private_key_file": str(Path(scene.folder) / KEY_FILE)}


def authorize(scene: Scene, token: Token, kind: str = "personal access token") -> Authorization:
    hub, at = scene.hub, scene.now() - timedelta(days=30)
    made = Authorization(hub.new_id(), token.owner, kind, token.name, at, Lagged(True, at), token=token.id)
    hub.authorizations[made.id] = made
    return made


def _pat_door(scene: Scene, name: str, pat: Token) -> None:
    """An operator by token alone sees none of them: what is known to hold this one is the membership."""
    itself, member = f"github:pat/{ORG}/{pat.credential_id}", f"github:membership/{ORG}/{pat.owner}"
    scene.door(
        name, "fine-grained-token", f"a fine-grained token of {pat.owner}, tried at a private repository",
        itself if scene.pats_are_seen else member,
        lambda: [scene.bearing(pat.value, f"/repos/{scene.shop.full_name}/readme")], value=pat.value,
    )  # fmt: skip


def _sso_door(scene: Scene, name: str, token: Token, sso: Authorization) -> None:
    scene.door(
        name, "classic-token", f"a classic token of {token.owner} that single sign-on lets in",
        f"github:sso-authorization/{ORG}/{sso.id}",
        lambda: [scene.bearing(token.value, f"/repos/{scene.shop.full_name}/readme")], value=token.value,
    )  # fmt: skip


def _new_pat(scene: Scene) -> None:
    pat = new_pat(scene.hub, scene.machine.login, scene.now(), "backup 2", contents="write")
    scene.steal(pat.value)
    _pat_door(scene, "new-pat", pat)


def _new_sso(scene: Scene) -> None:
    token = scene.hub.new_token("ghp", scene.machine.login, scene.now(), permissions={"*": "write"}, name="backup")
    scene.steal(token.value)
    _sso_door(scene, "new-sso-token", token, authorize(scene, token))
