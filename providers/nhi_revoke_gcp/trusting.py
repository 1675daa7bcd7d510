"""Accounts whose policies let in another provider's principal by a workload identity pool: jobs that sign in by OIDC.

No listing of accounts has their policies: each account is asked for its own, of the projects that the settings name, or
of all that the operator sees; each project, folder and organisation above them is asked once. What a pool's mapping and
condition ask besides the subject counts as met, and is said. Google Cloud docs: projects/search, serviceAccounts/list,
serviceAccounts/getIamPolicy; facts gcp.md 1 (rows 8, 9).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.glob import overlap
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.access.impersonation import policy_on
from nhi_revoke_gcp.letting_in import LetIn, let_in
from nhi_revoke_gcp.naming import canonical
from nhi_revoke_gcp.permissions import (
    GET_POLICY,
    GET_POLICY_OF,
    GET_POOL,
    GET_ROLE,
    LIST_ACCOUNTS,
    LIST_POOL_PROVIDERS,
    SEE_PROJECT,
)
from nhi_revoke_gcp.policy import Trust, trusts_of
from nhi_revoke_gcp.pool_member import pool_member
from nhi_revoke_gcp.pool_rights import Right, pool_rights
from nhi_revoke_gcp.projects import seen_projects
from nhi_revoke_gcp.roles import in_words, judged
from nhi_revoke_gcp.stopping import IMPERSONATION
from nhi_revoke_gcp.universe import IAM
from nhi_revoke_gcp.workloads import workload_ref

if TYPE_CHECKING:
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke_gcp.connection import GcpConnection

FINDS = (
    SEE_PROJECT, LIST_ACCOUNTS, GET_POLICY, *GET_POLICY_OF.values(), GET_ROLE, GET_POOL, LIST_POOL_PROVIDERS,
)  # fmt: skip
EVIDENCE, ABOVE = "IAM GetIamPolicy", "POST /v3/…:getIamPolicy"
MOST = 200
"""Projects that are looked through where the settings name none."""
PACE = 50
"""Policies in a second: the IAM API counts reads by the minute and project (facts gcp.md 7, 20); the margin is ours."""


class Account(Struct, frozen=True):
    """One of them, and who may become it by its own policy."""

    row: Mapping[str, Any]
    """As the IAM API shows it."""
    trusts: tuple[tuple[Trust, str], ...] = ()
    """Each with what its role allows, in words."""

    @property
    def project(self) -> str:
        return str(self.row.get("projectId") or "")


class Seen(Struct, frozen=True):
    """What the policies of accounts, and of what is above them, say of workloads of pools."""

    accounts: tuple[Account, ...] = ()
    rights: tuple[Right, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    """What was not looked at."""


def trusting(conn: GcpConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
    """A lead for each account, and for each workload that has rights of its own. Raises Denied where no project can be
    seen.
    """
    seen = policies(conn, who.ref, IMPERSONATION, "let its jobs in")
    yield from seen.blind
    held = list[tuple[Right, str]]()
    for right, workloads in zip(seen.rights, let_in(conn, [right.trust for right in seen.rights]), strict=True):
        if workloads.unread:
            why = f"whether its jobs have {right.words}, as {right.trust.member}: {workloads.unread}"
            yield BlindSpot(who.ref, IMPERSONATION, why, workloads.needs)
        held += [(right, said) for said in _lets_in(right.trust, workloads, who.aliases, f": {right.words}")]
    for account in seen.accounts:
        above = [said for right, said in held if right.lets_become(account.project)]
        yield from _leads(conn, who, account, above)
    for right, said in held:
        member = pool_member(right.trust.member)
        assert member is not None
        to = workload_ref(member)
        yield Lead(to, f"{said}. By hand: {right.removes}", ABOVE, of=who.ref, next=command("list", to))


def policies(conn: GcpConnection, on: PrincipalRef, kind: str, what: str) -> Seen:
    """Of every account, and of what is above them. `what`: what is looked for, as it goes on after "accounts that".
    Raises Denied where no project can be seen.
    """
    projects, more = projects_of(conn)
    blind: list[BlindSpot] = []
    if more:
        why = f"accounts of more projects than {MOST}: not looked at. Name those that matter: projects in [gcp]"
        blind.append(BlindSpot(on, kind, why))
    if not projects:
        why = "no project was looked through: the operator sees none. Name them: projects in [gcp] of nhi.toml"
        blind.append(BlindSpot(on, kind, why, SEE_PROJECT))
    above, listed = conn.side_by_side(
        lambda: pool_rights(conn, projects),
        lambda: conn.io.map(lambda project: _accounts(conn, on, kind, what, project), projects),
    )
    rows = [row for each in listed if not isinstance(each, BlindSpot) for row in each]
    done = itertools.count(1)

    def read(row: Mapping[str, Any]) -> Account | BlindSpot | None:
        found = _account(conn, on, kind, what, row)
        conn.io.progress(f"policies of accounts that {what}", next(done), len(rows))
        return found

    found = conn.io.map(read, rows)
    for unread in above.unread:
        why = f"workloads of pools that {unread.what} gives rights to: it could not be read ({unread.fault.message})"
        blind.append(BlindSpot(on, kind, why, getattr(unread.fault, "needs", "") or unread.needs))
    return Seen(
        tuple(each for each in found if isinstance(each, Account)),
        above.rights,
        (*blind, *(each for each in (*listed, *found) if isinstance(each, BlindSpot))),
    )


def projects_of(conn: GcpConnection) -> tuple[Sequence[str], bool]:
    """Ids of those that the settings name, else of those that the operator sees; and whether there are more than are
    looked through. Raises Denied.
    """
    if conn.settings.projects:
        return tuple(dict.fromkeys(conn.settings.projects)), False
    return seen_projects(conn, MOST)


def _accounts(
    conn: GcpConnection, on: PrincipalRef, kind: str, what: str, project: str
) -> list[dict[str, Any]] | BlindSpot:
    try:
        path = f"/v1/projects/{segment(project)}/serviceAccounts"
        return list(conn.rows(IAM, path, "accounts", LIST_ACCOUNTS, pageSize=100))
    except Fault as fault:
        why = f"accounts of project {project} that {what}: they could not be listed ({fault.message})"
        return BlindSpot(on, kind, why, getattr(fault, "needs", "") or LIST_ACCOUNTS)


def _account(
    conn: GcpConnection, on: PrincipalRef, kind: str, what: str, row: Mapping[str, Any]
) -> Account | BlindSpot | None:
    """None where it was deleted in between."""
    conn.io.pace("gcp:policies", PACE, PACE)
    try:
        trusts = trusts_of(policy_on(conn, str(row["name"])))
    except Missing:
        return None
    except Fault as fault:
        why = f"whether account {row['email']} is one that {what}: its policy could not be read ({fault.message})"
        return BlindSpot(on, kind, why, getattr(fault, "needs", "") or GET_POLICY)
    means = judged(conn, (trust.role for trust in trusts))
    return Account(row, tuple((trust, in_words(said)) for trust in trusts if (said := means[trust.role])))


def _leads(
    conn: GcpConnection, who: Principal, account: Account, above: Sequence[str]
) -> Iterable[Lead | BlindSpot]:  # fmt: skip
    """`above`: what policies of its project, of folders and of the organisation say, in words."""
    row, trusts = account.row, [trust for trust, _ in account.trusts]
    email, said = str(row["email"]).lower(), list[str]()
    for trust, workloads in zip(trusts, let_in(conn, trusts), strict=True):
        if workloads.unread:
            why = f"whether account {email} lets its jobs in, as {trust.member}: {workloads.unread}"
            yield BlindSpot(who.ref, IMPERSONATION, why, workloads.needs)
        only = f"; only where {trust.expression}" if trust.expression else ""
        said += _lets_in(trust, workloads, who.aliases, f" ({trust.role.rpartition('/')[2]}){only}")
    if said or above:
        to, off = canonical(email), "; the account is disabled now" if row.get("disabled") else ""
        yield Lead(to, f"{'; '.join((*said, *above))}{off}", EVIDENCE, of=who.ref, next=command("list", to))


def _lets_in(trust: Trust, workloads: LetIn, aliases: Sequence[str], by: str) -> Iterable[str]:
    """Each provider of the pool by which one of these comes in. Letters' case aside, to leave none out. `by`: with
    which right, in words.
    """
    for each in workloads.by:
        if any(overlap(glob, alias, fold=True) for glob in each.lets_in for alias in aliases):
            state = f"; the pool {workloads.state}" if workloads.state else ""
            yield f"{each.means}, as {trust.member}{by}{state}"
