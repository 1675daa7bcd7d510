"""An outside collaborator: repositories of the organisation that a user who is no member may enter.

Facts okta-github.md 2.1, 2.4 (13). OpenAPI: orgs/remove-outside-collaborator (from all repositories at once; 422 for a
member). GitHub docs: rest/orgs/outside-collaborators, rest/collaborators/collaborators (adding one again is an
invitation, which the user must accept). What repositories grant to a member of the organisation ends with its
membership, and is not listed here.

Where the organisation has at most `WALKED` repositories, each is asked for the user's role before, so that it can be
invited again; in a larger one containment does not wait for that, and the removal is irreversible.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_github.connection import GithubConnection, org_path, repo_path
from nhi_revoke_github.naming import USER
from nhi_revoke_github.permissions import ADMINISTRATION, MEMBERS, METADATA
from nhi_revoke_github.repositories import repositories, walk
from nhi_revoke_github.words import HIDDEN

KIND = "github:collaboration"
LIST = "GET /orgs/…/outside_collaborators"
WALKED = 100
"""Repositories: a page of them, and some seconds."""
GONE: Json = {"collaborator": False}
SURVIVES = "clones and forks elsewhere; its tokens and keys outside the organisation; deploy keys that it added"


def outsider(conn: GithubConnection, login: str) -> dict[str, Any] | None:
    """The user's row among the outside collaborators. Raises Denied."""
    rows = conn.rows(org_path(conn.org, "/outside_collaborators"), MEMBERS.read)
    return next((row for row in rows if str(row["login"]).lower() == login.lower()), None)


class Remove(Doer[GithubConnection]):
    """From every repository of the organisation with one request."""

    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (MEMBERS.write, MEMBERS.read, ADMINISTRATION.write)
    says: ClassVar[str] = "removes the outside collaborator from all repositories"
    undone: ClassVar[str] = "invited again to the same repositories in the same role: the user must accept"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "OpenAPI: orgs/remove-outside-collaborator; GitHub docs: rest/collaborators"

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        login = str(step.before["login"])
        try:
            conn.send("DELETE", org_path(conn.org, f"/outside_collaborators/{segment(login)}"), MEMBERS.write)
        except Denied as denied:
            if denied.code != HIDDEN or outsider(conn, login) is not None:
                raise
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        return GONE if outsider(conn, str(step.before["login"])) is None else None

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        """A PUT may happen twice: an open invitation stays one."""
        login, grants = str(step.before["login"]), step.before["grants"] or {}
        if outsider(conn, login) is not None:
            return Already({"collaborator": True})
        for repo, role in grants.items():
            path = repo_path(repo, f"/collaborators/{segment(login)}")
            conn.send("PUT", path, ADMINISTRATION.write, {"permission": role})
        return Done({"invited": sorted(grants)}, conn.now())


class Collaborations(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "outside collaboration"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (MEMBERS.read, METADATA)
    remedies = (Remove(),)
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        row = outsider(conn, ref.id)
        if row is None:
            return
        grants = self._grants(conn, ref.id, io)
        where = ", ".join(f"{repo} ({role})" for repo, role in (grants or {}).items())
        yield Access(
            id=f"{KIND}/{{scope}}/{{name}}", on=ref, kind=KIND, family=self.family, state="live",
            label=f"outside collaborator of {conn.org}", evidence=LIST, door=conn.org,
            before={"login": str(row["login"]), "org": conn.org, "grants": grants},
            note=where or "in which repositories was not looked at",
        )  # fmt: skip

    def _grants(self, conn: GithubConnection, login: str, io: Io) -> dict[str, str] | None:
        """Role by repository; None where not all could be asked."""
        try:
            names = repositories(conn)
            if not names or len(names) > WALKED:
                return None
            walked = walk(conn, io, "collaborators", METADATA, lambda repo: _role(conn, repo, login), names)
        except Denied:
            return None
        return None if walked.hidden else {repo: role for repo, role in walked.found if role}

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if intent.order != "contain" or not intent.covers(access):
                continue
            org, known = access.before["org"], bool(access.before["grants"])
            yield draft_step(
                self, self.remedies[0], view, access, reversible=known, rearms="always" if known else "no",
                says=f"remove {view.who.name} from all repositories of {org}",
                breaks=f"whatever works as {view.who.name} in {org}",
            )  # fmt: skip
            again = "taken back, it is an invitation, which the user must accept" if known else (
                "in which repositories it was, and in which role, is not known: it cannot be taken back"
            )  # fmt: skip
            yield Notice(view.who.ref, f"{view.who.name} as an outside collaborator of {org}: {again}")


def _role(conn: GithubConnection, repo: str, login: str) -> str:
    """The outside collaborator's role in one repository; empty where it has none."""
    rows = conn.rows(repo_path(repo, "/collaborators"), METADATA, affiliation="outside")
    mine = next((row for row in rows if str(row["login"]).lower() == login.lower()), None)
    return _ROLES.get(str(mine.get("role_name") or ""), str(mine.get("role_name") or "")) if mine else ""


_ROLES = {"read": "pull", "write": "push"}
"""What a role is called when it is granted (GitHub docs: add-a-repository-collaborator); others are called alike."""
