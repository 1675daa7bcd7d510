"""`consumers` of one account: every Region and service side by side, then one against the other.

What refers to a secret of another account is seen where the map delivers to that one, by its ARN; else within an
account alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nhi_revoke.model.consumer import Consumer, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke_aws.access.function import LIST as FUNCTIONS
from nhi_revoke_aws.access.function import functions
from nhi_revoke_aws.access.task import READS as TASKS
from nhi_revoke_aws.access.task import Runner, running_in, where
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.consumers import functions as by_function
from nhi_revoke_aws.consumers import tasks as by_task
from nhi_revoke_aws.consumers.last_use import READ as LAST_USE
from nhi_revoke_aws.consumers.last_use import last_uses
from nhi_revoke_aws.consumers.place import SUFFIX, Place
from nhi_revoke_aws.consumers.sight import KIND, Sight
from nhi_revoke_aws.consumers.stored import (
    PARAMETERS,
    SECRETS,
    Row,
    delivered,
    kept_at,
    parameter_rows,
    secret_rows,
    told,
)
from nhi_revoke_aws.naming import parse_arn
from nhi_revoke_aws.regions import READ as REGIONS
from nhi_revoke_aws.regions import Swept, everywhere, paged

READS = (FUNCTIONS, *TASKS, SECRETS, PARAMETERS, LAST_USE, REGIONS)
NOT_READ = (
    "looked at: environments of Lambda and ECS, names, tags and descriptions in Secrets Manager and Parameter Store, "
    "last uses of keys. Not: CodeBuild, Batch, Glue, App Runner, user data and disks of EC2, values, logs"
)
MOST_SECRETS, MOST_PARAMETERS = 100, 50
"""Of one page (AWS docs: API_ListSecrets, API_DescribeParameters)."""


def consumers(conn: AwsConnection, sought: Sought) -> Iterator[Consumer | BlindSpot]:
    """Raises Unauthenticated where the credentials are another account's."""
    sight = Sight(sought, conn.account(), conn.region(), conn.own())
    regions, io = conn.regions(), conn.io
    arn = parse_arn(conn.caller().arn)
    partition = arn.partition if arn else "aws"

    def secrets(region: str) -> list[Row]:
        rows = paged(
            conn, "secretsmanager", "ListSecrets", "SecretList", region, mark="NextToken", MaxResults=MOST_SECRETS
        )
        return list(secret_rows(rows, region))

    def parameters(region: str) -> list[Row]:
        rows = paged(
            conn, "ssm", "DescribeParameters", "Parameters", region, mark="NextToken", MaxResults=MOST_PARAMETERS
        )
        return list(parameter_rows(rows, region, partition, sight.account))

    asks: tuple[Any, ...] = (
        lambda: everywhere(io, regions.on, secrets),
        lambda: everywhere(io, regions.on, parameters),
        lambda: everywhere(io, regions.on, lambda region: functions(conn, region)),
        lambda: everywhere(io, regions.on, lambda region: running_in(conn, region, io)),
        lambda: list(last_uses(conn, sight)),
    )
    kept, named, lambdas, tasks, uses = io.map(lambda ask: ask(), asks)
    yield BlindSpot(sight.there, KIND, NOT_READ, counts=False)
    yield from regions.spots(sight.there, KIND, "what uses its credentials")
    for swept, what in (
        (kept, "secrets of Secrets Manager"), (named, "parameters of Parameter Store"), (lambdas, "Lambda functions"),
        (tasks, "ECS services and tasks"),
    ):  # fmt: skip
        yield from swept.spots(sight.there, KIND, what)
    known = delivered(sight)
    places: list[Place] = list(known)
    for row in (row for swept in (kept, named) for _, rows in swept.found for row in rows):
        if place := kept_at(row, sight, known):
            places = [each for each in places if not _same(each, place)] + [place]
            yield from told(row, place, sight)
    for region, rows in lambdas.found:
        yield from by_function.users(rows, region, sight, places)
    yield from _tasks(tasks, sight, places)
    yield from uses


def _tasks(
    swept: Swept[tuple[Swept[list[Runner]], Swept[dict[str, Any]]]], sight: Sight, places: Sequence[Place]
) -> Iterator[Consumer | BlindSpot]:
    for region, (clusters, definitions) in swept.found:
        yield from where(clusters, region).spots(sight.there, KIND, "ECS services and tasks")
        yield from where(definitions, region).spots(sight.there, KIND, "ECS task definitions")
        running = [runner for _, found in clusters.found for runner in found]
        yield from by_task.users(running, dict(definitions.found), region, sight, places)


def _same(one: Place, other: Place) -> bool:
    """What the map names, maybe by an ARN without its end, and what its list shows are one."""
    if one.arn and one.arn in (other.arn, SUFFIX.sub("", other.arn)):
        return True
    return (one.sort, one.name, one.account, one.region) == (other.sort, other.name, other.account, other.region)
