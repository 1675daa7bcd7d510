"""What Compute Engine, Cloud Run and a machine's own metadata server answer.

facts gcp.md 1 (row 12), 7 (20): attached workloads get new tokens until their account is disabled. The metadata server
has an address of its own on each machine; here it has a path. Google Cloud docs: compute v1, run v1.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.permissions import LIST_INSTANCES, LIST_JOBS, LIST_SERVICES, LIST_WORKER_POOLS
from nhi_revoke_gcp.sandbox.compute import Machine, RunService
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, is_off

TABLE = Table()
KNATIVE = "serving.knative.dev/v1"


@TABLE.route("GET", "/_metadata/<machine>/token", "-")
def metadata_token(at: Here, machine: str) -> Reply:
    """For whoever is on the machine: no signing in."""
    cloud = at.gate.cloud
    found = cloud.workloads.machine(machine)
    account = cloud.accounts.get(found.email) if found is not None else None
    if found is None or found.status != "RUNNING" or account is None or account.disabled.obeyed(at.now):
        raise Turned(403, "forbidden", "Service account is not enabled.")
    made = cloud.new_token(f"serviceAccount:{account.email}", at.now)
    return Reply(200, {"access_token": made.value, "expires_in": 3599, "token_type": "Bearer"})


@TABLE.route("GET", "/compute/v1/projects/<project>/aggregated/instances", LIST_INSTANCES)
def instances(at: Here, project: str) -> Reply:
    """By zone; an empty one has a warning in the place of its rows, one that does not answer is told beside them."""
    cloud = at.gate.cloud
    if "compute" in cloud.off:
        raise is_off("compute")
    away = cloud.workloads.unreachable.get("compute", ())
    rows = [m for m in cloud.workloads.machines if m.project == project and m.zone not in away]
    most = min(int(at.asked.query.get("maxResults") or 500), at.gate.largest_page)
    start = int(at.asked.query.get("pageToken") or 0)
    items: dict[str, Any] = {"zones/us-east1-b": _empty("us-east1-b")}
    for row in rows[start : start + most]:
        listed = items.setdefault(f"zones/{row.zone}", {"instances": []})
        listed["instances"].append(_row(at, row))
    for zone in cloud.workloads.unreachable.get("zones", ()):
        items[f"zones/{zone}"] = {"warning": {"code": "UNREACHABLE", "message": "The zone does not answer."}}
    body: dict[str, Any] = {"kind": "compute#instanceAggregatedList", "id": f"projects/{project}", "items": items}
    if start + most < len(rows):
        body["nextPageToken"] = str(start + most)
    if away:
        body["unreachables"] = [f"projects/{project}/zones/{zone}" for zone in away]
    return Reply(200, body)


def _empty(zone: str) -> dict[str, Any]:
    data = [{"key": "scope", "value": f"zones/{zone}"}]
    return {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": f"No results for zone {zone}.", "data": data}}


def _row(at: Here, machine: Machine) -> dict[str, Any]:
    where = f"{at.asked.url}/compute/v1/projects/{machine.project}/zones/{machine.zone}"
    made = [{"key": "created-by", "value": f"projects/1/zones/{machine.zone}/instanceGroupManagers/{machine.group}"}]
    return {
        "kind": "compute#instance",
        "id": str(sum(machine.name.encode()) * 10**12),
        "name": machine.name,
        "zone": where,
        "selfLink": f"{where}/instances/{machine.name}",
        "status": machine.status,
        "creationTimestamp": stamp(machine.created),
        "serviceAccounts": [{"email": machine.email, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}],
        "metadata": {"kind": "compute#metadata", "items": made if machine.group else []},
    }


@TABLE.route("GET", f"/apis/{KNATIVE}/namespaces/<project>/services", LIST_SERVICES)
def services(at: Here, project: str) -> Reply:
    return _listed(at, "services", "ServiceList", project)


@TABLE.route("GET", "/apis/run.googleapis.com/v1/namespaces/<project>/jobs", LIST_JOBS)
def jobs(at: Here, project: str) -> Reply:
    return _listed(at, "jobs", "JobsList", project)


@TABLE.route("GET", "/apis/run.googleapis.com/v1/namespaces/<project>/workerpools", LIST_WORKER_POOLS)
def worker_pools(at: Here, project: str) -> Reply:
    return _listed(at, "workerpools", "WorkerPoolList", project)


def _listed(at: Here, sort: str, kind: str, project: str) -> Reply:
    """Of every region that answers; the others are told beside them."""
    cloud = at.gate.cloud
    if "run" in cloud.off:
        raise is_off("run")
    rows = cloud.workloads.shown(sort, project)
    most = min(int(at.asked.query.get("limit") or 500), at.gate.largest_page)
    start = int(at.asked.query.get("continue") or 0)
    if most < 1:
        raise Refused("INVALID_ARGUMENT", "limit")
    meta = {"continue": str(start + most)} if start + most < len(rows) else {}
    body: dict[str, Any] = {"apiVersion": KNATIVE, "kind": kind, "metadata": meta}
    body["items"] = [_run(row) for row in rows[start : start + most]]
    if away := cloud.workloads.unreachable.get(sort):
        body["unreachable"] = list(away)
    return Reply(200, body)


def _run(row: RunService) -> dict[str, Any]:
    spec: dict[str, Any] = {"serviceAccountName": row.email} if row.email else {}
    if row.variables or row.volumes:
        spec["containers"] = [{"image": "payments", "env": row.variables}]
        spec["volumes"] = row.volumes
    template: dict[str, Any] = {"spec": spec}
    if row.sort == "jobs":
        template = {"spec": {"template": template}}
    labels = {"cloud.googleapis.com/location": row.region}
    meta = {"name": row.name, "namespace": "1", "labels": labels, "creationTimestamp": stamp(row.created)}
    kind = {"services": "Service", "jobs": "Job", "workerpools": "WorkerPool"}[row.sort]
    api = KNATIVE if row.sort == "services" else "run.googleapis.com/v1"
    if row.annotations:
        template["metadata"] = {"annotations": row.annotations}
    return {"apiVersion": api, "kind": kind, "metadata": meta, "spec": {"template": template}}
