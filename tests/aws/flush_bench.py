"""What the tests of the flushes share."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from nhi_revoke.model.change import Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke_aws.flush.apigateway import RestApi
from nhi_revoke_aws.flush.apigatewayv2 import HttpApi
from nhi_revoke_aws.flush.function import Functions
from nhi_revoke_aws.flush.service import Services
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT

from .conftest import Bench

HOME, OTHER = "us-east-1", "eu-central-1"


WHO = PrincipalRef("aws", "", f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot")


FLUSHES: dict[str, Any] = {f.name: f for f in (RestApi(), HttpApi(), Functions(), Services())}


ASSUMED_BY_LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


def step(use: str, **settings: Any) -> Step:
    return Step(f"flush-{use}", use, WHO, Phase.FLUSH, "", before=settings)


def do(bench: Bench, one: Step) -> Any:
    flush = FLUSHES[one.does]
    wrong = flush.check(bench.conn, one)
    assert wrong is None, wrong
    change = flush.apply(bench.conn, one, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[one.id] = change.left
    return change


def seen(bench: Bench, one: Step) -> Any:
    return FLUSHES[one.does].seen(bench.conn, one, bench.run)


def proven(bench: Bench, one: Step) -> Any:
    return FLUSHES[one.does].prove(bench.conn, one, bench.run)


def wrong(bench: Bench, use: str, **settings: Any) -> Impossible:
    told = FLUSHES[use].check(bench.conn, step(use, **settings))
    assert isinstance(told, Impossible)
    return told


def own(bench: Bench, kind: type[Any]) -> Any:
    return next(s for s in bench.sandbox.world.own.services if isinstance(s, kind))


def client(bench: Bench, service: str, region: str) -> Any:
    """An administrator's, in any Region."""
    key_id = f"AKIAROOT{ACCOUNT}"
    from nhi_revoke_aws.sandbox.clients import Held

    return bench.sandbox.client(service, Held(key_id, bench.sandbox.world.gate.authority.root[key_id][1]), region)


def function(bench: Bench, name: str, description: str = "pays", region: str = HOME) -> None:
    iam = bench.sandbox.admin("iam")
    if not any(r["RoleName"] == "runs" for r in iam.list_roles()["Roles"]):
        iam.create_role(RoleName="runs", AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", "def handler(event, context): ...")
    secret = bench.sandbox.world.remember("env_" + "s" * 40)
    client(bench, "lambda", region).create_function(
        FunctionName=name, Runtime="python3.12", Role=f"arn:aws:iam::{ACCOUNT}:role/runs", Handler="main.handler",
        Code={"ZipFile": packed.getvalue()}, Description=description, Environment={"Variables": {"KEY": secret}},
    )  # fmt: skip


def service(bench: Bench, name: str, tasks: int = 0, cluster: str = "prod") -> None:
    ecs = bench.sandbox.admin("ecs")
    ecs.create_cluster(clusterName=cluster)
    ecs.register_task_definition(family="t", containerDefinitions=[{"name": "x", "image": "i", "memory": 64}])
    ecs.create_service(cluster=cluster, serviceName=name, taskDefinition="t", desiredCount=tasks)
