"""What works with a role: EC2 instances, Lambda functions, ECS services and tasks, and what the demo has of them.

Functions and what ECS runs are moto's own: the lists here page as AWS's do, which moto's do not. Instances are kept
here: moto's EC2 takes a second to load, and cannot filter by instance profile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, page
from nhi_revoke_aws.sandbox.own.trusting import add_trust, begun_by_service
from nhi_revoke_aws.sandbox.seed import INSIDE, held

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door

EC2, LAMBDA, ECS = "ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com"
INSTANCE = "i-0b5f2c8e41d97a630"
PROFILE = "payments-node"
"""Another name than the role's, as it often is."""
FUNCTION, CLUSTER, SERVICE, BATCH = "payments-webhook", "payments", "api", "payments-batch"
IMDS_SESSION = 6 * 3600
"""Seconds."""
ONE = ["sts:AssumeRole"]
PARTS = {"*": ".*", "?": "."}


@dataclass
class Holding:
    """An instance profile's association."""

    account: str
    region: str
    instance: str
    arn: str
    id: str
    since: datetime
    state: str = "associated"
    address: str = "10.0.0.11"
    tag: str = ""
    """Its tag `Name`."""

    def described(self) -> dict[str, Any]:
        """As a reservation of its own."""
        tags = [{"Key": "Name", "Value": self.tag}] if self.tag else []
        profile = {"IamInstanceProfile": {"Arn": self.arn, "Id": self.id}} if self.arn else {}
        row = {"InstanceId": self.instance, "PrivateIpAddress": self.address, "Tags": tags, **profile}
        return {
            "ReservationId": f"r-{self.instance[2:]}",
            "Instances": [{**row, "State": {"Code": 16, "Name": "running"}}],
        }

    def fits(self, name: str, values: Sequence[str]) -> bool:
        """Whether a filter of DescribeInstances lets it through: its values may hold `*` and `?`."""
        value = {"instance-id": self.instance, "private-ip-address": self.address, "tag:Name": self.tag}[name]
        return any(_pattern(each).fullmatch(value) for each in values)

    def row(self) -> dict[str, Any]:
        profile = {"Arn": self.arn, "Id": self.id}
        told = {"AssociationId": f"iip-assoc-{self.instance[2:]}", "InstanceId": self.instance, "State": self.state}
        return {**told, "IamInstanceProfile": profile, "Timestamp": self.since}


class Instances(OwnService):
    model: ClassVar[str] = "ec2"
    name: ClassVar[str] = "instance"

    def __init__(self) -> None:
        self.holdings: list[Holding] = []

    def clear(self) -> None:
        self.holdings.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {"DescribeIamInstanceProfileAssociations": self._list, "DescribeInstances": self._describe}

    def _describe(self, asking: Asking) -> dict[str, Any]:
        """AWS docs: API_DescribeInstances; all filters must hold, of each one value. These three are known here."""
        asked = {str(f["Name"]): list(f.get("Values") or ()) for f in asking.params.get("Filters") or ()}
        unknown = sorted(set(asked) - {"instance-id", "private-ip-address", "tag:Name"})
        if unknown:
            raise Refusal("InvalidParameterValue", f"The filter '{unknown[0]}' is invalid")
        if any(len(values) > 200 for values in asked.values()):
            raise Refusal(
                "FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200"
            )
        rows = [
            h.described()
            for h in self.holdings
            if (h.account, h.region) == (asking.account, asking.region)
            and all(h.fits(name, values) for name, values in asked.items())
        ]
        some, token = page(rows, asking, token="NextToken", size="MaxResults", default=1000, most=1000)
        return {"Reservations": some, "NextToken": token}

    def _list(self, asking: Asking) -> dict[str, Any]:
        """AWS docs: its filters are `instance-id` and `state`."""
        asked = {str(f["Name"]): set(f.get("Values") or ()) for f in asking.params.get("Filters") or ()}
        unknown = sorted(set(asked) - {"instance-id", "state"})
        if unknown:
            raise Refusal("InvalidParameterValue", f"The filter '{unknown[0]}' is invalid")
        rows = [
            h.row()
            for h in self.holdings
            if (h.account, h.region) == (asking.account, asking.region)
            and h.instance in asked.get("instance-id", {h.instance})
            and h.state in asked.get("state", {h.state})
        ]
        some, token = page(rows, asking, token="NextToken", size="MaxResults", default=1000, most=1000)
        return {"IamInstanceProfileAssociations": some, "NextToken": token}

    def seed(self, scene: Scene) -> Sequence[Door]:
        """The worker runs on an instance: its credentials were copied from the metadata service."""
        world = scene.world
        iam = world.moto.iam(world.account)
        profile = iam.create_instance_profile(PROFILE, "/", [])
        iam.add_role_to_instance_profile(PROFILE, scene.worker)
        profile.create_date = (world.vendor_now() - timedelta(days=380)).replace(tzinfo=None)
        since = world.vendor_now() - timedelta(days=21)
        self.holdings.append(Holding(world.account, world.region, INSTANCE, profile.arn, profile.id, since))
        add_trust(scene, {"Service": EC2}, ONE)
        world.settle()
        with world.earlier(INSIDE):
            account, role = world.history.recorded(world.account), iam.get_role(scene.worker)
            session = begun_by_service(world, account, role.arn, EC2, INSTANCE, IMDS_SESSION, world.vendor_now())
        return (
            StolenDoor(
                "aws/instance-metadata", "instance-metadata", "what an instance's metadata service gave out",
                f"aws:role-session/{world.account}/{scene.worker}/*", lambda: scene.burglar.use(held(session)),
            ),
        )  # fmt: skip


