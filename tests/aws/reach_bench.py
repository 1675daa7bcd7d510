"""What the tests of reach share."""

from __future__ import annotations

import json
from typing import Any

from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.access.reach import KIND
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import trust_of
from tests.aws.conftest import START, Bench

BOT = f"arn:aws:iam::{ACCOUNT}:user/bot"


ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


THERE = f"arn:aws:iam::{OTHER_ACCOUNT}:role"


class Looked:
    """What one `collect` brought."""

    def __init__(self, bench: Bench, text: str, **settings: Any) -> None:
        conn = bench.connect(**settings)
        found = list(bench.kinds[KIND].collect(conn, bench.ref(text), bench.io))
        self.leads = {f.to.id: f for f in found if isinstance(f, Lead)}
        self.spots = [f for f in found if isinstance(f, BlindSpot)]
        assert len(self.leads) == sum(isinstance(f, Lead) for f in found)
        assert len(self.leads) + len(self.spots) == len(found), "an access was yielded"

    @property
    def names(self) -> list[str]:
        return [arn.partition(":role/")[2] for arn in self.leads]

    def why(self, name: str) -> str:
        return next(lead.why for arn, lead in self.leads.items() if arn.endswith(f"/{name}"))

    @property
    def unseen(self) -> list[BlindSpot]:
        return [spot for spot in self.spots if spot.counts]


def sandbox(*planted: str, partition: str = "aws") -> AwsSandbox:
    """Without lag, and without what the sandbox plants besides."""
    made = AwsSandbox(partition=partition, entropy=1, planted=planted)
    made.start(MovableClock(START))
    made.lag(0, 0)
    return made


def statement(effect: str, resource: Any, action: str = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def may(bench: Bench, *statements: dict[str, Any], user: str = "bot", name: str = "may") -> None:
    bench.sandbox.admin("iam").put_user_policy(UserName=user, PolicyName=name, PolicyDocument=policy(*statements))


def role(bench: Bench, name: str, trust: Any, inline: str = "", path: str = "/") -> str:
    iam = bench.sandbox.admin("iam")
    document = trust if isinstance(trust, str) and trust.startswith("{") else trust_of(trust)
    made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if inline:
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=inline)
    return str(made)


def without_roles(bench: Bench) -> None:
    """Of the demo's roles none is left; a user `bot` who may do nothing comes."""
    iam = bench.sandbox.admin("iam")
    for each in ("payments-worker", "payments-ledger"):
        for name in iam.list_role_policies(RoleName=each)["PolicyNames"]:
            iam.delete_role_policy(RoleName=each, PolicyName=name)
        iam.delete_role(RoleName=each)
    iam.create_user(UserName="bot")
