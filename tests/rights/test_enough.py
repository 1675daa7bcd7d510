"""What is printed for a stage is enough for it: nothing is less seen, and nothing fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.testing.conformance import World
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_local import provider as local
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from tests.rights.printed import REGISTRY, printed

MAKE: dict[str, Any] = {
    "entra": lambda: EntraSandbox(entropy=1),
    "gcp": lambda: GcpSandbox(entropy=1),
    "github": lambda: GithubSandbox(entropy=1),
    "okta": lambda: OktaSandbox(entropy=1),
}
"""Of AWS, tests/contract/test_aws_rights.py holds the same against its own evaluator of policies."""


@pytest.fixture(params=MAKE)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    name = request.param
    with World(REGISTRY.provider(name), tmp_path, beside=(local,), make_sandbox=MAKE[name]) as made:
        yield made


def seen(found: Inventory) -> tuple[set[str], set[tuple[str, str, str]], set[tuple[str, str]]]:
    return (
        {f"{each.id}: {each.state}" for each in found.accesses},
        {(str(each.on), each.kind, each.why) for each in found.blind},
        {(str(each.ref), each.code) for each in found.unreachable},
    )


def test_list_is_enough_to_see_and_contain_to_contain(world: World) -> None:
    name = world.provider.name
    whole = seen(world.look())
    world.sandbox.allow_only(sorted(printed(name, "list")))
    assert seen(world.look()) == whole
    assert world.mutations() == 0
    world.sandbox.allow_only(sorted(printed(name, "contain")))
    report = world.run(world.plan(Intent(rotate="no")))
    assert report.steps
    assert [f"{each.does}: {each.detail}" for each in report.steps if each.result == "failed"] == []
    assert {(str(each.on), each.kind) for each in report.blind} <= {(on, kind) for on, kind, _ in whole[1]}
