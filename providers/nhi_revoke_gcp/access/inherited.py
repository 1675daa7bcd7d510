"""Who may become the account by policies above it: of its project, of folders, of the organisation.

facts gcp.md 1 (row 8) and 7 (6, 11, 18, 21). Such a right holds for every account below the level, and a role like
owner is more than the right to become one: it is taken away only where the operator names it, and what else goes with
it stands in the plan. A level that may not be read is told by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Step
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_gcp.access.behind import SHUT, is_disabled, told, unread_roles, unseen
from nhi_revoke_gcp.access.impersonation import CutTrust, rewritten
from nhi_revoke_gcp.access.keys import SECONDS, TOKENS
from nhi_revoke_gcp.access.operators_own import without_own
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.hierarchy import Hierarchy, Level, policy_at, read_hierarchy, sort_of, words_of, write_policy_at
from nhi_revoke_gcp.named import Named
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.naming import PROVIDER, account_of, is_agent, project_of, resource_of
from nhi_revoke_gcp.permissions import GET_ACCOUNT, GET_POLICY_OF, GET_ROLE, SEE_PROJECT, SET_POLICY_OF
from nhi_revoke_gcp.policy import ITSELF, Trust, members_of
from nhi_revoke_gcp.roles import is_own, judged
from nhi_revoke_gcp.stopping import INHERITED, seconds_of, standing

KIND = INHERITED
NARROW = ("roles/iam.serviceAccount", "roles/iam.workloadIdentityUser")
"""How Google's roles begin that give the right to become an account, or to manage it, and nothing else."""


class CutInherited(CutTrust):
    """One step for each level: each write replaces the whole policy of it."""

    permissions: ClassVar[tuple[str, ...]] = (*SET_POLICY_OF.values(), *GET_POLICY_OF.values())
    says: ClassVar[str] = "takes the member out of the policy of a project, a folder or the organisation"
    survives: ClassVar[str] = "tokens that were had through it, and what other levels give"
    source: ClassVar[str] = "Google Cloud docs: cloudresourcemanager v3 setIamPolicy, Policy.etag"

    def present(self, conn: GcpConnection, resource: str) -> Any:
        return policy_at(conn, resource)

    def rewrite(self, conn: GcpConnection, resource: str, edit: Callable[[Any], Any]) -> bool:
        return rewritten(
            lambda: policy_at(conn, resource, whole=True),
            edit,
            lambda policy: write_policy_at(conn, resource, policy),
        )


