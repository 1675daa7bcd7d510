"""Who works with a role: instances, functions and tasks, in every Region; and what a cut stops of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.holding import SHOWN, listed, names_role, what_breaks
from nhi_revoke_aws.sandbox.own.holders import Holding, Instances, plant_function, plant_service, plant_task
from nhi_revoke_aws.sandbox.own.service import Scene
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.settings import AwsSettings

from .conftest import START, USER, WORKER, Bench, filled

ARN = "arn:aws:iam::111122223333:role/bots/payments-worker"
LEDGER = "arn:aws:iam::111122223333:role/payments-ledger"
HOME, AWAY = "us-east-1", "eu-central-1"
PLANTED = ("instance", "function", "task")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Of the own services, only what holds the role is planted."""
    sandbox = AwsSandbox(entropy=1, planted=PLANTED)
    sandbox.start(MovableClock(START))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        yield Bench(sandbox, sandbox.settings())
    finally:
        sandbox.close()


def found(bench: Bench, kind: str, ref: str = WORKER) -> list[Found]:
    who = bench.resolve(ref)
    return [filled(f, who) for f in bench.kinds[kind].collect(bench.conn, bench.ref(ref), bench.io)]


def accesses(bench: Bench, kind: str, ref: str = WORKER) -> list[Access]:
    return [f for f in found(bench, kind, ref) if isinstance(f, Access)]


def spots(bench: Bench, kind: str) -> list[BlindSpot]:
    return [f for f in found(bench, kind) if isinstance(f, BlindSpot)]


def asked(bench: Bench, kind: str, ref: str = WORKER) -> list[str]:
    bench.sandbox.forget_calls()
    list(bench.kinds[kind].collect(bench.conn, bench.ref(ref), bench.io))
    return [n for n in bench.reads() if not n.startswith(("sts:", "account:"))]


def everywhere(bench: Bench) -> None:
    bench.conn = bench.connect(regions=(HOME, AWAY))


def scene(bench: Bench) -> Scene:
    """Enough of one to plant more."""
    return Scene(bench.sandbox.world, None, None, "payments-bot", "payments-worker")  # type: ignore[arg-type]  # nobody breaks in here


def instance(bench: Bench, name: str, **changes: Any) -> None:
    service = next(s for s in bench.sandbox.world.own.services if isinstance(s, Instances))
    first = service.holdings[0]
    parts = {"region": first.region, "arn": first.arn, "id": first.id, "since": first.since, **changes}
    service.holdings.append(Holding(first.account, instance=name, **parts))


# -- instance profiles -------------------------------------------------------------------------------------------------


def test_a_profile_is_told_by_its_own_name(bench: Bench) -> None:
    (one,) = accesses(bench, "aws:instance-profile")
    assert one.id == "aws:instance-profile/111122223333/payments-worker/payments-node"
    assert (one.family, one.exposure, one.opens, one.state) == ("trust", "service", False, "live")
    assert "EC2 instances with it begin sessions" in one.note
    assert "not the role's" in one.note
    assert one.before["Arn"] == "arn:aws:iam::111122223333:instance-profile/payments-node"
    bench.sandbox.admin("iam").create_instance_profile(InstanceProfileName="payments-ledger")
    bench.sandbox.admin("iam").add_role_to_instance_profile(
        InstanceProfileName="payments-ledger", RoleName="payments-ledger"
    )
    (same,) = accesses(bench, "aws:instance-profile", "role/payments-ledger")
    assert "not the role's" not in same.note
    assert bench.writes() == []


