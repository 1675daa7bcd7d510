"""Service accounts that look like one identity, with the workloads of pools that may become them.

Accounts are listed by project (Google Cloud docs: serviceAccounts/list): those that the settings name, else all that
the operator sees. An account has no labels: its address, display name and description are read. Of candidates alone
the policies are asked, and the pools that they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.alike import Candidate, Pointer, Resemblance, Saying
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.resembling import resemblance
from nhi_revoke_gcp.access.impersonation import policy_on
from nhi_revoke_gcp.letting_in import LetIn, let_in
from nhi_revoke_gcp.naming import ACCOUNT, PROVIDER, WORKLOAD, canonical, is_native
from nhi_revoke_gcp.permissions import (
    GET_POLICY,
    GET_POOL,
    GET_ROLE,
    LIST_ACCOUNTS,
    LIST_POOL_PROVIDERS,
    SEE_PROJECT,
)
from nhi_revoke_gcp.policy import Trust, trusts_of
from nhi_revoke_gcp.pool_member import pool_member
from nhi_revoke_gcp.roles import judged
from nhi_revoke_gcp.trusting import EVIDENCE, MOST, projects_of
from nhi_revoke_gcp.universe import IAM
from nhi_revoke_gcp.workloads import workload_ref

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

READS = (SEE_PROJECT, LIST_ACCOUNTS, GET_POLICY, GET_ROLE, GET_POOL, LIST_POOL_PROVIDERS)
KIND = "alike"
LISTED = "GET /v1/projects/…/serviceAccounts"
Row = Mapping[str, Any]


def alike(conn: GcpConnection, name: str) -> Iterable[Candidate | BlindSpot]:
    """Raises Denied where no project can be seen."""
    projects, more = projects_of(conn)
    if more:
        yield _unseen(f"accounts of more projects than {MOST}. Name those that matter: projects in [gcp] of nhi.toml")
    if not projects:
        yield _unseen("the operator sees no project. Name them: projects in [gcp] of nhi.toml", SEE_PROJECT)
    rows: list[Row] = []
    for listed in conn.io.map(lambda project: _listed(conn, project), projects):
        if isinstance(listed, BlindSpot):
            yield listed
        else:
            rows += listed
    found = [(row, like) for row in rows if (like := _resembles(name, row))]
    for about in conn.io.map(lambda each: _about(conn, *each), found):
        yield from about


def linked(conn: GcpConnection, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
    """Accounts that one of these names, and these as accounts with whom their policies name."""
    known = {each.ref for each in around}
    named = {text for each in around for pointer in each.points for text in pointer.to}
    ours = f"{PROVIDER}:{ACCOUNT}/"
    emails = {text.removeprefix(ours) for text in named if text.startswith(ours)}
    more = {email for email in emails if is_native(email) and canonical(email) not in known}
    mine = [each for each in around if each.ref.provider == PROVIDER and each.kind == ACCOUNT]
    # The policies of what resembles the name were read with it.
    asked = sorted(more | {each.ref.id for each in mine if not each.resembles and not each.points})

    def one(email: str) -> list[Candidate | BlindSpot]:
        try:
            named = conn.named(PrincipalRef(PROVIDER, ACCOUNT, email))
        except Missing:
            return []
        except Fault as fault:
            return [BlindSpot(canonical(email), KIND, fault.message, getattr(fault, "needs", ""))]
        if named.agent:
            return []
        row = {"name": named.resource, "email": named.email, "uniqueId": named.unique_id, "projectId": named.project}
        return list(_about(conn, row, ()))

    for about in conn.io.map(one, asked):
        yield from about


def _listed(conn: GcpConnection, project: str) -> list[Row] | BlindSpot:
    try:
        path = f"/v1/projects/{segment(project)}/serviceAccounts"
        return list(conn.rows(IAM, path, "accounts", LIST_ACCOUNTS, pageSize=100))
    except Fault as fault:
        why = f"accounts of project {project}: they could not be listed ({fault.message})"
        return _unseen(why, getattr(fault, "needs", "") or LIST_ACCOUNTS)


def _resembles(name: str, row: Row) -> tuple[Resemblance, ...]:
    return (
        *resemblance(name, str(row.get("email") or ""), "email", LISTED),
        *resemblance(name, str(row.get("displayName") or ""), "displayName", LISTED),
        *resemblance(name, str(row.get("description") or ""), "its description", LISTED, "text"),
    )


def _about(conn: GcpConnection, row: Row, like: tuple[Resemblance, ...]) -> Iterable[Candidate | BlindSpot]:
    email = str(row["email"]).lower()
    ref = canonical(email)
    try:
        trusts = [each for each in trusts_of(policy_on(conn, str(row["name"]))) if not each.is_dead]
        means = judged(conn, (trust.role for trust in trusts))
        trusts = [trust for trust in trusts if means[trust.role]]
        workloads = let_in(conn, trusts)
    except Missing:
        return
    except Fault as fault:
        why = f"whom the policy of {email} names: it could not be read ({fault.message})"
        yield BlindSpot(ref, KIND, why, getattr(fault, "needs", "") or GET_POLICY)
        trusts, workloads = [], ()
    unique, description = str(row.get("uniqueId") or ""), str(row.get("description") or "")
    yield Candidate(
        ref=ref,
        kind=ACCOUNT,
        name=email,
        scope=str(row.get("projectId") or ""),
        unique_id=unique,
        resembles=like,
        aliases=tuple(dict.fromkeys((str(ref), *((f"{PROVIDER}:{ACCOUNT}/{unique}",) if unique else ())))),
        marks=tuple(text for text in (email, unique) if text),
        points=tuple(p for each, by in zip(trusts, workloads, strict=True) for p in _pointers(each, by)),
        says=(Saying(description, "its description", LISTED),) if description else (),
        note="disabled" if row.get("disabled") else "",
    )
    for trust, by in zip(trusts, workloads, strict=True):
        if by.unread:
            yield BlindSpot(ref, KIND, f"whom {trust.member} stands for: {by.unread}", by.needs)
        yield from _workload(trust, by)


def _pointers(trust: Trust, by: LetIn) -> Iterable[Pointer]:
    role = trust.role.rpartition("/")[2]
    if trust.member.startswith(("principal:", "principalSet:")):
        yield Pointer((f"{PROVIDER}:{trust.member}",), f"its policy: {role}", EVIDENCE)
    elif trust.lets_in:
        yield Pointer(trust.lets_in, f"its policy: {role}", EVIDENCE)
    for each in by.by:
        if each.lets_in:
            yield Pointer(each.lets_in, f"a pool that its policy names ({role}): {each.means}", EVIDENCE)


def _workload(trust: Trust, by: LetIn) -> Iterable[Candidate]:
    """Of a pool: nobody is called so, and yet it is a principal of its own."""
    member = pool_member(trust.member)
    if member is None or not member.value:
        return
    yield Candidate(
        workload_ref(member),
        WORKLOAD,
        f"{member.attribute} {member.value} of pool {member.pool_id}",
        member.project,
        member.member,
        aliases=(f"{PROVIDER}:{trust.member}", str(workload_ref(member))),
        points=tuple(Pointer(each.lets_in, f"its pool: {each.means}", EVIDENCE) for each in by.by if each.lets_in),
        note=f"the pool {by.state}" if by.state else "",
    )


def _unseen(why: str, needs: str = "") -> BlindSpot:
    return BlindSpot(PrincipalRef(PROVIDER, "", "*"), KIND, why, needs)
