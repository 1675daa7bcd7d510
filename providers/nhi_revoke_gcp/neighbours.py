"""Accounts of a project with their policies, and which of them somebody may become, one through the other.

facts gcp.md 1 (row 8), 7 (12, 18, 19, 20). Google Cloud docs: iam v1 serviceAccounts.list (100 on a page at most),
getIamPolicy; iam/quotas (6,000 reads of a project in a minute).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.access.impersonation import policy_on
from nhi_revoke_gcp.hierarchy import Hierarchy, read_hierarchy, told
from nhi_revoke_gcp.permissions import LIST_ACCOUNTS
from nhi_revoke_gcp.policy import Trust, members_of
from nhi_revoke_gcp.universe import IAM

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

PAGE = 100
MOST = 500
"""Accounts of one project whose policies are read; where there are more, it is told."""
PER_SECOND, AT_ONCE = 50.0, 50
"""Half of what a project may be asked by everybody together (6,000 in a minute)."""
ANYBODY = ("allUsers", "allAuthenticatedUsers")


class Account(Struct, frozen=True):
    """One of them."""

    email: str
    resource: str
    disabled: bool
    trusts: tuple[Trust, ...] = ()
    unread: Fault | None = None


class Project(Struct, frozen=True):
    """What was read of one project."""

    id: str
    above: Hierarchy
    accounts: tuple[Account, ...] = ()
    unlisted: Fault | None = None
    """Why its accounts could not be listed."""
    more: bool = False
    """There are more accounts than were looked at."""

    def trusts(self) -> Iterator[Trust]:
        """Of every policy that was read."""
        for account in self.accounts:
            yield from account.trusts
        for at in self.above.levels:
            yield from members_of(at.policy) if at.policy is not None else ()


class Reached(Struct, frozen=True):
    """An account that may be become, and by what."""

    account: Account
    role: str
    where: str
    """Whose policy it is, in words."""
    means: str
    through: tuple[str, ...] = ()
    """E-mail addresses of accounts on the way."""


def read_project(conn: GcpConnection, project: str) -> Project:
    """Never raises a denial: each is told."""
    above, rows = read_hierarchy(conn, project, lambda: told(lambda: _listed(conn, project)))
    if isinstance(rows, Fault):
        return Project(project, above, unlisted=rows)
    accounts = conn.io.map(lambda row: _with_policy(conn, project, row), rows[:MOST])
    return Project(project, above, tuple(accounts), more=len(rows) > MOST)


def _listed(conn: GcpConnection, project: str) -> list[Mapping[str, object]]:
    """One more than are looked at, at most. Raises Denied; Missing where there is no such project."""
    path = f"/v1/projects/{segment(project)}/serviceAccounts"
    return list(islice(conn.rows(IAM, path, "accounts", LIST_ACCOUNTS, pageSize=PAGE), MOST + 1))


def _with_policy(conn: GcpConnection, project: str, row: Mapping[str, object]) -> Account:
    email, disabled = str(row.get("email") or "").lower(), bool(row.get("disabled"))
    resource = f"projects/{project}/serviceAccounts/{email}"
    conn.io.pace(f"gcp:iam-reads:{project}", PER_SECOND, AT_ONCE)
    try:
        return Account(email, resource, disabled, tuple(members_of(policy_on(conn, resource))))
    except Missing:
        return Account(email, resource, disabled)  # it was deleted meanwhile
    except Fault as fault:
        return Account(email, resource, disabled, unread=fault)


def reached(projects: Sequence[Project], email: str, means: Mapping[str, str | Fault]) -> Iterator[Reached]:
    """Breadth first: each account on its shortest way. `means`: by role, what it allows; empty for nothing.

    Conditions count as met. Through an account that is disabled nobody goes on. Pure.
    """
    seen, level = {email}, [(email, tuple[str, ...]())]
    while level:
        following: list[tuple[str, tuple[str, ...]]] = []
        for holder, through in level:
            for step in _next(projects, holder, through, means):
                if step.account.email not in seen:
                    seen.add(step.account.email)
                    yield step
                    if not step.account.disabled:
                        following.append((step.account.email, (*through, step.account.email)))
        level = following


def _next(
    projects: Sequence[Project], holder: str, through: tuple[str, ...], means: Mapping[str, str | Fault]
) -> Iterator[Reached]:  # fmt: skip
    for project in projects:
        for account in project.accounts:
            for trust in _of(account.trusts, holder):
                if isinstance(said := means.get(trust.role, ""), str) and said:
                    yield Reached(account, trust.role, "its own policy", said, through)
        for at in project.above.levels:
            for trust in _of(members_of(at.policy) if at.policy is not None else (), holder):
                if isinstance(said := means.get(trust.role, ""), str) and said:
                    for account in project.accounts:
                        yield Reached(account, trust.role, f"the policy of {at.words}", said, through)


def _of(trusts: Iterable[Trust], holder: str) -> Iterator[Trust]:
    member = f"serviceaccount:{holder}"
    return (t for t in trusts if t.member in ANYBODY or t.member.lower() == member)
