"""Rights that policies of projects, folders and the organisation give to workloads of pools; each level is read once.

facts gcp.md 1 (rows 8, 9), 7 (6, 20, 21). Google Cloud docs: cloudresourcemanager v1 projects.getAncestry, v3
getIamPolicy; gcloud reference (remove-iam-policy-binding). Two requests for each project, and one for each folder,
organisation and role of their own, however many accounts there are.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Fault
from nhi_revoke_gcp.hierarchy import Level, ancestors, level, sort_of, told, words_of
from nhi_revoke_gcp.permissions import GET_POLICY_OF, SEE_PROJECT
from nhi_revoke_gcp.policy import Trust, members_of
from nhi_revoke_gcp.pool_member import pool_member
from nhi_revoke_gcp.roles import in_words, judged

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

PACE = 50
"""Reads in a second, by those who look through many projects; the margin is ours."""
REMOVES = {
    "projects": "gcloud projects remove-iam-policy-binding",
    "folders": "gcloud resource-manager folders remove-iam-policy-binding",
    "organizations": "gcloud organizations remove-iam-policy-binding",
}


class Right(Struct, frozen=True):
    """One member of one binding."""

    at: str
    """`folders/123`."""
    trust: Trust
    becomes: str = ""
    """How its holder becomes every account below, in words; empty where its role does not let it."""
    below: frozenset[str] = frozenset()
    """Projects that it holds for, of those that were looked through."""

    def lets_become(self, project: str) -> bool:
        """Accounts of this project."""
        return bool(self.becomes) and project in self.below

    @property
    def words(self) -> str:
        """Without whose it is: `roles/editor of folder 123 (of every account below: may become it)`."""
        only = f"; only where {self.trust.expression}" if self.trust.expression else ""
        more = f" (of every account below: {self.becomes})" if self.becomes else ""
        return f"{self.trust.role} of {words_of(self.at)}{more}{only}"

    @property
    def removes(self) -> str:
        """What to type, as a shell takes it: this tool does not take such a right away."""
        sort, _, name = self.at.partition("/")
        all_ = ["--all"] if self.trust.expression else []
        words = [*REMOVES[sort].split(), name, f"--member={self.trust.member}", f"--role={self.trust.role}", *all_]
        return shlex.join(words)


class Unread(Struct, frozen=True):
    """A level that nobody here may read, or what is above a project."""

    what: str
    """`the policy of folder 123`."""
    fault: Fault
    needs: str


class PoolRights(Struct, frozen=True):
    """All that was read."""

    rights: tuple[Right, ...] = ()
    unread: tuple[Unread, ...] = ()


def pool_rights(conn: GcpConnection, projects: Sequence[str]) -> PoolRights:
    """Three requests deep. Never raises a fault: each is told."""
    above = dict(zip(projects, conn.io.map(lambda each: _above(conn, each), projects), strict=True))
    over = {each: () if isinstance(found, Fault) else tuple(found) for each, found in above.items()}
    below: dict[str, list[str]] = {}
    for project, folders in over.items():
        for resource in (f"projects/{project}", *folders):
            below.setdefault(resource, []).append(project)
    levels = conn.io.map(lambda resource: _level(conn, resource), list(below))
    unread = [
        Unread(f"the policy of {at.words}", at.unread, GET_POLICY_OF[sort_of(at.resource)])
        for at in levels
        if at.unread is not None
    ]
    unread += [
        Unread(f"policies of folders and of the organisation above project {project}", found, SEE_PROJECT)
        for project, found in above.items()
        if isinstance(found, Fault)
    ]
    held = [
        (at.resource, trust)
        for at in levels
        if at.policy is not None
        for trust in members_of(at.policy)
        if not trust.is_dead and pool_member(trust.member) is not None
    ]
    means = judged(conn, (trust.role for _, trust in held))
    rights = (Right(at, trust, in_words(means[trust.role]), frozenset(below[at])) for at, trust in held)
    return PoolRights(tuple(rights), tuple(unread))


def _above(conn: GcpConnection, project: str) -> list[str] | Fault:
    found: list[str] | Fault = _once(conn, "above", project, partial(told, lambda: ancestors(conn, project)))
    return found


def _level(conn: GcpConnection, resource: str) -> Level:
    read: Level = _once(conn, "level", resource, partial(level, conn, resource))
    return read


def _once(conn: GcpConnection, sort: str, name: str, look: Any) -> Any:
    conn.io.pace("gcp:levels", PACE, PACE)
    return conn.fresh.told((sort, name), look)