class InheritedImpersonations(AccessKind[GcpConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "who may become the account by policies above it"
    family: ClassVar[Family] = "trust"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_ACCOUNT, SEE_PROJECT, *GET_POLICY_OF.values(), GET_ROLE)
    remedies = (CutInherited(),)
    survives: ClassVar[str] = CutInherited.survives

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named, above, off = _read(conn, ref)
        if above is None:
            return
        rows = [(at, trust) for at in above.levels if at.policy is not None for trust in members_of(at.policy)]
        means = judged(conn, (trust.role for _, trust in rows), above.roles)
        held = ((trust.role, f"{trust.member} on {at.words}") for at, trust in rows)
        yield from told([*_unread(ref, named, above), *unread_roles(ref, KIND, held, means)], off=off)
        for at, trust in rows:
            said = means[trust.role]
            if isinstance(said, str) and said:
                yield replace(self._access(ref, named, above, at, trust, said), shut=SHUT if off else "")

    def _access(
        self, ref: PrincipalRef, named: Named, above: Hierarchy, at: Level, trust: Trust, said: str
    ) -> Access:  # fmt: skip
        gone = ", and was deleted: it lets nobody in" if trust.is_dead else ""
        only = f"; only where {trust.expression}" if trust.expression else ""
        more = f"{gone}{only}{ITSELF if trust.names(named.email) else ''}"
        return Access(
            id=f"{KIND}/{named.email}/{at.resource}/{trust.hash}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"{trust.member} as {trust.role.rpartition('/')[2]} of {at.words}",
            evidence=f"POST /v3/{sort_of(at.resource)}/…:getIamPolicy",
            door=f"{at.resource} {trust.text}",
            before={"resource": at.resource, **trust.before},
            lets_in=trust.lets_in,
            exposure="" if trust.is_dead else nearness(trust, named, above.number),
            opens=not trust.is_dead,
            note=f"{said}, and so with every other account below {at.words}{more}",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Nothing by itself."""
        wanted = [a for a in view.of(KIND) if a.id in intent.cut_trust]
        if not wanted or view.who.untouchable:
            return
        taken, said = without_own(view, wanted)
        yield from said
        levels: dict[str, list[Access]] = {}
        for access in taken:
            levels.setdefault(str(access.before["resource"]), []).append(access)
        for resource, cut in levels.items():
            yield Notice(view.who.ref, _loud(view.who.name, resource, cut), "danger")
            yield self._cut(view, resource, cut)

    def _cut(self, view: View, resource: str, cut: list[Access]) -> Step:
        names = ", ".join(f"{a.before['member']} ({a.before['role']})" for a in cut)
        return draft_step(
            self, self.remedies[0], view, *cut,
            says=f"take {names} out of the policy of {words_of(resource)}: for every account below it",
            before={
                "resource": resource,
                "cut": [{k: v for k, v in a.before.items() if k != "resource"} for a in cut],
                TOKENS: standing(view.who.scope, view.who.unique_id),
                SECONDS: seconds_of(view),
            },
            lock=f"{PROVIDER}:{resource}:policy", rearms="always",
            breaks=f"whatever {names} do by it, on {view.who.name} and on all else below {words_of(resource)}",
        )  # fmt: skip


def nearness(trust: Trust, named: Named, number: str) -> Literal["anyone", "foreign", "local", "service"]:
    """As `Trust.exposure`; and Google's own accounts of the same project, which are named by its number, or its id."""
    sort, _, who = trust.member.lower().partition(":")
    if sort == "serviceaccount" and not trust.names(named.email):
        if number and is_agent(who) and number in who:
            return "service"
        if who in (f"{number}-compute@developer.gserviceaccount.com", f"{named.project}@appspot.gserviceaccount.com"):
            return "local"
    return trust.exposure(named.project, named.email)


def _read(conn: GcpConnection, ref: PrincipalRef) -> tuple[Named, Hierarchy | None, bool]:
    """And whether the account is disabled. The levels are read beside the account itself, where the reference tells
    its project. Raises Missing, Denied.
    """
    if is_agent(account_of(ref)):
        return conn.named(ref), None, False
    project = project_of(ref)
    look = partial(is_disabled, conn, resource_of(ref))
    if not project:
        named = conn.named(ref)
        above, off = read_hierarchy(conn, named.project, look) if named.project else (None, False)
        return named, above, off
    above, (named, off) = read_hierarchy(conn, project, lambda: conn.side_by_side(lambda: conn.named(ref), look))
    return named, above, off


def _unread(ref: PrincipalRef, named: Named, above: Hierarchy) -> Iterable[BlindSpot]:
    """Nobody becomes an account that is disabled: the brake covers what these hide."""
    for at in above.levels:
        if at.unread is not None:
            what = f"who may become it by the policy of {at.words}"
            yield unseen(ref, KIND, what, at.unread, GET_POLICY_OF[sort_of(at.resource)])
    if above.above_unread is not None:
        what = f"who may become it by policies of folders and of the organisation above {named.project}"
        yield unseen(ref, KIND, what, above.above_unread, SEE_PROJECT)


def _loud(name: str, resource: str, cut: list[Access]) -> str:
    broad = (a for a in cut if not is_own(role := str(a.before["role"])) and not role.startswith(NARROW))
    whole = [str(a.before["member"]) for a in broad]
    more = f" And all else that the role allows there: {', '.join(whole)}" if whole else ""
    ids = ", ".join(str(a.before["member"]) for a in cut)
    return (
        f"--cut-trust takes the right of {ids} over EVERY account below {words_of(resource)} away, "
        f"not over {name} alone.{more}"
    )
