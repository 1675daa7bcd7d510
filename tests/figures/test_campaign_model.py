"""The model of a campaign, held against what can be said without it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.campaign_model import CORES, DATABASE, SLOTS, TENANT, Costs, Site, Tenants, carried_out

WIDE = Site(workers=1000, slots=1000, cores=100, commits=1e9, of_a_tenant=10**6)
COSTS = Costs(cpu=0.2, requests=50, held=60, commits=20)


def test_where_nothing_else_is_short_the_slowest_tenant_is_the_time() -> None:
    out = carried_out(COSTS, WIDE, [Tenants(10, 100, 10), Tenants(1, 1000, 10)])
    assert out.seconds == pytest.approx(1000 * 50 / 10)
    assert out.binds_first == TENANT


@pytest.mark.parametrize(
    ("site", "what", "seconds"),
    [
        (Site(2, 10, 100, 1e9, 10**6), SLOTS, 1000 * 60 / 20),
        (Site(2, 10**6, 0.5, 1e9, 10**6), CORES, 1000 * 0.2 / 1),
        (Site(2, 10**6, 100, 40, 10**6), DATABASE, 1000 * 20 / 40),
    ],
)
def test_what_all_share_binds_where_it_is_narrow(site: Site, what: str, seconds: float) -> None:
    out = carried_out(COSTS, site, [Tenants(100, 10, 1e9)])
    assert out.binds_first == what
    assert out.seconds == pytest.approx(seconds)


@given(
    tenants=st.lists(
        st.builds(Tenants, st.integers(1, 50), st.integers(1, 500).map(float), st.floats(0.5, 100)), min_size=1
    ),
    workers=st.integers(1, 50),
)
def test_it_is_never_under_a_floor_and_more_workers_never_slow_it(tenants: list[Tenants], workers: int) -> None:
    def out(many: int) -> float:
        return carried_out(COSTS, Site(many, 16, 1, 500, 8), tenants).seconds

    total = sum(t.count * t.identities for t in tenants)
    slowest = max(t.identities * max(COSTS.requests / t.per_second, COSTS.held / 8) for t in tenants)
    floors = (slowest, total * 0.2 / workers, total * 60 / (workers * 16), total * 20 / 500)
    assert out(workers) >= max(floors) * (1 - 1e-9)
    assert out(workers) <= sum(floors) * (1 + 1e-9)
    assert out(workers + 1) <= out(workers) * (1 + 1e-9)
