"""Deploy keys; the public lists of a user's own keys; and git, by a signature of a private key.

GitHub docs: rest/deploy-keys (a public key is in use once on all of GitHub; keys that die with their creator's token).
`/_git/…` is the sandbox's own: over SSH a client proves its key by a signature, and here it does so in two headers.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_members import may_enter
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.state import Account, DeployKey, Hub, Repository, stamp

TABLE = Table()
READ, WRITE = "administration:read", "administration:write"
DIES_WITH = frozenset({"ghp", "github_pat", "gho"})
"""Kinds of tokens that take the deploy keys that they created with them."""


def key_row(at: Here, repository: Repository, key: DeployKey) -> dict[str, Any]:
    return {"id": key.id, "key": key.key, "title": key.title, "verified": True, "read_only": key.read_only,
            "url": f"{at.asked.url}/repos/{repository.full_name}/keys/{key.id}", "created_at": stamp(key.created),
            "added_by": key.added_by or None, "last_used": stamp(key.last_used),
            "enabled": key.status.shown != "suspended"}  # fmt: skip


def repository(at: Here, owner: str, repo: str) -> Repository:
    """Raises 404."""
    found = at.gate.hub.repository(f"{owner}/{repo}")
    if found is None:
        raise NOT_FOUND
    return found


def one_key(at: Here, owner: str, repo: str, key: int) -> tuple[Repository, DeployKey]:
    found = repository(at, owner, repo)
    if key not in found.keys or found.keys[key].status.shown == "gone":
        raise NOT_FOUND
    return found, found.keys[key]


@TABLE.route("GET", "/repos/<owner>/<repo>/keys", READ)
def list_keys(at: Here, owner: str, repo: str) -> Reply:
    found = repository(at, owner, repo)
    return Reply(200, [key_row(at, found, k) for k in found.keys.values() if k.status.shown != "gone"], rows=True)


@TABLE.route("GET", "/repos/<owner>/<repo>/keys/<int:key>", READ)
def get_key(at: Here, owner: str, repo: str, key: int) -> Reply:
    return Reply(200, key_row(at, *one_key(at, owner, repo, key)))


@TABLE.route("POST", "/repos/<owner>/<repo>/keys", WRITE)
def add_key(at: Here, owner: str, repo: str) -> Reply:
    found, asked = repository(at, owner, repo), at.asked.json
    public = " ".join(str(asked.get("key") or "").split()[:2])
    if _read(public) is None:
        raise Turned(422, "invalid", "key is invalid. You must supply a key in OpenSSH public key format")
    if any(
        k.key == public and k.status.shown != "gone" for r in at.gate.hub.repositories.values() for k in r.keys.values()
    ):
        raise Turned(422, "custom", "key is already in use")
    token = at.caller.token
    made = new_deploy_key(
        at.gate.hub, found, str(asked.get("title") or ""), public, at.now, added_by=at.caller.login,
        read_only=bool(asked.get("read_only")), made_with=token.id if token and token.kind in DIES_WITH else 0,
    )  # fmt: skip
    at.gate.hub.log("public_key.create", at.now, at.caller.login, repo=found.full_name, fingerprint=str(made.id))
    return Reply(201, key_row(at, found, made))


@TABLE.route("DELETE", "/repos/<owner>/<repo>/keys/<int:key>", WRITE)
def delete_key(at: Here, owner: str, repo: str, key: int) -> Reply:
    found, old = one_key(at, owner, repo, key)
    old.status.set("gone", at.now, at.gate.hub.write_lag)
    at.gate.hub.log("public_key.delete", at.now, at.caller.login, repo=found.full_name, fingerprint=str(old.id))
    return Reply(204)


@TABLE.route("GET", "/users/<login>/keys", "metadata:read")
def user_keys(at: Here, login: str) -> Reply:
    rows = [
        {m: row[m] for m in ("id", "key", "created_at", "last_used")} for row in _account(at, login).ssh_keys.values()
    ]
    return Reply(200, rows, rows=True)


@TABLE.route("GET", "/users/<login>/gpg_keys", "metadata:read")
def user_gpg_keys(at: Here, login: str) -> Reply:
    return Reply(200, list(_account(at, login).gpg_keys.values()), rows=True)


@TABLE.route("GET", "/users/<login>/ssh_signing_keys", "metadata:read")
def user_signing_keys(at: Here, login: str) -> Reply:
    return Reply(200, list(_account(at, login).signing_keys.values()), rows=True)


@TABLE.route("GET", "/_git/<owner>/<repo>", "-")
def fetch(at: Here, owner: str, repo: str) -> Reply:
    """What `git fetch` shows a client whose key is a deploy key there, or of a user who may enter."""
    public = " ".join(at.asked.headers.get("x-ssh-key", "").split()[:2])
    signature = at.asked.headers.get("x-ssh-signature", "")
    found = at.gate.hub.repository(f"{owner}/{repo}")
    if found is None or not signed(public, signature, found.full_name):
        raise Turned(403, "publickey", "Permission denied (publickey).")
    key = next((k for k in found.keys.values() if k.key == public and k.status.obeyed(at.now) == "active"), None)
    if key is not None:
        key.last_used = at.now
        return Reply(200, {"refs": ["refs/heads/main"]})
    owners = (a for a in at.gate.hub.accounts.values() if any(k["key"] == public for k in a.ssh_keys.values()))
    who = next(owners, None)
    if who is None or not may_enter(at.gate.hub, who.login, found, at.now):
        raise Turned(404, "not-found", "ERROR: Repository not found.")
    return Reply(200, {"refs": ["refs/heads/main"]})


# -- making, and what goes along -----------------------------------------------------------------------------------


def new_deploy_key(
    hub: Hub, where: Repository, title: str, public: str, at: datetime, *, added_by: str, read_only: bool = True,
    made_with: int = 0,
) -> DeployKey:  # fmt: skip
    key = DeployKey(hub.new_id(), title, public, at, read_only, added_by, Lagged("active", at), made_with=made_with)
    where.keys[key.id] = key
    return key


def gone_with(hub: Hub, token: int, at: datetime) -> None:
    """A personal or OAuth token was deleted: so are the deploy keys that it created (facts 2.4, 20)."""
    for repository in hub.repositories.values():
        for key in repository.keys.values():
            if key.made_with == token and key.status.shown != "gone":
                key.status.set("gone", at, hub.write_lag)


def sign(private: Any, full_name: str) -> dict[str, str]:
    """Headers by which a holder of an ed25519 private key asks `/_git/…`."""
    from cryptography.hazmat.primitives import serialization

    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    signature = base64.b64encode(private.sign(full_name.lower().encode())).decode()
    return {"X-SSH-Key": public.decode(), "X-SSH-Signature": signature}


def signed(public: str, signature: str, full_name: str) -> bool:
    from cryptography.exceptions import InvalidSignature

    key = _read(public)
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), full_name.lower().encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(public: str) -> Any:
    """The sandbox knows ed25519 alone."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    try:
        key = serialization.load_ssh_public_key(public.encode())
    except ValueError:
        return None
    return key if isinstance(key, ed25519.Ed25519PublicKey) else None


def _account(at: Here, login: str) -> Account:
    account = at.gate.hub.account(login)
    if account is None:
        raise NOT_FOUND
    return account
