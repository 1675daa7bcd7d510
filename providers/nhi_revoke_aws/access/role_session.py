"""Sessions of a role: denied by issue time; the workload assumes it again, a thief needs its source for that.

AWS docs: id_roles_use_revoke-sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.cutting import Cut, DenyAll, DenyOlder, Release, needed
from nhi_revoke_aws.lineage import READS, ROLE_SESSION, Lineage
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.standing import foreign_policy, held_by, left_standing, standing, standing_of

KIND = ROLE_SESSION
LONGEST = 12 * 3600.0
"""Seconds: the least that is counted on. The role's own maximum does not bind AWS services (AWS docs: iam-quotas)."""
NEEDED = needed("Role")
BREAKS = (
    "sessions of this role: the workload must assume it again; EC2 serves the dead credentials for up to 6 hours "
    "(stop and start the instance), Lambda and ECS until they are recycled"
)


class DenyAllOfRole(DenyAll):
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    released_by: ClassVar[str] = f"{KIND}/release"


class DenyOlderOfRole(DenyOlder):
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
    remedies = (DenyOlderOfRole(), DenyAllOfRole(), ReleaseOfRole())
    survives: ClassVar[str] = Cut.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        yield from standing(conn, "Role", name_in(conn, ref), ref, KIND, io)

    def observe(
        self, conn: AwsConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        walk = Lineage(conn, io, who.ref, since)
        yield from walk.of_role(f"{KIND}/{who.scope}/{who.name}/*")
        yield from walk.limits(KIND, tuple(f"{KIND}/{name}" for name in ("deny-older", "deny-all")))

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        whole = standing_of(view, KIND, intent)
        if whole is None or view.who.untouchable:
            return
        if whole.note:
            yield Notice(view.who.ref, whole.note, "info")
        foreign = foreign_policy(whole)
        if foreign:
            yield foreign
        common: dict[str, Any] = {
            "lock": f"{view.who.ref}:policy",
            "rearms": max(LONGEST, float(view.who.facts.get("MaxSessionDuration") or 0)),
        }
        older, everything, _ = self.remedies
        name, held = view.who.name, held_by(whole)
        if intent.brake == "on" and intent.order == "contain":
            breaks = "all that this role does, until release"
            says = f"deny everything to role {name}"
            yield draft_step(self, everything, view, whole, says=says, brake=True, breaks=breaks, **common)
            return
        if held:
            yield left_standing(view, held)
        says = f"deny every session of role {name} issued before now"
        yield draft_step(self, older, view, whole, says=says, breaks=BREAKS, **common)
        again = f"deny every session of role {name} issued before what assumes it was ended"
        yield draft_step(
            self, older, view, whole, says=again, phase=Phase.SEAL, when="minted", breaks=BREAKS, **common
        )  # fmt: skip
