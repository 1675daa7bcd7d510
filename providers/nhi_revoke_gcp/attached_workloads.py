"""Workloads that run as an account: virtual machines and what Cloud Run runs, of one project, in every region at once.

facts gcp.md 1 (row 12), 7 (20). Google Cloud docs: compute v1 instances.aggregatedList; run v1 services.list, jobs.list
and workerpools.list of a namespace, which without a region tell all of them, and those that they could not reach. (v2
of the same takes one region at a time.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.permissions import LIST_INSTANCES, LIST_JOBS, LIST_SERVICES, LIST_WORKER_POOLS
from nhi_revoke_gcp.universe import COMPUTE, RUN

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

NOTHING = "NO_RESULTS_ON_PAGE"
"""The warning that says nothing more than that a zone is empty."""
STOPPED = frozenset({"TERMINATED", "STOPPED", "SUSPENDED"})
PAGE = 500
REGION = "cloud.googleapis.com/location"
"""The label of whatever Cloud Run runs (Google Cloud docs: run v1)."""


class Workload(Struct, frozen=True):
    sort: str
    """`virtual machine`, `Cloud Run service`, …"""
    project: str
    where: str
    """A zone or a region."""
    name: str
    account: str
    """E-mail address; empty: the project's default one."""
    runs: bool = True
    created: Any = None
    pool: str = ""
    """What makes such a machine anew: the instance group that made it."""

    def stop(self) -> tuple[str, ...]:
        """The words that somebody types to stop it. What Cloud Run runs has no "stop": it is deleted."""
        if self.sort == MACHINE:
            words = ("compute", "instances", "stop", self.name, "--zone", self.where)
        else:
            noun = {SERVICE: "services", JOB: "jobs", POOL: "worker-pools"}[self.sort]
            words = ("run", noun, "delete", self.name, "--region", self.where)
        return ("gcloud", *words, "--project", self.project)


MACHINE, SERVICE, JOB, POOL = "virtual machine", "Cloud Run service", "Cloud Run job", "Cloud Run worker pool"


class Listed(Struct, frozen=True):
    """What one interface tells of a project."""

    workloads: tuple[Workload, ...]
    unreached: tuple[str, ...] = ()
    """Zones and regions that it could not look at."""


class Listing(Struct, frozen=True):
    """One interface."""

    words: str
    needs: str
    sort: str
    path: str = ""
    """Of Cloud Run's, with a place for the project."""

    def read(self, conn: GcpConnection, project: str) -> Listed:
        """Raises the faults of the contract."""
        return _machines(conn, project) if self.sort == MACHINE else _run(conn, project, self)


LISTINGS = (
    Listing("virtual machines", LIST_INSTANCES, MACHINE),
    Listing("Cloud Run services", LIST_SERVICES, SERVICE, "/apis/serving.knative.dev/v1/namespaces/{project}/services"),
    Listing("Cloud Run jobs", LIST_JOBS, JOB, "/apis/run.googleapis.com/v1/namespaces/{project}/jobs"),
    Listing(
        "Cloud Run worker pools", LIST_WORKER_POOLS, POOL,
        "/apis/run.googleapis.com/v1/namespaces/{project}/workerpools",
    ),
)  # fmt: skip


def _machines(conn: GcpConnection, project: str) -> Listed:
    found: list[Workload] = []
    unreached: list[str] = []
    for page in pages(conn, COMPUTE, f"/compute/v1/projects/{segment(project)}/aggregated/instances", LIST_INSTANCES,
                      "maxResults", "pageToken", lambda body: str(body.get("nextPageToken") or "")):  # fmt: skip
        unreached += [_last(each) for each in page.get("unreachables") or ()]
        if (code := _warned(page)) is not None:
            unreached.append(f"some zones ({code})")
        for scope, listed in (page.get("items") or {}).items():
            if (code := _warned(listed)) is not None:
                unreached.append(f"{_last(scope)} ({code})")
            found += [_machine(project, row) for row in listed.get("instances") or () if row.get("serviceAccounts")]
    return Listed(tuple(found), tuple(dict.fromkeys(unreached)))


def _machine(project: str, row: Mapping[str, Any]) -> Workload:
    metadata = {str(each.get("key")): str(each.get("value") or "") for each in _items(row)}
    return Workload(
        MACHINE,
        project,
        _last(str(row.get("zone") or "")),
        str(row["name"]),
        str(row["serviceAccounts"][0].get("email") or "").lower(),
        runs=str(row.get("status")) not in STOPPED,
        created=row.get("creationTimestamp"),
        pool=_last(metadata.get("created-by", "")),
    )


def _items(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((row.get("metadata") or {}).get("items") or ())


def _warned(listed: Mapping[str, Any]) -> str | None:
    """The code of a warning that may hide something."""
    code = str((listed.get("warning") or {}).get("code") or "")
    return code if code and code != NOTHING else None


def _run(conn: GcpConnection, project: str, listing: Listing) -> Listed:
    found: list[Workload] = []
    unreached: list[str] = []
    path = listing.path.format(project=segment(project))
    for page in pages(conn, RUN, path, listing.needs, "limit", "continue",
                       lambda body: str((body.get("metadata") or {}).get("continue") or "")):  # fmt: skip
        unreached += [str(each) for each in page.get("unreachable") or ()]
        for row in page.get("items") or ():
            about = row.get("metadata") or {}
            where = str((about.get("labels") or {}).get(REGION) or "")
            account = str(template_of(row, listing.sort).get("serviceAccountName") or "").lower()
            created = about.get("creationTimestamp")
            found.append(Workload(listing.sort, project, where, str(about.get("name") or ""), account, created=created))
    return Listed(tuple(found), tuple(dict.fromkeys(unreached)))


def template_of(row: Mapping[str, Any], sort: str) -> Mapping[str, Any]:
    """Where a job's account stands one template deeper."""
    depth = ("spec", "template", "spec", "template", "spec") if sort == JOB else ("spec", "template", "spec")
    found: Mapping[str, Any] = row
    for name in depth:
        found = found.get(name) or {}
    return found


def pages(
    conn: GcpConnection, api: str, path: str, needs: str, size: str, cursor: str, following: Any
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Each page whole: what it could not reach stands beside its rows. Raises Rejected for a circle."""
    token, seen = "", set[str]()
    while True:
        page = conn.get(api, path, needs, **{size: PAGE}, **({cursor: token} if token else {}))
        yield page
        token = following(page)
        if not token:
            return
        if token in seen:
            raise Rejected("the list's next page is one that was read already: the rest was not read")
        seen.add(token)


def _last(text: str) -> str:
    """Of a URL or a path."""
    return text.rstrip("/").rpartition("/")[2]