def test_every_page_of_profiles_is_read_in_one_depth(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    for number in range(2):
        iam.create_instance_profile(InstanceProfileName=f"more-{number}")
        iam.add_role_to_instance_profile(InstanceProfileName=f"more-{number}", RoleName="payments-worker")
    assert asked(bench, "aws:instance-profile") == ["iam:ListInstanceProfilesForRole"]
    bench.sandbox.page_size(1)
    assert len(accesses(bench, "aws:instance-profile")) == 3


def test_denied_profiles_are_unseen_and_a_profile_hides_no_minter(bench: Bench) -> None:
    bench.sandbox.allow_only(["iam:GetRole", "sts:GetCallerIdentity"])
    with pytest.raises(Denied) as denied:
        accesses(bench, "aws:instance-profile")
    assert denied.value.needs == "iam:ListInstanceProfilesForRole"
    kinds = ("aws:instance-profile", "aws:instance", "aws:function", "aws:task")
    assert {bench.kinds[k].family for k in kinds} == {"grant"}, "a blind spot of a trust lets everybody mint"
    assert [k for k in kinds if not bench.kinds[k].late] == ["aws:instance-profile"]


# -- instances ---------------------------------------------------------------------------------------------------------


def test_instances_are_found_in_every_region_with_what_a_cut_breaks(bench: Bench) -> None:
    everywhere(bench)
    instance(bench, "i-2", region=AWAY)
    instance(bench, "i-3", arn="arn:aws:iam::111122223333:instance-profile/other", id="AIPAOTHER")
    instance(bench, "i-4", state="disassociated")
    instance(bench, "i-5", state="associating")
    rows = accesses(bench, "aws:instance")
    assert [(a.before["Region"], a.door.rpartition("/")[2]) for a in rows] == [
        (HOME, "i-0b5f2c8e41d97a630"), (HOME, "i-5"), (AWAY, "i-2"),
    ]  # fmt: skip
    assert rows[0].id == "aws:instance/111122223333/payments-worker/us-east-1/i-0b5f2c8e41d97a630"
    for words in ("up to 6 h (uptycs)", "stop and start it", "NEW instance profile and role", "a reboot", "not help"):
        assert words in rows[0].note
    assert {(a.opens, a.family, a.exposure) for a in rows} == {(False, "grant", "service")}
    assert not bench.kinds["aws:instance"].remedies


def test_a_profile_with_a_path_is_matched_whole(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    made = iam.create_instance_profile(InstanceProfileName="node", Path="/bots/ci/")["InstanceProfile"]
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="payments-worker")
    instance(bench, "i-path", arn=made["Arn"], id="AIPA-NOT-TOLD")
    instance(bench, "i-bare", arn=made["Arn"].replace("/bots/ci/", "/"), id="AIPA-ANOTHER")
    doors = {a.door for a in accesses(bench, "aws:instance")}
    assert f"{HOME}/i-path" in doors
    assert f"{HOME}/i-bare" not in doors


def test_without_a_profile_no_region_is_asked(bench: Bench) -> None:
    everywhere(bench)
    assert asked(bench, "aws:instance", "role/payments-ledger") == ["iam:ListInstanceProfilesForRole"]
    twice = ["ec2:DescribeIamInstanceProfileAssociations"] * 2
    assert asked(bench, "aws:instance") == [*twice, "iam:ListInstanceProfilesForRole"]


def test_one_region_denied_names_it_and_hides_no_other(bench: Bench) -> None:
    everywhere(bench)
    instance(bench, "i-2", region=AWAY)
    bench.sandbox.fault("ec2:DescribeIamInstanceProfileAssociations", "denied")
    (spot,) = spots(bench, "aws:instance")
    assert spot.needs == "ec2:DescribeIamInstanceProfileAssociations"
    bench.sandbox.fault("ec2:DescribeIamInstanceProfileAssociations", "denied")
    seen = {a.before["Region"] for a in accesses(bench, "aws:instance")}
    assert len(seen) == 1
    assert ({HOME, AWAY} - seen) <= {HOME, AWAY}
    assert any(region in spot.why for region in (HOME, AWAY))


@pytest.mark.parametrize(
    ("kind", "permission"),
    [
        ("aws:instance", "ec2:DescribeIamInstanceProfileAssociations"), ("aws:function", "lambda:ListFunctions"),
        ("aws:task", "ecs:ListClusters"),
    ],
)  # fmt: skip
def test_everywhere_denied_is_one_spot_with_all_regions(bench: Bench, kind: str, permission: str) -> None:
    everywhere(bench)
    bench.sandbox.allow_only(["iam:GetRole", "iam:ListInstanceProfilesForRole", "sts:GetCallerIdentity"])
    (spot,) = spots(bench, kind)
    assert spot.needs == permission
    assert HOME in spot.why
    assert AWAY in spot.why
    assert spot.counts
    assert not accesses(bench, kind)


@pytest.mark.parametrize("kind", ["aws:instance", "aws:function", "aws:task"])
def test_regions_that_are_off_are_said_once(bench: Bench, kind: str) -> None:
    bench.conn = bench.connect(regions=())
    (spot,) = spots(bench, kind)
    assert not spot.counts
    assert "af-south-1" in spot.why
    assert accesses(bench, kind)


@pytest.mark.parametrize("code", ["AuthFailure", "UnrecognizedClientException", "OptInRequired"])
def test_a_region_that_takes_no_credential_is_not_covered(bench: Bench, code: str) -> None:
    from botocore.exceptions import ClientError

    everywhere(bench)
    real = bench.conn._login.client

    def client(service: str, region: str, keys: Any) -> Any:
        if (service, region) == ("lambda", AWAY):

            class Shut:
                def list_functions(self, **_: Any) -> Any:
                    raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "x")  # type: ignore[typeddict-item]  # a part of the answer

            return Shut()
        return real(service, region, keys)

    bench.conn._login.client = client  # type: ignore[assignment, method-assign]
    (spot,) = spots(bench, "aws:function")
    assert AWAY in spot.why
    assert HOME not in spot.why
    assert [a.before["Region"] for a in accesses(bench, "aws:function")] == [HOME]


