"""ECS services and tasks that hold a credential, refer to where it is kept, or run with a role, in every Region.

Of task definitions, those in use alone are read. AWS docs: ecs API_ContainerDefinition (environment, secrets,
environmentFiles, logConfiguration.secretOptions, repositoryCredentials).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nhi_revoke.model.consumer import Consumer
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import FlushTarget
from nhi_revoke_aws.access.task import AS, runs_with
from nhi_revoke_aws.access.task import Runner as Running
from nhi_revoke_aws.consumers.configured import Runner, called, runs_as, seen_in, told
from nhi_revoke_aws.consumers.functions import BEYOND
from nhi_revoke_aws.consumers.place import Place
from nhi_revoke_aws.consumers.sight import KIND, Sight
from nhi_revoke_aws.holding import listed

FLUSH = "aws-ecs"
EVIDENCE = "ecs:DescribeTaskDefinition"


def users(
    running: Iterable[Running],
    definitions: dict[str, dict[str, Any]],
    region: str,
    sight: Sight,
    places: Sequence[Place],
) -> Iterator[Consumer | BlindSpot]:
    """Of one Region. `definitions`: by ARN."""
    files: list[str] = []
    for one in running:
        runner = _runner(one, region, sight)
        containers = [
            container
            for arn in one.definitions
            for container in definitions.get(arn, {}).get("containerDefinitions") or ()
        ]
        pairs = [pair for container in containers for pair in _pairs(container)]
        yield from told(runner, seen_in(pairs, sight, places, region), sight)
        yield from runs_as(runner, [(AS[field], arn) for field, arn in runs_with(one, definitions)], sight)
        yield from called(runner, one.name.partition(":")[0], sight)
        if any(container.get("environmentFiles") for container in containers):
            files.append(f"{one.name} in cluster {one.cluster}")
    if files:
        why = f"environment files in S3 of ECS in {region}, which this tool does not read: {listed(files)}"
        yield BlindSpot(sight.there, KIND, why)


def _pairs(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is injected from a store says so: a plain name is that of a parameter there."""
    name = str(container.get("name") or "")
    for each in container.get("environment") or ():
        yield f"{name}: {each.get('name')}", str(each.get("value") or "")
    logs = container.get("logConfiguration") or {}
    for each in (*(container.get("secrets") or ()), *(logs.get("secretOptions") or ())):
        yield f"{name}: secret {each.get('name')}", str(each.get("valueFrom") or "")
    registry = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
    if registry:
        yield f"{name}: repository credentials", str(registry)


def _runner(one: Running, region: str, sight: Sight) -> Runner:
    if one.alone:
        return Runner(
            what=f"ECS tasks of {one.name} in cluster {one.cluster} in {region}",
            evidence=EVIDENCE,
            flush=None,
            by_hand="no service runs them: stop them, and let whatever started them start new ones",
            anew="register a new revision of its task definition with the replacement, and start that",
        )
    settings = {"cluster": one.cluster, "service": one.name, "region": region}
    return Runner(
        what=f"ECS service {one.name} in cluster {one.cluster} in {region}",
        evidence=EVIDENCE,
        flush=FlushTarget(FLUSH, settings) if sight.own else None,
        by_hand=f"force a new deployment: {BEYOND}",
        anew="register a new revision of its task definition with the replacement, and update the service",
    )
