"""`aws-ecs`: services whose tasks hold the old credential get new tasks.

AWS docs: ecs API_UpdateService (forceNewDeployment: "start a new deployment with no service definition changes"),
API_Deployment (PRIMARY is the newest; rolloutState).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from nhi_revoke.model.change import Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.flush.base import AwsFlush, Target, Where, asked, each, incomplete

SERVICE = "ecs"
AT_ONCE = 10
"""Services in one DescribeServices."""
ROLLING = "ECS"
"""The deployment controller that replaces tasks by itself."""
Name = Annotated[str, Meta(min_length=1)]


class ServiceSettings(Where, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands beside `use = "aws-ecs"` in the map."""

    cluster: Name = "default"
    service: str = ""
    services: tuple[Name, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        return self.services or (self.service,)


class Services(AwsFlush[ServiceSettings]):
    name: ClassVar[str] = "aws-ecs"
    permissions: ClassVar[tuple[str, ...]] = ("ecs:DescribeServices", "ecs:UpdateService")
    says: ClassVar[str] = "replaces the tasks of an ECS service (a new deployment of the same definition)"
    survives: ClassVar[str] = "old tasks, until the new ones are steady; tasks that no service runs"
    source: ClassVar[str] = "AWS docs: ecs API_UpdateService, API_Deployment"
    reversible: ClassVar[bool] = False
    shape: ClassVar[type[ServiceSettings]] = ServiceSettings
    example: ClassVar[str] = 'cluster = "prod", services = ["payments"], and if need be regions = ["eu-west-1"]'

    def weigh(self, settings: ServiceSettings) -> None:
        if bool(settings.service) == bool(settings.services):
            raise Rejected(f"{self.name}: it needs service or services", hint=f"Write {self.example}.")

    def plainly(self, settings: ServiceSettings) -> tuple[str, str]:
        return (
            f"replace the tasks of ECS {', '.join(settings.named)} in cluster {settings.cluster} {settings.told}",
            "tasks are stopped and started as the service's deployment settings say: less room meanwhile",
        )

    def unready(self, conn: AwsConnection, settings: ServiceSettings) -> Impossible | None:
        try:
            there = _described(conn, settings)
        except Missing as gone:
            by_hand = "correct cluster and regions in the map: aws ecs list-clusters"
            return Impossible(f"there is no cluster {settings.cluster} ({gone.message})", by_hand)
        for target in _targets(conn, settings):
            row = there.get(target)
            if row is None or row.get("status") != "ACTIVE":
                by_hand = f"correct services in the map: aws ecs list-services --cluster {settings.cluster}"
                return Impossible(f"there is no active service {target.told} in cluster {settings.cluster}", by_hand)
            controller = (row.get("deploymentController") or {}).get("type", ROLLING)
            if controller != ROLLING:
                why = f"service {target.told} is deployed by {controller}, which this call does not start"
                return Impossible(why, "start a deployment there: aws deploy create-deployment")
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        settings = self.settings(step.before)

        def renew(target: Target) -> str:
            told = asked(
                conn, SERVICE, "UpdateService", target.region, repeatable=False, cluster=settings.cluster,
                service=target.name, forceNewDeployment=True,
            )  # fmt: skip
            return _primary(told["service"])

        answers = each(conn, _targets(conn, settings), renew)
        if failed := incomplete(answers, lambda target: target.told):
            return failed
        return Done({"deployments": {target.told: number for target, number in answers}}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """Its deployment is the newest one. How far it has come is another matter: `prove` tells."""
        left, settings = run.left(step.id), self.settings(step.before)
        if "deployments" not in left:
            return None
        there = _described(conn, settings)
        ours = left["deployments"]
        if any(_primary(there.get(t) or {}) != ours.get(t.told) for t in _targets(conn, settings)):
            return None
        return left

    def prove(self, conn: AwsConnection, step: Step, run: Run) -> Proven:
        settings = self.settings(step.before)
        there = _described(conn, settings)
        going = [f"{t.told}: {why}" for t in _targets(conn, settings) if (why := _unfinished(there.get(t) or {}))]
        if going:
            return Proven(Proof.REQUESTED, f"begun, and not at its end: {'; '.join(going)}. verify looks again")
        return Proven(Proof.RECORDED, "the new deployment is complete, and no task of an older one runs")


def _unfinished(row: Json) -> str:
    """Why tasks of before may still run; empty where none does."""
    deployments = row.get("deployments") or ()
    primary: Json = next((d for d in deployments if d.get("status") == "PRIMARY"), {})
    old = sum(int(d.get("runningCount") or 0) for d in deployments if d.get("status") != "PRIMARY")
    if old:
        return f"{old} tasks of before still run"
    state = primary.get("rolloutState")
    if state not in (None, "COMPLETED"):
        return f"rollout {state}"
    running, wanted = int(primary.get("runningCount") or 0), int(primary.get("desiredCount") or 0)
    return f"{running} of {wanted} new tasks run" if not primary or running < wanted else ""


def _primary(row: Json) -> str:
    return next((str(d["id"]) for d in row.get("deployments") or () if d.get("status") == "PRIMARY"), "")


def _targets(conn: AwsConnection, settings: ServiceSettings) -> Sequence[Target]:
    return [Target(name, region) for region in settings.at(conn) for name in settings.named]


def _described(conn: AwsConnection, settings: ServiceSettings) -> dict[Target, dict[str, Any]]:
    """Those that are there. Raises Missing where the cluster is not."""

    def ask(batch: tuple[str, tuple[str, ...]]) -> Iterable[dict[str, Any]]:
        region, names = batch
        answer = asked(
            conn, SERVICE, "DescribeServices", region, cluster=settings.cluster, services=list(names)
        )  # fmt: skip
        return answer.get("services") or ()

    names = settings.named
    chunks = [names[n : n + AT_ONCE] for n in range(0, len(names), AT_ONCE)]
    batches = [(region, chunk) for region in settings.at(conn) for chunk in chunks]
    out: dict[Target, dict[str, Any]] = {}
    for (region, chunk), rows in zip(batches, conn.io.map(ask, batches), strict=True):
        for row in rows:
            name = next((n for n in chunk if n in (row.get("serviceName"), row.get("serviceArn"))), "")
            out[Target(name, region)] = row
    return out
