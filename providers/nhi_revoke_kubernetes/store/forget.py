"""At `finish`: the Secret that keeps the former values is deleted."""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from nhi_revoke_kubernetes.connection import KubernetesConnection
from nhi_revoke_kubernetes.permissions import DELETE_SECRET, GET_SECRET
from nhi_revoke_kubernetes.store.address import former_of, parse_address
from nhi_revoke_kubernetes.store.objects import Objects


class Forget(Doer[KubernetesConnection]):
    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (GET_SECRET, DELETE_SECRET)
    says: ClassVar[str] = "deletes the Secret that keeps the former values"
    survives: ClassVar[str] = "copies of the cluster's own store (backups of etcd), and of whoever read it"
    source: ClassVar[str] = "Kubernetes docs: concepts/configuration/secret"
    reversible: ClassVar[bool] = False

    def apply(self, conn: KubernetesConnection, step: Step, run: Run) -> Change:
        objects, former = _kept(conn, step, run)
        gone = objects.drop(former, run=run.id)
        left = {"secret": objects.at.word, "deleted": former}
        return Done(left, conn.now()) if gone else Already(left)

    def seen(self, conn: KubernetesConnection, step: Step, run: Run) -> Json | None:
        objects, former = _kept(conn, step, run)
        there = objects.read(former)
        if there is not None and there.marked == run.id:
            return None
        return run.left(step.id) or {"secret": objects.at.word, "deleted": former}

    def undo(self, conn: KubernetesConnection, step: Step, left: Json, run: Run) -> Change:
        return Impossible("the former values were deleted, and are kept nowhere", "")


def _kept(conn: KubernetesConnection, step: Step, run: Run) -> tuple[Objects, str]:
    """The name that the serve step left; `finish` names its steps after those."""
    at = parse_address(step.to)
    left = run.left(step.id.removeprefix("finish-"))
    return Objects(conn, at), str(left.get("kept") or former_of(at, step, run))
