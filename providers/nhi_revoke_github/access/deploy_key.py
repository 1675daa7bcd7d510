"""Deploy keys: SSH keys of one repository, tied to no user, without an end.

Facts okta-github.md 2.1, 2.2 and 2.4 (10, 13, 20). OpenAPI: repos/list-deploy-keys, repos/delete-deploy-key. GitHub
docs: rest/deploy-keys (what else deletes one: the personal or OAuth token that created it; what a GitHub App created
survives the App), managing-deploy-keys (it stays where its creator leaves).

Two kinds of one thing. `github:deploy-key` is a repository's own, one request. `github:added-deploy-key` is what a user
or an App added anywhere, for which every repository is asked, and which is read late. REST, and not GraphQL: its
`DeployKey` tells neither who added it nor the id that deletes it (GitHub docs: graphql/reference/deploy-keys), so that
each key would be asked for again. 2,000 repositories take 2,020 requests of the 5,000 an hour, in a little over
two minutes; 500, seconds (benchmarks/github_deploy_keys.py has the figures, `repositories` the pace). A user and an App
of one identity go the same walk.

A deploy key cannot be disabled by itself (an organisation's policy disables all of them), so the first blow deletes it.
Its text is public and is kept: undo adds the same key again, under another id and in the operator's name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_github.connection import GithubConnection, repo_path
from nhi_revoke_github.naming import APP, USER
from nhi_revoke_github.permissions import ADMINISTRATION, METADATA
from nhi_revoke_github.repositories import walk
from nhi_revoke_github.words import HIDDEN

KIND = "github:deploy-key"
ADDED = "github:added-deploy-key"
LIST = "GET /repos/…/keys"
GONE: Json = {"status": "gone"}
COLLATERAL = (
    "GitHub deletes a deploy key with the personal or OAuth token that created it; one that a GitHub App created "
    "outlives the App, and a creator who leaves leaves it behind: each is deleted by itself here"
)
SURVIVES = "clones of the repository, and what was pushed with it"


def listed(conn: GithubConnection, repo: str) -> dict[int, dict[str, Any]]:
    """A repository's keys by id. Raises Denied: GitHub tells "none" by an empty list alone."""
    return {int(row["id"]): row for row in conn.rows(repo_path(repo, "/keys"), ADMINISTRATION.read)}


def place_of(access: AccessId) -> tuple[str, int]:
    """Full name of the repository, and the key's id."""
    _, owner, name, key = access.rsplit("/", 3)
    return f"{owner}/{name}", int(key)


def fingerprint(key: str) -> str:
    """As ssh-keygen shows it; empty for what is no public key."""
    parts = key.split()
    try:
        blob = base64.b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except (binascii.Error, ValueError):
        blob = b""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""


def same_key(one: str, other: str) -> bool:
    """GitHub drops the comment of a key."""
    return bool(one) and one.split()[:2] == other.split()[:2]


def remove(conn: GithubConnection, access: AccessId) -> Change:
    """Safe to repeat. A 404 is "gone" only where the repository's list can be read and does not have it."""
    repo, key = place_of(access)
    try:
        conn.send("DELETE", repo_path(repo, f"/keys/{key}"), ADMINISTRATION.write)
    except Denied as denied:
        if denied.code != HIDDEN or key in listed(conn, repo):
            raise
        return Already(GONE)
    return Done(GONE, conn.now())


