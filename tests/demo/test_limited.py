"""The whole demo with exactly what `permissions` prints for its stages: the same doors, and the same exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.demo.world import DemoWorld
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import OPERATOR, RESPONDER_ROLE
from tests.demo.test_demo import LEAST, NOT_OURS, demo
from tests.rights.printed import documents, printed

pytestmark = pytest.mark.contract
"""It costs as much as the demo itself, which runs without limits in every suite."""


def narrow(world: DemoWorld) -> None:
    """AWS by its own policies, which the sandbox judges with their resources; the others by names."""
    for name, sandbox in world.sandboxes.items():
        if isinstance(sandbox, AwsSandbox):
            hand_over(sandbox)
        else:
            sandbox.allow_only(sorted(printed(name)))


def hand_over(sandbox: AwsSandbox) -> None:
    for account, attach in ((ACCOUNT, "user"), (OTHER_ACCOUNT, "role")):
        iam = sandbox.admin("iam", account)
        for each in documents("aws", None):
            made = iam.create_policy(PolicyName=each.name, PolicyDocument=each.text)["Policy"]["Arn"]
            if attach == "user":
                iam.attach_user_policy(UserName=OPERATOR, PolicyArn=made)
                iam.delete_user_policy(UserName=OPERATOR, PolicyName="incident-response")
            else:
                iam.attach_role_policy(RoleName=RESPONDER_ROLE, PolicyArn=made)
                for policy in iam.list_role_policies(RoleName=RESPONDER_ROLE)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=RESPONDER_ROLE, PolicyName=policy)


def test_the_whole_demo_runs_with_exactly_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = DemoWorld._start

    def start(world: DemoWorld) -> None:
        started(world)
        narrow(world)

    monkeypatch.setattr(DemoWorld, "_start", start)
    code, out = demo(tmp_path, "-o", "json")
    told: dict[str, Any] = json.loads(out)
    assert code == told["exit_code"] == 0
    tried = told["data"]["intruder"]["doors"]
    assert {d["provider"] for d in tried} == set(LEAST)
    assert all(d["after"] == d["predicted"] for d in tried)
    assert {d["id"] for d in tried if d["after"] == "open"} == {"aws/chained", "gcp/reach", *NOT_OURS}
    assert {d["id"] for d in told["data"]["then"] if d["after"] == "open"} == NOT_OURS
    assert [c["exit_code"] for c in told["data"]["commands"]][:3] == [0, 0, 8]
    assert [s["does"] for s in told["data"]["report"]["steps"] if s["result"] == "failed"] == []