# -- functions ---------------------------------------------------------------------------------------------------------


def test_functions_of_this_role_alone_on_every_page(bench: Bench) -> None:
    everywhere(bench)
    plant_function(scene(bench), HOME, "reports", LEDGER)
    plant_function(scene(bench), AWAY, "export", ARN)
    rows = accesses(bench, "aws:function")
    assert [a.label for a in rows] == ["function payments-webhook in us-east-1", "function export in eu-central-1"]
    assert "recycles them (flush aws-lambda)" in rows[0].note
    assert not rows[0].opens
    whole = {(a.id, a.note) for a in rows}
    bench.sandbox.page_size(1)
    assert asked(bench, "aws:function") == ["lambda:ListFunctions"] * 3
    assert {(a.id, a.note) for a in accesses(bench, "aws:function")} == whole


def test_a_published_version_keeps_the_role_that_the_function_lost(bench: Bench) -> None:
    function = plant_function(scene(bench), HOME, "old", ARN)
    bench.sandbox.admin("lambda").publish_version(FunctionName="old")
    function.role = LEDGER
    old = next(a for a in accesses(bench, "aws:function") if a.door.endswith("/old"))
    assert "another now" in old.note
    assert "published with it: 1" in old.note


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_services_and_lone_tasks_in_every_cluster_and_region(bench: Bench) -> None:
    everywhere(bench)
    plant_service(scene(bench), AWAY, "reports", "nightly", ARN)
    plant_service(scene(bench), AWAY, "reports", "weekly", LEDGER)
    labels = [a.label for a in accesses(bench, "aws:task")]
    assert labels == [
        "ECS service api in cluster payments in us-east-1",
        "ECS tasks of payments-batch:1 in cluster payments in us-east-1",
        "ECS service nightly in cluster reports in eu-central-1",
    ]
    notes = [a.note for a in accesses(bench, "aws:task")]
    assert "force a new deployment (flush aws-ecs)" in notes[0]
    assert "tasks: 1" in notes[1]


def test_each_task_definition_is_read_once(bench: Bench) -> None:
    for number in range(12):
        ecs = bench.sandbox.admin("ecs")
        ecs.create_service(cluster="payments", serviceName=f"s{number}", taskDefinition="payments-api", desiredCount=1)
    reads = asked(bench, "aws:task")
    assert reads.count("ecs:DescribeTaskDefinition") == 2
    assert reads.count("ecs:DescribeServices") == 2, "ten at a time"
    assert len(accesses(bench, "aws:task")) == 14
    bench.sandbox.page_size(1)
    assert len(accesses(bench, "aws:task")) == 14


def test_a_task_started_with_another_role_counts_by_that_role(bench: Bench) -> None:
    plant_task(scene(bench), HOME, "payments", "export", LEDGER, taskRoleArn=ARN)
    plant_task(scene(bench), HOME, "payments", "import", ARN, taskRoleArn=LEDGER)
    found = {a.door: a.note for a in accesses(bench, "aws:task")}
    assert f"{HOME}/payments/tasks/export:1" in found
    assert f"{HOME}/payments/tasks/import:1" not in found