class Delete(Doer[GithubConnection]):
    """The first and only blow: GitHub has no way to disable one key."""

    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (ADMINISTRATION.write, ADMINISTRATION.read)
    says: ClassVar[str] = "deletes the deploy key"
    undone: ClassVar[str] = "the same public key is added again, under another id and in the operator's name"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "OpenAPI: repos/delete-deploy-key; GitHub docs: rest/deploy-keys"

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        return remove(conn, step.ends[0])

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        repo, key = place_of(step.ends[0])
        return None if key in listed(conn, repo) else GONE

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        """Never a second one: where the public key is there already, under whatever id, nothing is added."""
        (repo, key), before = place_of(step.ends[0]), step.before
        if left != GONE:
            return Failed("this run did not delete the key: nothing was changed")
        there = listed(conn, repo)
        twin = next((i for i, row in there.items() if same_key(str(row["key"]), str(before["key"]))), None)
        if twin is not None:
            return Already({"id": twin})
        body = {m: before[m] for m in ("title", "key", "read_only")}
        made = conn.send("POST", repo_path(repo, "/keys"), ADMINISTRATION.write, body, again=False)
        return Done({"id": int(made["id"]), "was": key}, conn.now())


class DeployKeyKind(AccessKind[GithubConnection]):
    """What both kinds share."""

    family: ClassVar[Family] = "key"
    survives: ClassVar[str] = SURVIVES

    def _access(self, ref: PrincipalRef, repo: str, row: dict[str, Any]) -> Access:
        key, read_only = str(row["key"]), bool(row.get("read_only"))
        print_ = fingerprint(key)
        enabled = row.get("enabled") is not False
        by = str(row.get("added_by") or "")
        notes = {
            "reads and writes": not read_only,
            "disabled by a policy of the organisation: it works again where that is lifted": not enabled,
            f"added by {by}": bool(by),
        }
        return Access(
            id=f"{self.name}/{repo}/{int(row['id'])}",
            on=ref,
            kind=self.name,
            family=self.family,
            state="live" if enabled else "disabled",
            label=f"deploy key {row.get('title') or row['id']} of {repo}",
            created=moment(row.get("created_at")),
            last_used=moment(row.get("last_used")),
            evidence=LIST,
            door=f"{repo} {print_}",
            before={
                "title": str(row.get("title") or ""),
                "key": key,
                "read_only": read_only,
                "added_by": by,
                "fingerprint": print_,
            },
            note="; ".join(text for text, holds in notes.items() if holds),
        )

    def _ends(self, view: View, intent: Intent) -> Iterable[Draft]:
        mine = [a for a in view.of(self.name) if a.state in ("live", "unknown") and intent.covers(a)]
        for access in mine:
            repo, key = place_of(access.id)
            yield draft_step(
                self, self.remedies[0], view, access, says=f"delete {access.label}", rearms="always",
                lock=f"{KIND}/{repo}/{key}", breaks=f"whatever clones or pushes {repo} with this key",
            )  # fmt: skip
        if mine:
            yield Notice(view.who.ref, f"{COLLATERAL}. Taken back, it is the same key under another id", "info")


class DeleteAdded(Delete):
    """Taken back, it is the operator who added it."""

    moves: ClassVar[bool] = True


class AddedDeployKeys(DeployKeyKind):
    """Those that a user or an App added, over all repositories of the organisation."""

    name: ClassVar[str] = ADDED
    title: ClassVar[str] = "deploy keys that it added"
    on: ClassVar[tuple[str, ...]] = (USER, APP)
    reads: ClassVar[tuple[str, ...]] = (METADATA, ADMINISTRATION.read)
    remedies = (DeleteAdded(),)
    late: ClassVar[bool] = True

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        names = {ref.id.lower(), f"{ref.id}[bot]".lower()} if ref.kind == APP else {ref.id.lower()}
        walked = walk(conn, io, "deploy keys", ADMINISTRATION.read, lambda repo: listed(conn, repo))
        nobodys = 0
        for repo, rows in walked.found:
            for row in rows.values():
                if str(row.get("added_by") or "").lower() in names:
                    yield self._access(ref, repo, row)
                nobodys += not row.get("added_by") and row.get("enabled") is not False
        if nobodys:
            why = f"{nobodys} deploy keys of {conn.org} do not tell who added them: some may be this one's"
            yield BlindSpot(ref, ADDED, why, "a look at the repositories themselves: github:repo/OWNER/NAME")
        yield from walked.blind(ref, ADDED, "deploy keys")

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        return self._ends(view, intent)
