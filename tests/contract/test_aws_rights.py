"""What `permissions aws` prints, put on the operator as an IAM policy: judged by the sandbox's policy evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nhi_revoke.cli.permissions import documents_of
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.right import Stage
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance import World
from nhi_revoke_aws import provider
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import OPERATOR

pytestmark = pytest.mark.contract
Grant = Callable[[Stage], None]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(provider, tmp_path, make_sandbox=lambda: AwsSandbox(planted=())) as world:
        yield world


@pytest.fixture
def grant(world: World) -> Grant:
    """Leaves the operator with what is printed for this stage and nothing else."""

    def give(stage: Stage) -> None:
        assert isinstance(world.sandbox, AwsSandbox)
        iam = world.sandbox.admin("iam")
        for each in documents_of(Registry.installed({}), "aws", stage):
            made = iam.create_policy(PolicyName=each.name, PolicyDocument=each.text)["Policy"]["Arn"]
            iam.attach_user_policy(UserName=OPERATOR, PolicyArn=made)
        iam.delete_user_policy(UserName=OPERATOR, PolicyName="incident-response")

    return give


def test_listing_needs_no_more_than_its_stage(world: World, grant: Grant) -> None:
    whole = world.look()
    grant("list")
    seen = world.look()
    assert {a.id for a in seen.accesses} == {a.id for a in whole.accesses}
    assert {(b.on, b.kind, b.why) for b in seen.blind} == {(b.on, b.kind, b.why) for b in whole.blind}
    assert not any("unseen" in a.note for a in seen.accesses)


def test_listing_alone_contains_nothing(world: World, grant: Grant) -> None:
    grant("list")
    before = world.doors()
    report = world.run(world.plan(Intent(rotate="no")))
    assert world.doors() == before
    assert report.exit_code == 1
    assert {step.result for step in report.steps} <= {"failed", "waiting", "skipped"}


def test_containing_needs_no_more_than_two_stages(world: World, grant: Grant) -> None:
    grant("contain")
    before = world.doors()
    report = world.run(world.plan(Intent(rotate="no")))
    assert not [s for s in report.steps if s.result == "failed"]
    assert [door for door, is_open in world.doors().items() if is_open] == ["aws/chained"], "a lead, not of this plan"
    assert sum(before.values()) >= 8


def test_rotating_needs_no_more_than_all_three(world: World, grant: Grant) -> None:
    grant("rotate")
    report = world.run()
    assert not [s for s in report.steps if s.result == "failed"]
    assert [(r.result, r.proof) for r in report.replacements] == [("served", "enforced")]