def test_tasks_of_one_definition_are_one_row_however_they_were_started(bench: Bench) -> None:
    first = plant_task(scene(bench), HOME, "payments", "mixed", ARN)
    for over in ({}, {"executionRoleArn": ARN}, {"taskRoleArn": LEDGER}):
        task = plant_task(scene(bench), HOME, "payments", "mixed", ARN, **over)
        task.task_definition_arn = first.task_definition_arn
    (row,) = [a for a in accesses(bench, "aws:task") if "/mixed" in a.door]
    assert "as task role and execution role; tasks: 3" in row.note, "the fourth has another role"


def test_the_execution_role_is_told_apart(bench: Bench) -> None:
    ecs = bench.sandbox.admin("ecs")
    container = {"name": "a", "image": "none", "memory": 128}
    ecs.register_task_definition(
        family="pulls", containerDefinitions=[container], executionRoleArn=ARN, taskRoleArn=LEDGER
    )
    ecs.create_service(cluster="payments", serviceName="pulls", taskDefinition="pulls", desiredCount=1)
    one = next(a for a in accesses(bench, "aws:task") if a.door.endswith("/pulls"))
    assert "as execution role" in one.note
    assert "task role" not in one.note


@pytest.mark.parametrize(
    "permission",
    ["ecs:ListServices", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeTaskDefinition"],
)
def test_a_cluster_that_cannot_be_read_is_named(bench: Bench, permission: str) -> None:
    rights = {*bench.kinds["aws:task"].reads, "iam:GetRole", "sts:GetCallerIdentity"} - {permission}
    bench.sandbox.allow_only(sorted(rights))
    (spot,) = spots(bench, "aws:task")
    assert spot.needs == permission
    assert f"payments{'-api:1' * (permission == 'ecs:DescribeTaskDefinition')} in {HOME}" in spot.why


def test_nothing_is_changed_by_looking_twice(bench: Bench) -> None:
    before = [a.id for k in ("aws:instance", "aws:function", "aws:task") for a in accesses(bench, k)]
    assert before == [a.id for k in ("aws:instance", "aws:function", "aws:task") for a in accesses(bench, k)]
    assert len(before) == 4
    assert bench.writes() == []


# -- whose role it is, and what breaks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arn", "same"),
    [
        (ARN, True),
        ("arn:aws:iam::111122223333:role/payments-worker", True),
        ("arn:aws-cn:iam::111122223333:role/Payments-Worker", True),
        ("arn:aws:iam::444455556666:role/bots/payments-worker", False),
        ("arn:aws:iam::111122223333:user/payments-worker", False),
        ("arn:aws:iam::111122223333:role/payments-worker-2", False),
        ("arn:aws:sts::111122223333:assumed-role/payments-worker/x", False),
        ("", False),
        (None, False),
    ],
)
def test_whose_role_an_arn_names(arn: str | None, same: bool) -> None:
    assert names_role(arn, "payments-worker", "111122223333") is same


def test_what_breaks_names_holders_and_regions(bench: Bench) -> None:
    said = what_breaks(bench.view(WORKER))
    for words in ("instance i-0b5f2c8e41d97a630 in us-east-1", "function payments-webhook", "ECS service api"):
        assert words in said
    assert "profile" not in said, "what begins sessions, not what they are named by"
    assert what_breaks(bench.view("role/payments-ledger")) == ""
    assert what_breaks(bench.view(USER)) == ""
    names = [f"i-{n}" for n in range(SHOWN + 3)]
    assert listed([*names, names[0]]).endswith(f"{names[SHOWN - 1]} and 3 more")


def test_holders_are_never_drafted(bench: Bench) -> None:
    ids = tuple(
        a.id for k in ("aws:instance-profile", "aws:instance", "aws:function", "aws:task") for a in accesses(bench, k)
    )
    assert len(ids) == 5
    kinds = [bench.kinds[k] for k in ("aws:instance-profile", "aws:instance", "aws:function", "aws:task")]
    view = bench.view(WORKER)
    assert [d for k in kinds for d in k.draft(view, Intent(cut_trust=ids))] == []


def test_other_partitions(tmp_path: Path) -> None:
    sandbox = AwsSandbox(entropy=1, partition="aws-cn", planted=PLANTED)
    sandbox.start(MovableClock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        bench = Bench(sandbox, sandbox.settings())
        assert isinstance(bench.settings, AwsSettings)
        for kind in ("aws:instance", "aws:function", "aws:task"):
            assert {a.before["Region"] for a in accesses(bench, kind)} == {"cn-north-1"}
    finally:
        sandbox.close()
