"""Which Regions are read: those that are on, those of nhi.toml, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing, Unavailable
from nhi_revoke_aws.regions import GLOBAL_REGION, READ, Regions, by_reason, everywhere, paged

from .conftest import Bench
from .one_kind import bench_of, own

WHO = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bot")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path) as bench:
        yield bench


def asked(bench: Bench) -> int:
    return sum(c.name == "account:ListRegions" for c in bench.sandbox.calls())


def spots(regions: Regions) -> list[BlindSpot]:
    return list(regions.spots(WHO, "aws:x", "things"))


def test_every_region_that_is_on_the_global_one_first(bench: Bench) -> None:
    own(bench.sandbox, "account").opted.add("af-south-1")
    found = bench.connect(regions=()).regions()
    assert found == Regions(("us-east-1", "eu-central-1", "af-south-1"), ("me-central-1",))
    [spot] = spots(found)
    assert spot.why == "things: not read in me-central-1, which the account has switched off"
    assert not spot.counts


def test_it_is_asked_once_for_each_connection(bench: Bench) -> None:
    conn = bench.connect(regions=())
    assert conn.regions() is conn.regions()
    assert asked(bench) == 1
    bench.connect().regions()
    assert asked(bench) == 1, "nhi.toml names them"


def test_small_pages_hide_no_region(bench: Bench) -> None:
    bench.sandbox.page_size(1)
    assert bench.connect(regions=()).regions().on == ("us-east-1", "eu-central-1")
    assert asked(bench) == 4


def test_those_of_the_settings_and_the_one_where_iams_events_land(bench: Bench) -> None:
    assert bench.connect(regions=("eu-west-1",)).regions().on == ("us-east-1", "eu-west-1")
    assert bench.connect(regions=("eu-west-1", "us-east-1")).regions().on == ("us-east-1", "eu-west-1"), "once"


@pytest.mark.parametrize("fault", ["denied", "500"])
def test_where_nobody_tells_them_the_two_that_are_sure_are_read_and_the_rest_is_unseen(
    bench: Bench, fault: Any
) -> None:
    bench.sandbox.fault("account:ListRegions", fault, times=9)
    found = bench.connect(regions=(), region="eu-central-1").regions()
    assert found.on == ("us-east-1", "eu-central-1")
    [spot] = spots(found)
    assert spot.counts
    assert "things: read in us-east-1, eu-central-1 only (" in spot.why
    assert spot.needs == "regions = [...] in [aws] of nhi.toml"


def test_the_permission_that_it_needs_is_declared(bench: Bench) -> None:
    for name in ("aws:user-session", "aws:role-session"):
        assert READ in bench.kinds[name].reads_logs


def test_each_partition_has_a_global_region_that_the_vendor_knows() -> None:
    import botocore.session

    session = botocore.session.get_session()
    for partition, region in GLOBAL_REGION.items():
        assert region in session.get_available_regions("cloudtrail", partition)


def test_one_question_everywhere_and_a_fault_in_one_hides_no_other(bench: Bench) -> None:
    faults: dict[str, Fault] = {
        "c": Denied("denied, request 1", needs="ec2:Describe", code="AccessDenied"),
        "d": Denied("denied, request 2", needs="ec2:Describe", code="AccessDenied"),
        "e": Unavailable("no answer"),
        "f": Missing("none there"),
    }

    def ask(region: str) -> str:
        if region in faults:
            raise faults[region]
        return region.upper()

    swept = everywhere(bench.io, "abcdef", ask)
    assert swept.found == (("a", "A"), ("b", "B"))
    assert [r for r, _ in swept.failed] == ["c", "d", "e"], "Missing means that there is none"
    one, two = swept.spots(WHO, "aws:x", "instances")
    assert one.why == "instances in c, d: could not be read (denied, request 1)", "one reason, one line"
    assert (one.needs, two.needs) == ("ec2:Describe", "")
    assert two.why == "instances in e: could not be read (no answer)"


def test_reasons_that_differ_are_told_apart() -> None:
    found = list(
        by_reason(
            [
                ("a", Denied("x", needs="p", code="AccessDenied")),
                ("b", Denied("y", needs="q", code="AccessDenied")),
                ("a", Denied("z", needs="p", code="AccessDenied")),
                ("c", Unavailable("down")),
                ("d", Unavailable("slow")),
            ]
        )
    )
    assert [regions for regions, _ in found] == [["a"], ["b"], ["c"], ["d"]]


class Pages:
    """Stands in for a connection."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.asked: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.asked.append(params)
        return self.pages.pop(0)


def test_a_page_may_be_empty_and_yet_not_the_last() -> None:
    conn: Any = Pages({"things": [1], "nextToken": "t"}, {"nextToken": "u"}, {"things": [2]})
    assert list(paged(conn, "eks", "ListClusters", "things", "eu-west-1", maxResults=1)) == [1, 2]
    assert [p.get("nextToken") for p in conn.asked] == [None, "t", "u"]
    assert {p["region"] for p in conn.asked} == {"eu-west-1"}
