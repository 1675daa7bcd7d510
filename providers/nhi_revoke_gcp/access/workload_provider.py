"""Providers of a workload's pool: whose tokens it takes. Trusts, which end only where they are named.

facts gcp.md 2 and 7 (17): a disabled provider gives no new tokens, "existing tokens still grant access"; it stops every
workload that comes in by it. A deleted one can be undeleted for 30 days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import later
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.federation import Admitted, admitted
from nhi_revoke_gcp.naming import WORKLOAD as ON
from nhi_revoke_gcp.permissions import GET_POOL, GET_POOL_PROVIDER, LIST_POOL_PROVIDERS, UPDATE_POOL_PROVIDER
from nhi_revoke_gcp.pool_change import switch
from nhi_revoke_gcp.pool_member import PoolMember
from nhi_revoke_gcp.pools import provider_row
from nhi_revoke_gcp.workload_stopping import LIVES, PROVIDER, SOURCE, access_of, pool_is_cut, standing
from nhi_revoke_gcp.workloads import member_in

KIND = PROVIDER
SETTLE = 120.0
"""Seconds until a change is taken to be obeyed everywhere; the margin is ours."""
TOKENS, BRAKED = "tokens", "braked"
"""In a step's `before`: the standing access of what it gave, and whether the pool is disabled in the same run."""


class DisableProvider(Doer[GcpConnection]):
    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (UPDATE_POOL_PROVIDER, GET_POOL_PROVIDER)
    says: ClassVar[str] = "disables the provider: it gives no new tokens"
    undone: ClassVar[str] = "it is enabled again: the same issuer's tokens are taken again"
    survives: ClassVar[str] = "federated tokens that are out: they are accepted for up to an hour"
    source: ClassVar[str] = SOURCE
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        if not step.before["enabled"] and not _is_enabled(conn, step):
            return Already(_left(conn, step))
        switch(conn, str(step.before["name"]), UPDATE_POOL_PROVIDER, disabled=True)
        return Done(_left(conn, step), conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        return None if _is_enabled(conn, step) else run.left(step.id) or _left(conn, step)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        row = _row(conn, step)
        if row is None or row.get("state") == "DELETED":
            way = "gcloud iam workload-identity-pools providers undelete, within 30 days"
            return Impossible("the provider was deleted, by somebody else: this tool never does", way)
        if not row.get("disabled") or not step.before["enabled"]:
            return Already({"enabled": not row.get("disabled")})
        if left.get("enabled") is not False:
            return Failed("this run did not disable the provider: nothing was changed")
        switch(conn, str(step.before["name"]), UPDATE_POOL_PROVIDER, disabled=False)
        return Done({"enabled": True}, conn.now())


def _row(conn: GcpConnection, step: Step) -> Mapping[str, Any] | None:
    try:
        return provider_row(conn, str(step.before["name"]))
    except Missing:
        return None


def _is_enabled(conn: GcpConnection, step: Step) -> bool:
    """One that was deleted is not."""
    row = _row(conn, step)
    return row is not None and not row.get("disabled") and row.get("state") != "DELETED"


def _left(conn: GcpConnection, step: Step) -> Json:
    """And until when tokens live that it may have given until now."""
    if step.before.get(BRAKED):
        return {"enabled": False}
    return {"enabled": False, "residuals": {str(step.before[TOKENS]): later(conn.now(), LIVES)}}


class WorkloadProviders(AccessKind[GcpConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "whose tokens the workload's pool takes"
    family: ClassVar[Family] = "trust"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_POOL, LIST_POOL_PROVIDERS)
    remedies = (DisableProvider(),)
    survives: ClassVar[str] = DisableProvider.survives

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Those alone that can make this workload."""
        who, pool = member_in(conn, ref)
        for one in admitted(who, pool.providers):
            yield self._access(ref, who, one)

    def _access(self, ref: PrincipalRef, who: PoolMember, one: Admitted) -> Access:
        name = f"{who.pool}/providers/{one.provider.name}"
        off = one.provider.disabled or one.provider.deleted
        return Access(
            id=access_of(KIND, name, who),
            on=ref,
            kind=KIND,
            family=self.family,
            state="disabled" if off else "live",
            label=f"provider {one.provider.name} of the pool: {one.whom}",
            evidence="GET …/workloadIdentityPools/…/providers",
            door=f"{one.provider.issuer} {one.provider.condition}".strip(),
            before={"enabled": not off, "name": name, TOKENS: standing(who)},
            lets_in=one.lets_in,
            exposure="" if off else "foreign",
            opens=not off,
            note=f"{one.means}; whoever may update providers can change that" if not off else one.means,
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Nothing by itself: others come in by it, too."""
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if access.id in intent.cut_trust and access.opens:
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always", lock=str(access.before["name"]),
                    says=f"disable provider {access.before['name'].rpartition('/')[2]} of the pool of {view.who.name}",
                    before={**access.before, BRAKED: pool_is_cut(view, intent)},
                    breaks="every workload that comes in by this provider: no new tokens until it is enabled again",
                )  # fmt: skip
