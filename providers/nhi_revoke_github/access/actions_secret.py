"""Secrets that workflows of a repository read: names and ages alone. No API gives a value, so that they are noted.

OpenAPI: actions/list-repo-secrets, list-environment-secrets, list-repo-organization-secrets, dependabot/list-repo-
secrets. Secrets of Codespaces and agents are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, ForJobs, View
from nhi_revoke_github.connection import GithubConnection, repo_path
from nhi_revoke_github.naming import REPO
from nhi_revoke_github.permissions import ACTIONS, DEPENDABOT_SECRETS, ENVIRONMENTS, SECRETS

KIND = "github:secret"
ORG_SHELF = "org"
COULD = "it could hold the identity's credentials: GitHub shows no value"


class Shelf(NamedTuple):
    """One place with secrets."""

    name: str
    """In the access id."""
    says: str
    path: str
    needs: str


class ActionsSecrets(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "secret of a workflow"
    family: ClassVar[Family] = "secret"
    on: ClassVar[tuple[str, ...]] = (REPO,)
    for_jobs: ClassVar[ForJobs] = "secret"
    reads: ClassVar[tuple[str, ...]] = (SECRETS.read, DEPENDABOT_SECRETS.read, ACTIONS.read, ENVIRONMENTS.read)
    survives: ClassVar[str] = "what a job read of them before; secrets of Codespaces and agents are not looked at"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        shelves = [
            Shelf("actions", "of Actions", repo_path(ref.id, "/actions/secrets"), SECRETS.read),
            Shelf(ORG_SHELF, "of the organisation", repo_path(ref.id, "/actions/organization-secrets"), SECRETS.read),
            Shelf("dependabot", "of Dependabot", repo_path(ref.id, "/dependabot/secrets"), DEPENDABOT_SECRETS.read),
        ]
        looks: list[Callable[[], Iterable[Found]]] = [partial(self._on, conn, ref, shelf) for shelf in shelves]
        looks.append(partial(self._in_environments, conn, ref, io))
        for found in io.map(_done, looks):
            yield from found

    def _in_environments(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        shelves = []
        try:
            for row in conn.rows(repo_path(ref.id, "/environments"), ACTIONS.read, under="environments"):
                name = str(row["name"])
                path = repo_path(ref.id, f"/environments/{segment(name)}/secrets")
                shelves.append(Shelf(f"env/{segment(name)}", f"of environment {name}", path, ENVIRONMENTS.read))
        except Denied as denied:
            yield BlindSpot(ref, KIND, denied.message, needs=denied.needs or ACTIONS.read)
        for found in io.map(lambda shelf: list(self._on(conn, ref, shelf)), shelves):
            yield from found

    def _on(self, conn: GithubConnection, ref: PrincipalRef, shelf: Shelf) -> Iterable[Found]:
        try:
            for row in conn.rows(shelf.path, shelf.needs, under="secrets"):
                yield self._access(ref, shelf, row)
        except Denied as denied:
            yield BlindSpot(ref, KIND, denied.message, needs=denied.needs or shelf.needs)

    def _access(self, ref: PrincipalRef, shelf: Shelf, row: dict[str, Any]) -> Access:
        name = str(row["name"])
        written = str(row.get("updated_at") or "")
        return Access(
            id=f"{KIND}/{{name}}/{shelf.name}/{name}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"secret {name} {shelf.says}",
            created=datetime.fromisoformat(str(row["created_at"])) if row.get("created_at") else None,
            evidence=f"GET {shelf.path}",
            door=name,
            opens=False,
            note=f"written {written or 'at no known time'}; {COULD}",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Noted: what it holds is ended where it was issued."""
        return ()


def _done(look: Callable[[], Iterable[Found]]) -> Sequence[Found]:
    return list(look())
