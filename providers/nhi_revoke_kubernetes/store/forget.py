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
from nhi_revoke_kubernetes.store.address import field_of, former_of, parse_address
from nhi_revoke_kubernetes.store.copies import copies_of, says
from nhi_revoke_kubernetes.store.objects import Objects


class Forget(Doer[KubernetesConnection]):
    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (GET_SECRET, DELETE_SECRET)
    says: ClassVar[str] = (
        "deletes the Secret that keeps the former values, and names what else in the namespace holds them"
    )
    survives: ClassVar[str] = (
        "backups of the cluster's own store (etcd), other namespaces, pods that took it in, and whoever read it"
    )
    source: ClassVar[str] = "Kubernetes docs: concepts/configuration/secret"
    reversible: ClassVar[bool] = False

    def apply(self, conn: KubernetesConnection, step: Step, run: Run) -> Change:
        objects, former = _kept(conn, step, run)
        # What is looked for is known for as long as it is kept.
        left = _forgotten(conn, objects, former, step, run)
        gone = objects.drop(former, run=run.id)
        return Done(left, conn.now()) if gone else Already(left)

    def seen(self, conn: KubernetesConnection, step: Step, run: Run) -> Json | None:
        objects, former = _kept(conn, step, run)
        there = objects.read(former)
        if there is not None and there.marked == run.id:
            return None
        return run.left(step.id) or _forgotten(conn, objects, former, step, run)

    def undo(self, conn: KubernetesConnection, step: Step, left: Json, run: Run) -> Change:
        return Impossible("the former values were deleted, and are kept nowhere", "")


def _kept(conn: KubernetesConnection, step: Step, run: Run) -> tuple[Objects, str]:
    """The name that the serve step left; `finish` names its steps after those."""
    at = parse_address(step.to)
    left = run.left(step.id.removeprefix("finish-"))
    return Objects(conn, at), str(left.get("kept") or former_of(at, step, run))


def _forgotten(conn: KubernetesConnection, objects: Objects, former: str, step: Step, run: Run) -> Json:
    at, kept = objects.at, objects.read(former)
    left: Json = {"secret": at.word, "deleted": former}
    if kept is not None and kept.marked == run.id:
        told = says(at, copies_of(conn, at, objects.read(), kept, former=former, field=field_of(step, run)))
    elif run.left(step.id.removeprefix("finish-")).get("kept"):
        told = (
            f"whether other Secrets of namespace {at.namespace} hold the old credential was not seen: it is gone by now"
        )
    else:
        told = ""
    return {**left, "leaves": told} if told else left
