"""The conformance kit with a delivery to `exec`: killed anywhere, nothing is lost and nothing is claimed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from nhi_revoke.model.line import Intended
from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.acting import Acting
from nhi_revoke.testing.conformance.crashing import Crashing, recovered
from nhi_revoke.testing.conformance.ending import ending
from nhi_revoke.testing.conformance.secrecy import Secrecy
from nhi_revoke_example import provider as example
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_local import provider as local

HERE = Path(__file__).parent.parent / "example_provider"


class Sandbox(ExampleSandbox):
    """Its map delivers to a program."""

    def seed(self, folder: str) -> Seeded:
        seeded = super().seed(folder)
        put = f'to = "exec"\nargv = ["sh", "-c", "cat > $0", "{folder}/token.json"]'
        return replace(seeded, map=seeded.map.replace('to = "example-vault:payments"', put))


class TestWithAProgram(Crashing, Secrecy, Acting):
    kill_points = 12
    processes = 2

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        environ = {
            "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE / "installed"), os.environ.get("PYTHONPATH", ""))),
            "NHI_REVOKE_PROVIDERS": "example,local",
        }
        managed, operator = "example:bot/example-billing", "example:bot/responder"
        with World(
            example,
            tmp_path,
            beside=(local,),
            managed=managed,
            operator=operator,
            environ=environ,
            make_sandbox=Sandbox,
        ) as world:
            yield world

    def test_killed_while_the_program_works(self, world: World) -> None:
        """Whatever it had done by then: the new one stays, the same doors are shut, and it is not called served."""
        report = world.run()
        wanted = ending(world, report)
        [serve] = [s.id for s in report.steps if s.does == "exec/serve"]
        at = next(n for n, x in enumerate(world.lines(report.run)) if isinstance(x, Intended) and x.step == serve)
        world.restart()
        assert recovered(world, at + 1, wanted) == []
        [replaced] = world.report(world.runs()[0]).replacements
        assert replaced.result == "unseen"


def test_unseen_passes_for_served_only_where_nothing_can_be_seen(tmp_path: Path) -> None:
    """The kit must still fail where a store that shows what it holds is left in doubt."""
    for sandbox, word in ((ExampleSandbox, "unseen"), (Sandbox, "served")):
        with World(example, tmp_path / word, beside=(local,), make_sandbox=sandbox) as world:
            report = world.run()
            doubted = tuple(replace(r, result="unseen") for r in report.replacements)
            assert ending(world, replace(report, replacements=doubted)).replaced == (word,)
            assert ending(world, report).replaced == ("served",)
