"""Accounts that an account may become: of its own project, and of others that the settings name. Leads, no accesses.

facts gcp.md 7 (18, 19): disabled, it becomes nobody any more, but tokens that it had of others live on, and whatever it
made there. Google's logs tell that, which this version does not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Family, Found, Lead
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.hierarchy import sort_of
from nhi_revoke_gcp.named import Named
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.naming import account_of, canonical, is_agent, project_of
from nhi_revoke_gcp.neighbours import MOST, Project, Reached, reached, read_project
from nhi_revoke_gcp.permissions import GET_POLICY, GET_POLICY_OF, GET_ROLE, LIST_ACCOUNTS, SEE_PROJECT
from nhi_revoke_gcp.roles import judged

KIND = "gcp:reach"
EVIDENCE = "GET …/serviceAccounts, IAM GetIamPolicy"


class Reach(AccessKind[GcpConnection]):
    """`late`: a listing, then a policy for each account of the project. What it did as others the audit logs tell."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "accounts within reach"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (LIST_ACCOUNTS, GET_POLICY, SEE_PROJECT, *GET_POLICY_OF.values(), GET_ROLE)
    late: ClassVar[bool] = True
    survives: ClassVar[str] = "tokens that it had of other accounts: they are the other accounts' own"

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named, projects = _read(conn, ref)
        if named.agent or not named.project:
            return
        known = {role: said for project in projects for role, said in project.above.roles.items()}
        means = judged(conn, (trust.role for project in projects for trust in project.trusts()), known)
        for step in reached(projects, named.email, means):
            yield _lead(ref, named.email, step)
        yield from _unseen(ref, projects)
        yield from _unread_roles(ref, projects, named.email, means)
        yield from _groups(ref, projects, means)


def _read(conn: GcpConnection, ref: PrincipalRef) -> tuple[Named, Sequence[Project]]:
    """The projects are read beside the account itself, where the reference tells its own. Raises Missing, Denied."""

    def around(project: str) -> Sequence[Project]:
        return conn.io.map(partial(read_project, conn), dict.fromkeys((project, *conn.settings.projects)))

    project = "" if is_agent(account_of(ref)) else project_of(ref)
    if project:
        named, projects = conn.side_by_side(lambda: conn.named(ref), lambda: around(project))
        if named.project == project:
            return named, projects
    named = conn.named(ref)
    return named, around(named.project) if named.project and not named.agent else ()


def _lead(ref: PrincipalRef, email: str, step: Reached) -> Lead:
    to = canonical(step.account.email)
    way = f" by way of {', then '.join(step.through)}" if step.through else ""
    shut = "it is disabled" if step.account.disabled else ""
    why = f"{email}{way} {step.means}: {step.role} in {step.where}"
    return Lead(to, why, EVIDENCE, of=ref, next=command("list", to), shut=shut)


def _unseen(ref: PrincipalRef, projects: Sequence[Project]) -> Iterable[BlindSpot]:
    """Each hides accounts that it may have become: what it began there no brake of its own ends."""
    for project in projects:
        what = f"which accounts of project {project.id} it may become"
        if project.unlisted is not None:
            yield _spot(ref, what, project.unlisted, LIST_ACCOUNTS)
        if project.more:
            why = f"{what}: the policies of {MOST} of them were read, and there are more"
            yield BlindSpot(ref, KIND, why, "gcloud asset analyze-iam-policy, for the rest")
        unread = [a for a in project.accounts if a.unread is not None]
        if unread and (fault := unread[0].unread) is not None:
            yield _spot(ref, f"{what}: policies of {len(unread)} of {len(project.accounts)}", fault, GET_POLICY)
        for at in project.above.levels:
            if at.unread is not None:
                yield _spot(ref, f"{what} by the policy of {at.words}", at.unread, GET_POLICY_OF[sort_of(at.resource)])
        if project.above.above_unread is not None:
            above = f"{what} by policies of folders and of the organisation"
            yield _spot(ref, above, project.above.above_unread, SEE_PROJECT)


def _unread_roles(
    ref: PrincipalRef, projects: Sequence[Project], email: str, means: Mapping[str, str | Fault]
) -> Iterable[BlindSpot]:  # fmt: skip
    member = f"serviceaccount:{email}"
    held = {t.role for p in projects for t in p.trusts() if t.member.lower() == member}
    for role in sorted(held):
        if isinstance(fault := means[role], Fault):
            yield _spot(ref, f"which accounts it may become by its role {role}", fault, GET_ROLE)


def _groups(
    ref: PrincipalRef, projects: Sequence[Project], means: Mapping[str, str | Fault]
) -> Iterable[BlindSpot]:  # fmt: skip
    """Whether an account is in a group Cloud Identity alone tells."""
    groups = sorted(
        {
            trust.member
            for project in projects
            for trust in project.trusts()
            if trust.member.startswith("group:") and means[trust.role]
        }
    )
    if groups:
        first = groups[0] if len(groups) == 1 else f"{groups[0]} and {len(groups) - 1} more"
        why = f"whether it is in a group that may become accounts ({first}): groups are not looked at"
        yield BlindSpot(ref, KIND, why, counts=False)


def _spot(ref: PrincipalRef, what: str, fault: Fault, needs: str) -> BlindSpot:
    return BlindSpot(
        ref, KIND, f"{what}: {fault.message}", (fault.needs or needs) if isinstance(fault, Denied) else ""
    )  # fmt: skip
