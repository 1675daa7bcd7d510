"""EC2 instances that runners may be by their names, and the roles whose credentials those hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_aws.machines import BY_ADDRESS, BY_ID, BY_TAG, sought
from nhi_revoke_aws.sandbox.own.holders import INSTANCE, Holding, Instances

from .conftest import Bench
from .one_kind import bench_of, own

WORKER = "aws:arn:aws:iam::111122223333:role/bots/payments-worker"
HOME, AWAY = "us-east-1", "eu-central-1"
SHOP = Principal(PrincipalRef("forge", "repo", "acme/shop"), "repo", "acme/shop", "acme", "42")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path, "instance") as made:
        made.conn = made.connect(regions=(HOME, AWAY))
        yield made


def instance(bench: Bench, **changes: Any) -> Holding:
    """One more, with the worker's profile."""
    service: Instances = own(bench.sandbox, "instance")
    first = service.holdings[0]
    parts: dict[str, Any] = {"region": HOME, "instance": "i-00000000000000001", "arn": first.arn, "id": first.id}
    made = Holding(first.account, since=first.since, **{**parts, **changes})
    service.holdings.append(made)
    return made


def told(bench: Bench, *names: str) -> list[Found]:
    return list(bench.provider.on_machines(bench.conn, SHOP, names))


def leads(bench: Bench, *names: str) -> list[Lead]:
    return [f for f in told(bench, *names) if isinstance(f, Lead)]


@pytest.mark.parametrize(
    ("name", "by", "value"),
    [
        ("i-0123456789abcdef0", BY_ID, "i-0123456789abcdef0"),
        ("ci_i-0123456789abcdef0", BY_ID, "i-0123456789abcdef0"),
        ("i-0123abcd.eu-central-1.compute.internal", BY_ID, "i-0123abcd"),
        ("ip-10-0-1-23", BY_ADDRESS, "10.0.1.23"),
        ("runner-ip-10-0-1-23.ec2.internal", BY_ADDRESS, "10.0.1.23"),
        ("shop-runner-1", BY_TAG, "shop-runner-1"),
        ("i-0123456789", BY_TAG, "i-0123456789"),
        ("gpi-0123456789abcdef0", BY_TAG, "gpi-0123456789abcdef0"),
        ("chip-10-0-1-23", BY_TAG, "chip-10-0-1-23"),
        ("ip-10-0-1-234567", BY_TAG, "ip-10-0-1-234567"),
    ],
)
def test_what_a_name_tells(name: str, by: str, value: str) -> None:
    assert sought([name, name]) == {by: {value: [name]}}


@pytest.mark.parametrize(
    ("name", "says"),
    [(f"ci-{INSTANCE}", "holds its id"), ("ip-10-0-0-11", "private address"), ("shop-runner-1", "tag Name")],
)
def test_a_match_is_told_as_one_by_name(bench: Bench, name: str, says: str) -> None:
    own(bench.sandbox, "instance").holdings[0].tag = "shop-runner-1"
    [lead] = leads(bench, name)
    assert str(lead.to) == WORKER
    assert lead.why.startswith(f"{name} is instance {INSTANCE} in us-east-1 (running) by its name alone (")
    assert says in lead.why
    assert "instance profile payments-node gives it the role" in lead.why
    assert (lead.of, lead.next) == (SHOP.ref, f"nhi-revoke list {WORKER}")
    assert bench.writes() == []


def test_in_every_region_and_on_every_page(bench: Bench) -> None:
    bench.sandbox.page_size(1)
    for number in range(3):
        instance(bench, instance=f"i-0000000000000000{number}", tag="runner", region=AWAY if number else HOME)
    assert len(leads(bench, "runner")) == 3


def test_a_name_is_no_pattern(bench: Bench) -> None:
    instance(bench, tag="runner-1")
    assert leads(bench, "runner-*", "runner-?", "*") == []
    instance(bench, tag="runner-*")
    assert len(leads(bench, "runner-*")) == 1


def test_what_no_name_tells_is_no_match(bench: Bench) -> None:
    assert told(bench, "runner", "ip-10-9-9-9", "i-0123456789abcdef0") == []
    instance(bench, tag="bare", arn="", id="")
    assert told(bench, "bare") == [], "no profile, no role"


def test_an_address_may_be_several_instances(bench: Bench) -> None:
    instance(bench)
    assert len(leads(bench, "ip-10-0-0-11")) == 2


def test_more_names_than_one_filter_takes(bench: Bench) -> None:
    instance(bench, tag="runner-249")
    assert len(leads(bench, *(f"runner-{n}" for n in range(250)))) == 1


def test_denied_instances_are_unseen(bench: Bench) -> None:
    bench.sandbox.allow_only(["iam:GetInstanceProfile", "sts:GetCallerIdentity"])
    [spot] = told(bench, INSTANCE)
    assert isinstance(spot, BlindSpot)
    assert (spot.needs, spot.on, spot.counts) == ("ec2:DescribeInstances", SHOP.ref, True)
    assert "us-east-1, eu-central-1" in spot.why


@pytest.mark.parametrize("fault", ["denied", "gone"])
def test_a_role_that_could_not_be_read_is_unseen(bench: Bench, fault: str) -> None:
    if fault == "denied":
        bench.sandbox.allow_only(["ec2:DescribeInstances", "sts:GetCallerIdentity"])
    else:
        iam = bench.sandbox.admin("iam")
        iam.remove_role_from_instance_profile(InstanceProfileName="payments-node", RoleName="payments-worker")
        iam.delete_instance_profile(InstanceProfileName="payments-node")
    [spot] = told(bench, INSTANCE)
    assert isinstance(spot, BlindSpot)
    assert INSTANCE in spot.why
    assert "payments-node" in spot.why
    assert spot.needs == ("iam:GetInstanceProfile" if fault == "denied" else "")


def test_regions_that_are_not_read_are_said(bench: Bench) -> None:
    bench.conn = bench.connect(regions=())
    bench.sandbox.allow_only(["ec2:DescribeInstances", "iam:GetInstanceProfile", "sts:GetCallerIdentity"])
    found = told(bench, INSTANCE)
    assert [f for f in found if isinstance(f, Lead)]
    assert [f.why for f in found if isinstance(f, BlindSpot) and "us-east-1 only" in f.why]
