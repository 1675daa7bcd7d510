"""Whatever a provider sends is counted before it goes, logins, pages, retries and batches included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.campaign.blast import tenants_of
from nhi_revoke.campaign.item import Tenant
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.plan import Plan
from nhi_revoke.provider.contract import Provider
from nhi_revoke.testing.conformance import World
from nhi_revoke_aws import provider as aws
from nhi_revoke_entra import provider as entra
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_github import provider as github
from nhi_revoke_okta import provider as okta
from tests.engine.counted import Counted

PROVIDERS: dict[str, Provider[Any]] = {"aws": aws, "entra": entra, "gcp": gcp, "github": github, "okta": okta}


@pytest.fixture(params=sorted(PROVIDERS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with World(PROVIDERS[request.param], tmp_path) as started:
        yield started


def counted(world: World, do: Callable[[Engine], object]) -> Counted:
    counter, clock = Counted(), SandboxClock(world.clock)
    with Engine(
        world.registry, world.config(), lambda _event: None, clock=clock, share=counter, settings_name="shop"
    ) as engine:
        do(engine)
    return counter


def test_every_request_is_counted(world: World) -> None:
    """Of logins, listings and logs; for the one tenant, but for what was asked before it was known."""

    def look(engine: Engine) -> None:
        engine.inventory(engine.resolve([world.name]), world.intent, logs=True)

    told = counted(world, look)
    arrived = Counter(call.name for call in world.sandbox.calls())
    assert told.sent == arrived.total() > 0, arrived
    assert told.answers in (0, told.sent) or world.provider is gcp
    assert bool(told.told) == (world.provider in (github, okta)), "who tells of a window in each answer"
    assert {wish.settings for wish in told.wishes} == {"shop"}
    assert not told.refusals


def test_what_a_plan_calls_a_tenant_is_what_its_requests_are_known_by(world: World) -> None:
    """Else `campaign status` would show no requests beside the items of a tenant."""
    plans: list[Plan] = []

    def look(engine: Engine) -> None:
        intent = replace(world.intent, rotate="no")
        found = engine.inventory(engine.resolve([world.name]), intent, logs=False)
        plans.append(engine.plan(found, intent))

    wishes = counted(world, look).wishes
    known = {Tenant(wish.provider, wish.named or wish.settings) for wish in wishes}
    assert set(tenants_of(plans[0], "shop")) <= known
