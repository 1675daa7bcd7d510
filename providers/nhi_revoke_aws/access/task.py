"""ECS services and tasks that run with a role, in every Region and cluster. What they run with is in their task
definition, which is read once each.

AWS docs: ecs API_DescribeTaskDefinition (taskRoleArn, executionRoleArn), API_DescribeTasks (overrides).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holding import names_role
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.regions import Swept, everywhere, paged

KIND = "aws:task"
READS = (
    "ecs:ListClusters", "ecs:ListServices", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks",
    "ecs:DescribeTaskDefinition",
)  # fmt: skip
MOST = 100
SERVICES_AT_ONCE = 10
OF_A_SERVICE = "service:"
"""How the group of a task begins that a service started."""
AS = {"taskRoleArn": "task role", "executionRoleArn": "execution role"}
CACHED = "its tasks cache credentials: force a new deployment (flush aws-ecs)"
ALONE = "started by no service: stop them, whatever started them starts new ones"


class Runner(Struct, frozen=True):
    """A service, or all tasks of one task definition that no service started."""

    cluster: str
    name: str
    alone: int = 0
    """How many tasks; 0 for a service."""
    definitions: tuple[str, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    """(field, ARN) that a task was started with in place of its definition's."""


class RoleTasks(AccessKind[AwsConnection]):
    """What is only scheduled (EventBridge, Step Functions) is seen while it runs, and else not."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "ECS services and tasks with a role"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = READS
    late: ClassVar[bool] = True
    manual: ClassVar[str] = (
        "Force a new deployment of the service (flush aws-ecs); stop tasks that no service started. Schedules that "
        "start tasks with the role are not listed here: look in EventBridge and Step Functions."
    )

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        role, regions = name_in(conn, ref), conn.regions()
        yield from regions.spots(ref, KIND, "ECS tasks")
        swept = everywhere(io, regions.on, lambda region: running_in(conn, region, io))
        yield from swept.spots(ref, KIND, "ECS tasks")
        account = conn.account()
        for region, (clusters, definitions) in swept.found:
            yield from where(clusters, region).spots(ref, KIND, "ECS tasks")
            yield from where(definitions, region).spots(ref, KIND, "ECS task definitions")
            of = dict(definitions.found)
            runners = (r for _, found in clusters.found for r in found)
            mine = {r: {AS[f] for f, arn in runs_with(r, of) if names_role(arn, role, account)} for r in runners}
            for (cluster, name, lone), held in _together(mine).items():
                yield _access(cluster, name, lone, held, region, ref)


def running_in(conn: AwsConnection, region: str, io: Io) -> tuple[Swept[list[Runner]], Swept[dict[str, Any]]]:
    """What runs in each cluster, and the task definitions of all of it, each read once."""
    clusters = list(paged(conn, "ecs", "ListClusters", "clusterArns", region, maxResults=MOST))
    running = everywhere(
        io, clusters, lambda cluster: [*_services(conn, region, cluster), *_tasks(conn, region, cluster)]
    )
    wanted = dict.fromkeys(d for _, runners in running.found for r in runners for d in r.definitions)

    def definition(arn: str) -> dict[str, Any]:
        found: dict[str, Any] = conn.call("ecs", "DescribeTaskDefinition", region=region, taskDefinition=arn)
        return found["taskDefinition"] or {}

    return running, everywhere(io, tuple(wanted), definition)


def _services(conn: AwsConnection, region: str, cluster: str) -> Iterator[Runner]:
    """While a deployment goes on, the former definition runs beside the new one."""
    arns = list(paged(conn, "ecs", "ListServices", "serviceArns", region, cluster=cluster, maxResults=MOST))
    for some in _chunks(arns, SERVICES_AT_ONCE):
        answer = conn.call("ecs", "DescribeServices", region=region, cluster=cluster, services=some)
        _whole(answer, "DescribeServices")
        for row in answer.get("services") or ():
            parts = (row, *(row.get("deployments") or ()), *(row.get("taskSets") or ()))
            definitions = dict.fromkeys(str(p["taskDefinition"]) for p in parts if p.get("taskDefinition"))
            if row.get("status") != "INACTIVE":
                yield Runner(_last(cluster), str(row["serviceName"]), 0, tuple(definitions))


def _tasks(conn: AwsConnection, region: str, cluster: str) -> Iterator[Runner]:
    """Those that no service started, and those that were started with another role than their definition's."""
    arns = list(paged(conn, "ecs", "ListTasks", "taskArns", region, cluster=cluster, maxResults=MOST))
    alone: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    for some in _chunks(arns, MOST):
        answer = conn.call("ecs", "DescribeTasks", region=region, cluster=cluster, tasks=some)
        _whole(answer, "DescribeTasks")
        for row in answer.get("tasks") or ():
            over = row.get("overrides") or {}
            roles = tuple((field, str(over[field])) for field in AS if over.get(field))
            if row.get("lastStatus") == "STOPPED" or (str(row.get("group")).startswith(OF_A_SERVICE) and not roles):
                continue
            slot = (str(row["taskDefinitionArn"]), roles)
            alone[slot] = alone.get(slot, 0) + 1
    for (definition, roles), number in alone.items():
        yield Runner(_last(cluster), _last(definition), number, (definition,), roles)


