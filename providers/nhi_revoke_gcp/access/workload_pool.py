"""The pool of a workload: disabled, it gives no tokens, and those that are out are refused. Never deleted.

facts gcp.md 2 and 7 (17): it is the only end of a federated token before its time, and it stops every workload of the
pool: so the operator names it (`--brake on`, or `--cut-trust` with its id). To enable it gives back tokens that are
out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import WORKLOAD as ON
from nhi_revoke_gcp.permissions import GET_POOL, LIST_POOL_PROVIDERS, UPDATE_POOL
from nhi_revoke_gcp.pool_change import switch
from nhi_revoke_gcp.pools import pool_row
from nhi_revoke_gcp.workload_stopping import LIVES, POOL, PROVIDER, SOURCE, TOKEN, USE, access_of, pool_is_cut
from nhi_revoke_gcp.workloads import member_in

KIND = POOL
SETTLE = 120.0
"""Seconds until a change is taken to be obeyed everywhere; the margin is ours."""
SHOWN = 3
"""So many other members are named."""
STOPPED: Json = {"enabled": False, "denies": "everything"}
DIRECT = (
    "what it may do by itself, without becoming an account: rights that policies of single resources (buckets, "
    "secrets, data sets, …) give to it were not looked at"
)


class DisablePool(Doer[GcpConnection]):
    """The brake of every workload of the pool."""

    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (UPDATE_POOL, GET_POOL)
    says: ClassVar[str] = "disables the pool: no new tokens for any workload of it, and those that are out are refused"
    undone: ClassVar[str] = "it is enabled again: tokens that have not expired are accepted again"
    survives: ClassVar[str] = "tokens of accounts that its workloads became: they end with those accounts"
    source: ClassVar[str] = SOURCE
    brake: ClassVar[bool] = True
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        # Seen enabled when it was listed, it is disabled without another look first.
        if not step.before["enabled"] and is_enabled(conn, step) is False:
            return Already(STOPPED)
        switch(conn, str(step.before["pool"]), UPDATE_POOL, disabled=True)
        return Done(STOPPED, conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        return STOPPED if is_enabled(conn, step) is False else None

    def prove(self, conn: GcpConnection, step: Step, run: Run) -> Proven:
        how = "disabled, read twice: by Google's documents its tokens are refused, and it gives no new one"
        return Proven(Proof.RECORDED, how)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        try:
            row = pool_row(conn, str(step.before["pool"]))
        except Missing:
            return Impossible("the pool is gone: somebody else deleted it, and this tool never does", "make it anew")
        if row.get("state") == "DELETED":
            pool = str(step.before["pool"]).rpartition("/")[2]
            way = f"gcloud iam workload-identity-pools undelete {pool} --location=global, within 30 days"
            return Impossible("the pool was deleted, by somebody else: this tool never does", way)
        if not row.get("disabled") or not step.before["enabled"]:
            return Already({"enabled": not row.get("disabled")})
        if left.get("enabled") is not False:
            return Failed("this run did not disable the pool: nothing was changed")
        switch(conn, str(step.before["pool"]), UPDATE_POOL, disabled=False)
        return Done({"enabled": True}, conn.now())


def is_enabled(conn: GcpConnection, step: Step) -> bool:
    """Whether it gives tokens. One that was deleted does not. Raises Denied."""
    try:
        row = pool_row(conn, str(step.before["pool"]))
    except Missing:
        return False
    return not row.get("disabled") and row.get("state") != "DELETED"


class WorkloadPools(AccessKind[GcpConnection]):
    """The pool as an access: what a brake ends, and `release` gives back."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the workload's pool"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_POOL, LIST_POOL_PROVIDERS)
    remedies = (DisablePool(),)
    survives: ClassVar[str] = DisablePool.survives

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        who, pool = member_in(conn, ref)
        yield BlindSpot(ref, KIND, DIRECT, covered_by=(f"{KIND}/{DisablePool.name}",))
        if who.of_clusters:
            return
        off = pool.disabled or pool.deleted
        yield Access(
            id=access_of(KIND, who.pool, who),
            on=ref,
            kind=KIND,
            family=self.family,
            state="disabled" if off else "live",
            label=f"workload identity pool {who.pool_id}",
            evidence="GET …/workloadIdentityPools/…",
            door=who.pool,
            before={"enabled": not off, "pool": who.pool},
            opens=False,
            note=f"it {pool.state}" if off else "lets nobody in by itself: its providers do",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if not pool_is_cut(view, intent):
                if access.before["enabled"]:
                    yield Notice(view.who.ref, _left(access), "danger")
                continue
            enabled = bool(access.before["enabled"])
            providers = [a for a in view.of(PROVIDER) if a.opens]
            yield draft_step(
                self, self.remedies[0], view, access, *view.of(TOKEN), *providers,
                says=f"disable {access.label}: tokens of all its workloads are refused until it is enabled again"
                if enabled
                else f"keep {access.label} disabled",
                lock=str(access.before["pool"]),
                brake=enabled,  # what was disabled before is not this run's to release
                rearms=LIVES.total_seconds() if enabled else "no",
                breaks=_breaks(view) if enabled else "",
            )  # fmt: skip


def _left(access: Access) -> str:
    return (
        f"federated tokens that are out live on for up to an hour: nothing ends one but to disable {access.label}, "
        f"which stops every workload of it: --brake on, or --cut-trust {access.id}"
    )


def _breaks(view: View) -> str:
    """Whom it stops besides, as far as it was looked at."""
    hits = "every workload of the pool, until release, which is safe 1 hour later"
    found = [access for access in view.of(USE) if "others" in access.before]
    if not found:
        return f"{hits}: how many others accounts trust was not looked at"
    others = [str(each) for access in found for each in access.before["others"]]
    least = "" if all(access.before["seen"] for access in found) else "at least "
    shown = ", ".join([*others[:SHOWN], *(["…"] if len(others) > SHOWN else [])])
    return f"{hits}: accounts trust {least}{len(others)} other members of it{f' ({shown})' if others else ''}"
