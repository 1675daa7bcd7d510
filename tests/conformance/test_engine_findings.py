"""Defects of the engine that the kit brought to light, each as small as it can be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.io import Run
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_example import Example, provider
from nhi_revoke_example.cache import Flush
from nhi_revoke_example.connection import Cloud
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_example.vault import Serve, Vault


class Blind(Serve):
    """Repeats a promotion whose answer was lost: the second one is refused, although the first one happened."""

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        wanted = self._wanted(step, run)
        conn.call("POST", f"/vault/{step.to}/promote", {"id": wanted})
        return Done({"holds": wanted}, conn.now())


class Repeating(Example):
    def targets(self) -> Sequence[Store[Cloud] | Doer[Cloud]]:
        vault = Vault()
        vault.serve = Blind()
        return (vault, Flush())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(provider, tmp_path) as made:
        yield made


def test_what_the_store_serves_is_never_destroyed(tmp_path: Path) -> None:
    """A refused serve is looked at before the minted key is destroyed: the workload would be left with a dead one."""
    with World(Repeating(), tmp_path) as world:
        sandbox = world.sandbox
        assert isinstance(sandbox, ExampleSandbox)
        sandbox.fault("vault.write", "lost", after=1)  # the first one stages, the second one promotes
        world.run()
        served = sandbox.cloud.held("payments", "current")["id"]
        assert served in sandbox.cloud.tokens, "the vault serves a token that the run destroyed"
        assert sandbox.cloud.tokens[served].state.shown == "active"


def test_a_rotation_with_a_flush_ends_the_old_key(world: World) -> None:
    report = world.run(world.plan(replace(world.intent, order="rollover")), verb="rotate")
    skipped = [f"{s.says}: {s.detail}" for s in report.steps if s.result in ("skipped", "waiting")]
    assert not skipped
    assert not world.doors()["live"]


def test_a_read_that_fails_after_changes_still_ends_in_a_report(world: World) -> None:
    plan = world.plan()
    world.sandbox.fault("tokens.list", "denied", times=1000)
    report = world.run(plan)
    assert report.exit_code == 5


def test_sessions_are_not_called_ended_where_nobody_saw_who_may_begin_them(world: World) -> None:
    """Without the trusts the order between the two bots is unknown: a seal may come before the last minter's."""
    world.sandbox.allow_only(sorted(permissions(world.provider) - {"trusts.list"}))
    report = world.run()
    assert mispredicted(world, report, only_claims=True) == []
