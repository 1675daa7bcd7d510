"""Deployments, StatefulSets and DaemonSets: read, restarted, and how far that has come.

The rules are those of `kubectl rollout restart` and `kubectl rollout status` (kubectl, pkg/polymorphichelpers:
objectrestarter.go, rollout_status.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nhi_revoke.model.ref import Json
from nhi_revoke.provider.fault import Missing
from nhi_revoke_kubernetes.connection import KubernetesConnection
from nhi_revoke_kubernetes.flush.settings import RestartSettings, Target

APPS = "AppsV1Api"
METHODS = {"deployment": "deployment", "statefulset": "stateful_set", "daemonset": "daemon_set"}
"""How the official client writes each kind."""
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
MARK = "nhi-revoke/restart"
"""Annotation of the pods' template: the run and step, by which an answer that was lost is found."""
STRATEGIC = "application/strategic-merge-patch+json"
ROLLING, ON_DELETE = "RollingUpdate", "OnDelete"


class Workloads:
    """Of one namespace."""

    def __init__(self, conn: KubernetesConnection, namespace: str) -> None:
        self._conn, self._namespace = conn, namespace

    def read(self, target: Target) -> Json | None:
        """None where there is none."""
        try:
            return self._conn.ask(
                APPS, f"read_namespaced_{METHODS[target.kind]}", target.name, self._namespace,
                needs=f"get {target.kind}s.apps", what=f"get {target.told} -n {self._namespace}",
            )  # fmt: skip
        except Missing:
            return None

    def listed(self, kind: str, selector: str = "") -> list[Json]:
        """All of a kind, or those with these labels."""
        named: dict[str, Any] = {"label_selector": selector} if selector else {}
        told = self._conn.ask(
            APPS, f"list_namespaced_{METHODS[kind]}", self._namespace,
            needs=f"list {kind}s.apps", what=f"list {kind}s -n {self._namespace}", **named,
        )  # fmt: skip
        return list(told.get("items") or ())

    def found(self, settings: RestartSettings) -> dict[Target, Json | None]:
        """What is to be restarted, side by side; None for what is not there."""
        named = settings.targets
        if named:
            return dict(zip(named, self._conn.io.map(self.read, named), strict=True))
        kinds = tuple(METHODS)
        rows = self._conn.io.map(lambda kind: self.listed(kind, settings.selector), kinds)
        return {
            Target(k, str(row["metadata"]["name"])): row for k, each in zip(kinds, rows, strict=True) for row in each
        }

    def restart(self, target: Target, at: str, mark: str) -> Json:
        """Once: a restart is never asked for twice. As it is then."""
        body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at, MARK: mark}}}}}
        return self._conn.ask(
            APPS, f"patch_namespaced_{METHODS[target.kind]}", target.name, self._namespace,
            needs=f"patch {target.kind}s.apps", what=f"patch {target.told} -n {self._namespace}",
            body=body, field_manager="nhi-revoke", _content_type=STRATEGIC,
        )  # fmt: skip


def on_template(row: Json) -> dict[str, str]:
    """Of the pods' template."""
    found = ((_spec(row).get("template") or {}).get("metadata") or {}).get("annotations")
    return dict(found or {})


def unfit(target: Target, row: Json) -> str:
    """Why a restart would not replace its pods; empty where it does."""
    spec = _spec(row)
    if spec.get("paused"):
        return f"{target.told} is paused"
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == ON_DELETE:
        return f"{target.told} replaces a pod only when somebody deletes it ({ON_DELETE})"
    if int((strategy.get("rollingUpdate") or {}).get("partition") or 0) > 0:
        return f"{target.told} replaces only the pods from its partition on"
    return ""


def pods(row: Json) -> int:
    """How many there are."""
    status = row.get("status") or {}
    return _count(status, "currentNumberScheduled") or _count(status, "replicas")


def is_observed(row: Json) -> bool:
    """Whether its controller has taken up what was changed last."""
    generation = _count(row.get("metadata") or {}, "generation")
    return _count(row.get("status") or {}, "observedGeneration") >= generation


def unfinished(target: Target, row: Json) -> str:
    """Why pods of before may still run; empty where the rollout is complete."""
    status = row.get("status") or {}
    if not is_observed(row):
        return "not yet observed"
    if target.kind == "daemonset":
        wanted = _count(status, "desiredNumberScheduled")
        updated, available = _count(status, "updatedNumberScheduled"), _count(status, "numberAvailable")
        return _progress(updated, wanted, available, wanted)
    wanted = int(_spec(row).get("replicas", 1))
    updated = _count(status, "updatedReplicas")
    if target.kind == "statefulset":
        if status.get("updateRevision") != status.get("currentRevision"):
            return f"{updated} of {wanted} pods are new"
        ready = _count(status, "readyReplicas")
        return f"{ready} of {wanted} pods are ready" if ready < wanted else ""
    if _stuck(status.get("conditions") or ()):
        return "it exceeded its progress deadline: new pods do not come up"
    if updated >= wanted and (old := _count(status, "replicas") - updated) > 0:
        return f"{old} pods of before still run"
    return _progress(updated, wanted, _count(status, "availableReplicas"), updated)


def _progress(updated: int, wanted: int, available: int, of: int) -> str:
    if updated < wanted:
        return f"{updated} of {wanted} pods are new"
    return f"{available} of {of} new pods are available" if available < of else ""


def _stuck(conditions: Sequence[Json]) -> bool:
    return any(c.get("type") == "Progressing" and c.get("reason") == "ProgressDeadlineExceeded" for c in conditions)


def _spec(row: Json) -> dict[str, Any]:
    return dict(row.get("spec") or {})


def _count(of: Json, name: str) -> int:
    return int(of.get(name) or 0)
