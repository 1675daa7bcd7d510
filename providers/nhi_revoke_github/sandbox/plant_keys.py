"""What the intruder holds of keys and membership: a classic token, deploy keys of both repositories, an SSH key.

The classic token's value is known to nobody but the intruder: only the machine user's membership opens the
organisation to it. The SSH key opens the user's own repository, which no organisation can shut.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.routes_keys import new_deploy_key, sign
from nhi_revoke_github.sandbox.state import ORG, Hub, stamp

if TYPE_CHECKING:
    from nhi_revoke_github.sandbox.scene import Scene

OWN = f"{seed.LOGIN}/dotfiles"
SHOP = f"github:repo/{seed.SHOP}"


def plant(scene: Scene) -> None:
    """Four doors. Meddlings: `new-deploy-key`, `back-in`."""
    hub, then, login = scene.hub, seed.long_ago(scene.now()), scene.machine.login
    hub.members.setdefault(login, Lagged("member", then))
    seed.new_repository(hub, OWN, then)
    if SHOP not in scene.principals:
        scene.principals.append(SHOP)
    _tokens_door(scene)
    for name, where, added_by, read_only in (
        ("deploy-key", scene.shop, seed.OPERATOR, False),
        ("added-deploy-key", scene.ledger, login, True),
    ):
        private, public = new_pair(hub)
        if where is scene.shop:
            scene.deploy_key = hub.secrets[-1]
        made = new_deploy_key(hub, where, f"{name} of the build", public, then, added_by=added_by, read_only=read_only)
        scene.door(
            name, "deploy-key", f"the private half of a deploy key of {where.name}, copied from a build machine",
            f"github:{name}/{where.full_name}/{made.id}", git(scene, private, where.full_name),
        )  # fmt: skip
    private, public = new_pair(hub)
    number = add_user_key(scene, public)
    scene.door(
        "user-ssh-key", "ssh-key", "the user's SSH key, at its own repository",
        f"github:ssh-key/{login}/{number}", git(scene, private, OWN),
    )  # fmt: skip
    _signing_keys(scene)
    scene.meddlings["new-deploy-key"] = lambda: _new_deploy_key(scene)
    scene.meddlings["back-in"] = lambda: _back_in(scene)


def new_pair(hub: Hub) -> tuple[Any, str]:
    """An ed25519 private key and its public text; the private text is a canary."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    private = ed25519.Ed25519PrivateKey.from_private_bytes(hub.entropy.randbytes(32))
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    hub.secrets.append(text.decode())
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private, public.decode()


def add_user_key(scene: Scene, public: str) -> int:
    """An SSH key of the machine user; returns its id."""
    number = scene.hub.new_id()
    at = stamp(seed.long_ago(scene.now()))
    scene.machine.ssh_keys[number] = {
        "id": number, "key": public, "created_at": at, "last_used": stamp(scene.now() - timedelta(days=1))
    }  # fmt: skip
    return number


def _tokens_door(scene: Scene) -> None:
    """With every scope; no list of the organisation shows it, and nobody but the intruder has its value."""
    login = scene.machine.login
    token = scene.hub.new_token(
        "ghp", login, seed.long_ago(scene.now()), permissions={"contents": "write", "metadata": "read"}, name="laptop"
    )
    scene.steal(token.value)
    scene.door(
        "classic-token", "classic-pat", "a classic personal token that no list shows, copied from a laptop",
        f"github:membership/{ORG}/{login}",
        lambda: [scene.bearing(token.value, f"/repos/{seed.SHOP}/branches")], value=token.value,
    )  # fmt: skip


def git(scene: Scene, private: Any, full_name: str) -> Any:
    """Tries of a repository over git with a private key."""
    request = {"method": "GET", "url": f"{scene.url}/_git/{full_name}", "headers": sign(private, full_name)}
    return lambda: [request]


def _signing_keys(scene: Scene) -> None:
    hub, at = scene.hub, stamp(seed.long_ago(scene.now()))
    _, public = new_pair(hub)
    ssh, gpg = hub.new_id(), hub.new_id()
    scene.machine.signing_keys[ssh] = {"id": ssh, "key": public, "title": "signing", "created_at": at}
    scene.machine.gpg_keys[gpg] = {
        "id": gpg, "primary_key_id": None, "key_id": "3262EFF25BA0D270", "raw_key": None, "public_key": "xsBNBFayYZ",
        "created_at": at, "expires_at": None, "can_sign": True, "can_encrypt_comms": False,
        "can_encrypt_storage": False, "can_certify": True, "emails": [], "subkeys": [], "revoked": False,
    }  # fmt: skip


def _new_deploy_key(scene: Scene) -> None:
    """The intruder adds a key of its own to the shop, as the machine user."""
    private, public = new_pair(scene.hub)
    made = new_deploy_key(scene.hub, scene.shop, "build", public, scene.now(), added_by=scene.machine.login)
    scene.door(
        "late-deploy-key", "deploy-key", "a deploy key that the intruder added during the run",
        f"github:deploy-key/{seed.SHOP}/{made.id}", git(scene, private, seed.SHOP),
    )  # fmt: skip


def _back_in(scene: Scene) -> None:
    """Somebody adds the machine user to the organisation again."""
    scene.hub.members[scene.machine.login].set("member", scene.now(), scene.hub.write_lag)
