"""What `permissions aws` prints, put on the operator as an IAM policy: judged by the sandbox's policy evaluator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from nhi_revoke.cli.needs import declared_needs
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance import World
from nhi_revoke_aws import provider
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import OPERATOR

pytestmark = pytest.mark.contract
Grant = Callable[[Sequence[str]], None]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(provider, tmp_path, make_sandbox=lambda: AwsSandbox(planted=())) as world:
        yield world


@pytest.fixture
def grant(world: World) -> Grant:
    """Leaves the operator with what these stages need and nothing else."""

    def give(stages: Sequence[str]) -> None:
        needs = declared_needs(Registry.installed({}), "aws")
        actions = sorted({need.permission for need in needs if need.stage in stages})
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        assert isinstance(world.sandbox, AwsSandbox)
        iam = world.sandbox.admin("iam")
        name = f"stages-{len(stages)}"
        made = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_user_policy(UserName=OPERATOR, PolicyArn=made)
        iam.delete_user_policy(UserName=OPERATOR, PolicyName="incident-response")

    return give


def test_listing_needs_no_more_than_its_stage(world: World, grant: Grant) -> None:
    whole = world.look()
    grant(["list"])
    seen = world.look()
    assert {a.id for a in seen.accesses} == {a.id for a in whole.accesses}
    assert {(b.on, b.kind, b.why) for b in seen.blind} == {(b.on, b.kind, b.why) for b in whole.blind}
    assert not any("unseen" in a.note for a in seen.accesses)


def test_listing_alone_contains_nothing(world: World, grant: Grant) -> None:
    grant(["list"])
    before = world.doors()
    report = world.run(world.plan(Intent(rotate="no")))
    assert world.doors() == before
    assert report.exit_code == 1
    assert {step.result for step in report.steps} <= {"failed", "waiting", "skipped"}


def test_containing_needs_no_more_than_two_stages(world: World, grant: Grant) -> None:
    grant(["list", "contain"])
    before = world.doors()
    report = world.run(world.plan(Intent(rotate="no")))
    assert not [s for s in report.steps if s.result == "failed"]
    assert [door for door, is_open in world.doors().items() if is_open] == ["aws/chained"], "a lead, not of this plan"
    assert sum(before.values()) >= 8


def test_rotating_needs_no_more_than_all_three(world: World, grant: Grant) -> None:
    grant(["list", "contain", "rotate"])
    report = world.run()
    assert not [s for s in report.steps if s.result == "failed"]
    assert [(r.result, r.proof) for r in report.replacements] == [("served", "enforced")]


def test_the_policy_fits_on_a_user() -> None:
    """IAM and STS quotas: 6,144 characters for a managed policy."""
    actions = sorted({need.permission for need in declared_needs(Registry.installed({}), "aws")})
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    assert len(json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))) < 6144