def runs_with(runner: Runner, definitions: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """(field, ARN). What a task was started with wins over its definition."""
    yield from runner.roles
    over = {field for field, _ in runner.roles}
    for arn in runner.definitions:
        for field in AS:
            if field not in over and definitions.get(arn, {}).get(field):
                yield field, str(definitions[arn][field])


def _together(held: dict[Runner, set[str]]) -> dict[tuple[str, str, int], list[str]]:
    """Tasks of one definition are one row, however each was started."""
    words: dict[tuple[str, str, bool], set[str]] = {}
    lone: dict[tuple[str, str, bool], int] = {}
    for runner, found in held.items():
        slot = (runner.cluster, runner.name, runner.alone > 0)
        if found:
            words.setdefault(slot, set()).update(found)
            lone[slot] = lone.get(slot, 0) + runner.alone
    return {(*slot[:2], lone[slot]): sorted(found, reverse=True) for slot, found in words.items()}


def _whole(answer: dict[str, Any], operation: str) -> None:
    """Raises Rejected where AWS left rows out for another reason than that they are gone."""
    why = sorted({str(row.get("reason")) for row in answer.get("failures") or () if row.get("reason") != "MISSING"})
    if why:
        raise Rejected(f"ecs:{operation} left out rows ({', '.join(why)})", code=why[0])


def where(swept: Swept[Any], region: str) -> Swept[Any]:
    """With the Region beside the cluster or definition that could not be read."""
    return Swept(swept.found, tuple((f"{_last(arn)} in {region}", fault) for arn, fault in swept.failed))


def _chunks(rows: Sequence[str], size: int) -> Iterator[list[str]]:
    return (list(rows[start : start + size]) for start in range(0, len(rows), size))


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _access(cluster: str, name: str, lone: int, held: Sequence[str], region: str, ref: PrincipalRef) -> Access:
    what = f"tasks of {name}" if lone else f"service {name}"
    slot = f"tasks/{name}" if lone else name
    note = f"tasks: {lone}, {ALONE}" if lone else CACHED
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{region}/{cluster}/{slot}",
        on=ref,
        kind=KIND,
        family="grant",
        state="live",
        label=f"ECS {what} in cluster {cluster} in {region}",
        evidence="ecs:DescribeTaskDefinition",
        door=f"{region}/{cluster}/{slot}",
        before={"Region": region, "Cluster": cluster},
        exposure="service",
        opens=False,
        note=f"as {' and '.join(held)}; {note}",
    )