def _pattern(value: str) -> re.Pattern[str]:
    """`*` and `?`, unless a backslash stands before them."""
    parts = (PARTS.get(part, re.escape(part.removeprefix("\\"))) for part in re.findall(r"\\.|.", value))
    return re.compile("".join(parts))


class FunctionLists(OwnService):
    """`sealed`: names of functions whose environment Lambda cannot decrypt for who asks."""

    model: ClassVar[str] = "lambda"
    name: ClassVar[str] = "function"

    def __init__(self) -> None:
        self.sealed: set[str] = set()

    def clear(self) -> None:
        self.sealed.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {"ListFunctions": self._list}

    def _list(self, asking: Asking) -> dict[str, Any]:
        """50 a page, whatever is asked for (AWS docs: lambda API_ListFunctions)."""
        found = _functions(asking).list_functions(asking.params.get("FunctionVersion"))
        rows = [self._row(f.get_configuration()) for f in found]
        some, marker = page(rows, asking, token="Marker", size="MaxItems", default=50, most=50)
        return {"Functions": some, "NextMarker": marker}

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        """AWS docs: lambda API_EnvironmentResponse, API_EnvironmentError."""
        if row["FunctionName"] not in self.sealed:
            return row
        error = {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt the variables"}
        return {**row, "Environment": {"Error": error}}

    def seed(self, scene: Scene) -> Sequence[Door]:
        world = scene.world
        add_trust(scene, {"Service": LAMBDA}, ONE)
        role = world.moto.iam(world.account).get_role(scene.worker)
        plant_function(scene, world.region, FUNCTION, role.arn)
        return ()


def plant_function(
    scene: Scene,
    region: str,
    name: str,
    role: str,
    environment: Mapping[str, str] | None = None,
    *,
    publish: bool = False,
) -> Any:
    """moto's own, of an image: no code is stored."""
    from moto.awslambda.models import lambda_backends

    spec = {
        "FunctionName": name,
        "Role": role,
        "PackageType": "Image",
        "Code": {"ImageUri": "none"},
        "Publish": publish,
    }
    spec["Environment"] = {"Variables": dict(environment or {})}
    return lambda_backends[scene.world.account][region].create_function(spec)


def _functions(asking: Asking) -> Any:
    from moto.awslambda.models import lambda_backends

    return lambda_backends[asking.account][asking.region]


class TaskLists(OwnService):
    model: ClassVar[str] = "ecs"
    name: ClassVar[str] = "task"

    def operations(self) -> Mapping[str, Handler]:
        return {"ListClusters": self._clusters, "ListServices": self._services, "ListTasks": self._tasks}

    def _clusters(self, asking: Asking) -> dict[str, Any]:
        return self._page(asking, "clusterArns", _ecs(asking.account, asking.region).list_clusters(), 100)

    def _services(self, asking: Asking) -> dict[str, Any]:
        return self._page(asking, "serviceArns", self._ask(asking, "list_services"), 10)

    def _tasks(self, asking: Asking) -> dict[str, Any]:
        return self._page(asking, "taskArns", [t.task_arn for t in self._ask(asking, "list_tasks")], 100)

    def _ask(self, asking: Asking, what: str) -> Any:
        """Raises Refusal for a cluster that is not there."""
        from moto.ecs.exceptions import ClusterNotFoundException

        try:
            return getattr(_ecs(asking.account, asking.region), what)(asking.params.get("cluster") or "default")
        except ClusterNotFoundException:
            raise Refusal("ClusterNotFoundException", "Cluster not found.") from None

    def _page(self, asking: Asking, field: str, rows: Sequence[str], default: int) -> dict[str, Any]:
        some, token = page(rows, asking, token="nextToken", size="maxResults", default=default, most=100)
        return {field: some, "nextToken": token}

    def seed(self, scene: Scene) -> Sequence[Door]:
        """A service, and a batch job that no service started."""
        world = scene.world
        add_trust(scene, {"Service": ECS}, ONE)
        role = world.moto.iam(world.account).get_role(scene.worker)
        plant_service(scene, world.region, CLUSTER, SERVICE, role.arn)
        plant_task(scene, world.region, CLUSTER, BATCH, role.arn)
        return ()


def _ecs(account: str, region: str) -> Any:
    from moto.ecs.models import ecs_backends

    return ecs_backends[account][region]


def _define(ecs: Any, cluster: str, family: str, role: str, more: Mapping[str, Any] | None = None) -> Any:
    if cluster not in ecs.clusters:
        ecs.create_cluster(cluster)
    container = {"name": family, "image": "none", "memory": 128, **(more or {})}
    return ecs.register_task_definition(family=family, container_definitions=[container], task_role_arn=role)


def plant_service(
    scene: Scene, region: str, cluster: str, name: str, role: str, container: Mapping[str, Any] | None = None
) -> Any:
    """moto's own, with a task definition of its own. `container`: more of its only one."""
    ecs = _ecs(scene.world.account, region)
    _define(ecs, cluster, f"{cluster}-{name}", role, container)
    return ecs.create_service(cluster, name, 1, f"{cluster}-{name}")


def plant_task(scene: Scene, region: str, cluster: str, family: str, role: str, **over: str) -> Any:
    """moto's own, without an instance to run on. `over`: what it was started with in place of its definition's.

    moto's tasks take a step towards their end each time that they are looked at: this one runs on.
    """
    from moto.ecs.models import Task

    ecs = _ecs(scene.world.account, region)
    definition = _define(ecs, cluster, family, role)
    task = Task(ecs.clusters[cluster], definition, None, {}, ecs, f"family:{family}", "FARGATE", dict(over))
    task.advance = lambda: None  # type: ignore[method-assign]  # one instance of it alone
    ecs.tasks.setdefault(cluster, {})[task.task_arn] = task
    return task
