"""`kubernetes-restart`: workloads that hold the old credential get new pods, as by `kubectl rollout restart`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from nhi_revoke.model.change import Change, Done, Failed, Impossible
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Fault, NoAnswer, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.times import moment, stamp
from nhi_revoke_kubernetes.connection import KubernetesConnection, May
from nhi_revoke_kubernetes.flush.settings import NAME, RestartSettings, Target, settings_of
from nhi_revoke_kubernetes.flush.workloads import (
    MARK,
    RESTARTED_AT,
    Workloads,
    is_observed,
    on_template,
    pods,
    unfinished,
    unfit,
)
from nhi_revoke_kubernetes.permissions import ACCESS_REVIEW, GET_WORKLOAD, LIST_WORKLOAD, PATCH_WORKLOAD

SHOWS_WITHIN = 660.0
"""Seconds. Kubernetes docs: concepts/workloads/controllers/deployment (progressDeadlineSeconds is 600 by default)."""
AFTER_THE_SEAL = "after the seal"
"""Pods that start then may lack the new credential yet, and come up only once it is delivered."""


class Restart(Doer[KubernetesConnection]):
    name: ClassVar[str] = NAME
    phase: ClassVar[Phase] = Phase.FLUSH
    permissions: ClassVar[tuple[str, ...]] = (*GET_WORKLOAD, *LIST_WORKLOAD, *PATCH_WORKLOAD, ACCESS_REVIEW)
    says: ClassVar[str] = "restarts deployments, statefulsets and daemonsets (as kubectl rollout restart does)"
    survives: ClassVar[str] = "pods of before, until new ones are ready; pods and jobs that no such workload runs"
    source: ClassVar[str] = "kubectl: pkg/polymorphichelpers/objectrestarter.go, rollout_status.go"
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True
    shows_within: ClassVar[float] = SHOWS_WITHIN

    def tells(self, settings: Json) -> tuple[str, str]:
        try:
            told = settings_of(settings).told
        except Rejected as wrong:
            return f"{wrong.message} (it will not be done: {wrong.hint.rstrip('.')})", ""
        return (
            f"restart {told}",
            f"pods of {told} are replaced as each update strategy says: connections and work in them end; with one "
            "pod, or strategy Recreate, it is down meanwhile",
        )

    def looks(self, conn: KubernetesConnection, settings: Json) -> str:
        """How many pods that are."""
        read = settings_of(settings)
        rows = {t: row for t, row in Workloads(conn, read.namespace).found(read).items() if row is not None}
        return ", ".join(f"{target.told}: {pods(row)} pods now" for target, row in sorted(rows.items()))

    def check(self, conn: KubernetesConnection, step: Step) -> Impossible | None:
        try:
            settings = settings_of(step.before)
        except Rejected as wrong:
            return Impossible(wrong.message, wrong.hint)
        workloads = Workloads(conn, settings.namespace)
        there = workloads.found(settings)
        if not there:
            by_hand = f"Correct selector in the map: kubectl get deploy,sts,ds -n {settings.namespace} --show-labels"
            return Impossible(f"no workload of namespace {settings.namespace} has {settings.selector}", by_hand)
        for target, row in there.items():
            if row is None:
                why = f"there is no {target.told} in namespace {settings.namespace}"
                return Impossible(why, _nearest(workloads, target, settings))
            if why := unfit(target, row):
                return Impossible(f"{why}: a restart would not replace its pods", _by_hand(target, settings.namespace))
        wanted = [May("patch", f"{each.kind}s", settings.namespace, each.name, "apps") for each in there]
        if lacking := conn.lacks(wanted):
            said = ", ".join(each.told for each in lacking)
            return Impossible(f"the operator lacks {said}", f"kubectl auth can-i {lacking[0].told}")
        return None

    def apply(self, conn: KubernetesConnection, step: Step, run: Run) -> Change:
        settings = settings_of(step.before)
        workloads, mark, at = Workloads(conn, settings.namespace), _mark(step, run), stamp(conn.now())
        there = workloads.found(settings)

        def one(target: Target) -> Json | Fault:
            row = there[target]
            try:
                if row is None:
                    raise Rejected(f"there is no {target.told}")
                if why := unfit(target, row):
                    raise Rejected(why)
                # An answer that was lost: it was restarted, and is not restarted again.
                return row if on_template(row).get(MARK) == mark else workloads.restart(target, at, mark)
            except Fault as fault:
                return fault

        if not there:
            return Failed(f"no workload of namespace {settings.namespace} has {settings.selector}")
        targets = list(there)
        answers = dict(zip(targets, conn.io.map(one, targets), strict=True))
        if failed := _incomplete(answers):
            return failed
        rows = {target.told: row for target, row in answers.items() if not isinstance(row, Fault)}
        return Done(
            {"namespace": settings.namespace, "restarted": {k: _at(row) for k, row in rows.items()}}, conn.now()
        )

    def seen(self, conn: KubernetesConnection, step: Step, run: Run) -> Json | None:
        """Restarted by this run, or again since; and no pod of before runs any more: what waits for it ends the old
        credential. After the seal nothing may wait for that: the controller has to have taken it up, and no more.
        """
        settings, left = settings_of(step.before), run.left(step.id)
        there = Workloads(conn, settings.namespace).found(settings)
        mine = {t: row for t, row in there.items() if not left or t.told in (left.get("restarted") or {})}
        if not mine or (left and len(mine) < len(left.get("restarted") or {})):
            return None
        for target, row in mine.items():
            since = str((left.get("restarted") or {}).get(target.told) or "")
            if row is None or not _is_restarted(row, _mark(step, run), since):
                return None
            if (not is_observed(row)) if step.to == AFTER_THE_SEAL else unfinished(target, row):
                return None
        return left or {
            "namespace": settings.namespace,
            "restarted": {target.told: _at(row or {}) for target, row in mine.items()},
        }

    def prove(self, conn: KubernetesConnection, step: Step, run: Run) -> Proven:
        settings = settings_of(step.before)
        there = Workloads(conn, settings.namespace).found(settings)
        going = [f"{t.told}: {why}" for t, row in there.items() if row and (why := unfinished(t, row))]
        if going:
            return Proven(Proof.REQUESTED, f"begun, and not at its end: {'; '.join(going)}. verify looks again")
        return Proven(Proof.RECORDED, "the rollout is complete: Kubernetes counts no pod of before")


def _mark(step: Step, run: Run) -> str:
    return f"{run.id}.{step.id}"


def _at(row: Json) -> str:
    return on_template(row).get(RESTARTED_AT, "")


def _is_restarted(row: Json, mark: str, since: str) -> bool:
    """By this step, or by whoever restarted it later (kubectl writes the operator's own time zone)."""
    if on_template(row).get(MARK) == mark:
        return True
    now, then = moment(_at(row)), moment(since)
    return now is not None and then is not None and now >= then


def _incomplete(answers: Mapping[Target, Json | Fault]) -> Failed | None:
    """None where all were done. Raises the fault where none was, and NoAnswer for any: it is looked at first."""
    failed = {target: answer for target, answer in answers.items() if isinstance(answer, Fault)}
    if not failed:
        return None
    lost = next((fault for fault in failed.values() if isinstance(fault, NoAnswer)), None)
    if lost is not None:
        raise lost
    if len(failed) == len(answers):
        raise next(iter(failed.values()))
    done = ", ".join(target.told for target in answers if target not in failed)
    said = "; ".join(f"{target.told}: {fault.message}" for target, fault in failed.items())
    needs = next((fault.needs for fault in failed.values() if isinstance(fault, Denied)), "")
    return Failed(f"not everywhere: {said} (done: {done})", needs)


def _nearest(workloads: Workloads, target: Target, settings: RestartSettings) -> str:
    try:
        names = [str(row["metadata"]["name"]) for row in workloads.listed(target.kind)]
    except Denied:
        return f"Correct workloads in the map: kubectl get {target.kind}s -n {settings.namespace}"
    near = did_you_mean(target.name, names) or f"It has no {target.kind}."
    return f"Correct workloads in the map. {near}"


def _by_hand(target: Target, namespace: str) -> str:
    if target.kind == "deployment":
        return f"kubectl rollout resume {target.told} -n {namespace}, once what else waits there may go out"
    return f"Delete its pods one by one: kubectl delete pod POD -n {namespace}"
