"""A new deploy key: the pair is made here, its public half is added, its private half is handed over in memory.

OpenAPI: repos/create-deploy-key. GitHub docs: generating-a-new-ssh-key (ed25519), rest/deploy-keys. GitHub cannot be
asked over REST to let a private key in, so that a new one is recorded at most: listed, with our fingerprint, verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Found
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import View, draft_step
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.access.deploy_key import (
    GONE,
    KIND,
    Delete,
    DeployKeyKind,
    fingerprint,
    listed,
    place_of,
    remove,
    same_key,
)
from nhi_revoke_github.connection import GithubConnection, repo_path
from nhi_revoke_github.naming import REPO
from nhi_revoke_github.permissions import ADMINISTRATION

TITLE = "nhi-revoke "
"""Titles of keys that runs make begin so; the run's id follows."""
FIELD = "private_key"
DIES_WITH = (
    "the new deploy key is deleted by GitHub with the operator's token, should that be deleted, unless a GitHub App "
    "makes it: keep the token, or sign in as an App"
)


class Pair(Struct, frozen=True):
    """One key pair."""

    private: str
    """OpenSSH's PEM, not encrypted."""
    public: str
    """`ssh-ed25519 …`, without a comment."""


def new_pair() -> Pair:
    """An ed25519 pair."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Pair(private.decode(), public.decode())


class CreateDeployKey(Mint[GithubConnection]):
    """Not repeated blindly: after a lost answer the new public key is looked for."""

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = (ADMINISTRATION.write, ADMINISTRATION.read)
    says: ClassVar[str] = "makes a new key pair and adds its public half to the repository"
    undone: ClassVar[str] = "the new key is deleted"
    source: ClassVar[str] = "OpenAPI: repos/create-deploy-key"

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        pair, repo = new_pair(), step.on.id
        body = {"title": f"{TITLE}{run.id}", "key": pair.public, "read_only": bool(step.before["read_only"])}
        try:
            made = conn.send("POST", repo_path(repo, "/keys"), ADMINISTRATION.write, body, again=False)
        except NoAnswer:
            found = self._ours(conn, repo, pair.public)
            if found is None:
                raise
            made = found
        public = {"repository": repo, "public_key": pair.public, "fingerprint": fingerprint(pair.public)}
        run.give(step.id, Secret(pair.private, field=FIELD, public=public))
        return Done({"id": f"{KIND}/{repo}/{int(made['id'])}", "field": FIELD, "public": public}, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        if not left.get("id"):
            return None
        repo, key = place_of(str(left["id"]))
        return left if key in listed(conn, repo) else None

    def orphans(self, conn: GithubConnection, step: Step) -> Sequence[AccessId]:
        """By difference, and by the title that runs give: another person's new key is nobody's orphan."""
        known, repo = set(step.before.get("ids") or ()), step.on.id
        ours = (k for k, row in listed(conn, repo).items() if str(row.get("title") or "").startswith(TITLE))
        return [access for access in (f"{KIND}/{repo}/{key}" for key in ours) if access not in known]

    def destroy(self, conn: GithubConnection, step: Step, access: AccessId) -> Change:
        return remove(conn, access)

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: GithubConnection, step: Step, secret: Secret) -> Proven:
        row = self._ours(conn, step.on.id, secret.public["public_key"])
        if row is None:
            return Proven(Proof.UNPROVEN, "the repository does not list the new key (yet)")
        if not row.get("verified") or row.get("enabled") is False:
            return Proven(Proof.UNPROVEN, "the new key is listed, and not verified or not enabled")
        how = "listed with the new key's fingerprint, verified; git was not tried over SSH"
        return Proven(Proof.RECORDED, how, conn.now())

    def _ours(self, conn: GithubConnection, repo: str, public: str) -> dict[str, Any] | None:
        return next((row for row in listed(conn, repo).values() if same_key(str(row["key"]), public)), None)


NONE_LEFT = (
    "no live deploy key is left whose rights the new one could take over: it reads only; one that is to write is added "
    "by hand"
)


class DeployKeys(DeployKeyKind):
    """A repository's own: one request, read before the first cut."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "deploy keys"
    on: ClassVar[tuple[str, ...]] = (REPO,)
    reads: ClassVar[tuple[str, ...]] = (ADMINISTRATION.read,)
    remedies = (Delete(),)
    mint = CreateDeployKey()

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for row in listed(conn, ref.id).values():
            yield self._access(ref, "{name}", row)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        yield from self._ends(view, intent)
        if self._wanted(view, intent):
            yield from self._replacement(view, intent)

    def _wanted(self, view: View, intent: Intent) -> bool:
        """Whether this run is to replace what it ends, and a delivery is meant for this repository."""
        if KIND not in intent.replace or intent.rotate == "no" or intent.reason is Reason.OFFBOARDING:
            return False
        targets = [d for d in view.inventory.identity.deliver if d.kind == KIND]
        mine = {"", str(view.who.ref), view.who.typed, view.who.name}
        return not targets or any(d.principal in mine for d in targets)

    def _replacement(self, view: View, intent: Intent) -> Iterable[Draft]:
        on, keys = view.who.ref, view.of(KIND)
        if any(b.kind == KIND and b.counts for b in view.blind):
            yield Manual(on, KIND, "not replaced: the repository's deploy keys could not be listed")
            return
        old = [a for a in keys if a.state == "live" and intent.covers(a)]
        if not old:
            if intent.scope not in ("all", "keys") or any(a.state == "live" for a in keys):
                return  # the scope leaves them
            yield Notice(on, NONE_LEFT)
        read_only = all(bool(a.before["read_only"]) for a in old)
        rights = "reads" if read_only else "reads and writes, as one of the old ones does"
        yield draft_step(
            self, self.mint, view, lock=f"{on}:keys", before={"ids": [a.id for a in keys], "read_only": read_only},
            says=f"mint a new deploy key for {view.who.name}, which {rights}",
        )  # fmt: skip
        yield Notice(on, DIES_WITH)
