"""Sessions of a role: denied by issue time; the workload assumes it again, a thief needs its source for that.

AWS docs: id_roles_use_revoke-sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.begun import ROLE_SESSION
from nhi_revoke_aws.brake import brake_of
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.cutting import Cut, DenyAll, DenyOlder, Release, needed
from nhi_revoke_aws.holding import what_breaks
from nhi_revoke_aws.lineage import KIND as LINEAGE
from nhi_revoke_aws.lineage import READS, Lineage
from nhi_revoke_aws.named_session import one_session
from nhi_revoke_aws.one_session import draft_one
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.session_cut import DenyNamed
from nhi_revoke_aws.standing import foreign_policy, held_by, left_standing, standing, standing_of

KIND = ROLE_SESSION
LONGEST = 12 * 3600.0
"""Seconds: the least that is counted on. The role's own maximum does not bind AWS services (AWS docs: iam-quotas)."""
NEEDED = needed("Role")
NOT_FOLLOWED = {"rolesanywhere.amazonaws.com": "Roles Anywhere", "pods.eks.amazonaws.com": "EKS Pod Identity"}
"""Services whose sessions begin with other events than AssumeRole, by the principal that a trust names."""
BREAKS = (
    "sessions of this role: the workload must assume it again; EC2 serves the dead credentials for up to 6 hours "
    "(stop and start the instance), Lambda and ECS until they are recycled"
)


class DenyAllOfRole(DenyAll):
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    released_by: ClassVar[str] = f"{KIND}/release"


class DenyOlderOfRole(DenyOlder):
    permissions: ClassVar[tuple[str, ...]] = NEEDED


class DenySessionOfRole(DenyNamed):
    permissions: ClassVar[tuple[str, ...]] = NEEDED


class ReleaseOfRole(Release):
    permissions: ClassVar[tuple[str, ...]] = NEEDED


class RoleSessions(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "sessions of a role"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = ("iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:GetRole")
    reads_logs: ClassVar[tuple[str, ...]] = READS
    remedies = (DenySessionOfRole(), DenyOlderOfRole(), DenyAllOfRole(), ReleaseOfRole())
    survives: ClassVar[str] = Cut.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        yield from standing(conn, "Role", name_in(conn, ref), ref, KIND, io)

    def observe(
        self, conn: AwsConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        walk = Lineage(conn, io, who.ref, since)
        with walk.beside():
            yield from walk.of_role(f"{KIND}/{who.scope}/{who.name}/*")
        yield from walk.limits(KIND, tuple(f"{KIND}/{name}" for name in ("deny-older", "deny-all")))
        yield from _not_followed(who, accesses)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if view.who.untouchable:
            return
        one, older, everything, _ = self.remedies
        rearms = max(LONGEST, float(view.who.facts.get("MaxSessionDuration") or 0))
        if one_session(intent.scope):
            yield from draft_one(self, one, view, intent, rearms)
            return
        whole = standing_of(view, KIND, intent)
        if whole is None:
            return
        if whole.note:
            yield Notice(view.who.ref, whole.note, "info")
        foreign = foreign_policy(whole)
        if foreign:
            yield foreign
        common: dict[str, Any] = {"lock": f"{view.who.ref}:policy", "rearms": rearms}
        name, held, brake = view.who.name, held_by(whole), brake_of(view, intent)
        yield from brake.said
        if held:
            yield left_standing(view, held)
        holders = what_breaks(view)
        if brake.on and (intent.brake == "on" or not held):  # a brake of another run is that run's to release
            breaks = f"all that this role does, until release{f': {holders}' if holders else ''}"
            says = f"deny everything to role {name}"
            yield draft_step(self, everything, view, whole, says=says, brake=True, breaks=breaks, **common)
            return
        breaks = f"{BREAKS}; held by {holders}" if holders else BREAKS
        says = f"deny every session of role {name} issued before now"
        yield draft_step(self, older, view, whole, says=says, breaks=breaks, **common)
        again = f"deny every session of role {name} issued before what assumes it was ended"
        yield draft_step(
            self, older, view, whole, says=again, phase=Phase.SEAL, when="minted", breaks=breaks, **common
        )  # fmt: skip


def _not_followed(who: Principal, accesses: Sequence[Access]) -> Iterable[BlindSpot]:
    """CloudTrail tells the sessions of these services by events of their own, which are not read: the cut ends them,
    and what they began on other principals, or planted, nobody sees here.
    """
    through = [name for service, name in NOT_FOLLOWED.items() if any(a.door == f"Service:{service}" for a in accesses)]
    if through:
        why = (
            f"sessions of role {who.name} begun through {' and '.join(through)} are not followed in CloudTrail: what "
            "they began on other principals, and planted, is not listed"
        )
        yield BlindSpot(who.ref, LINEAGE, why, "look in CloudTrail by hand")
