"""Check 8: no secret in any output, log, journal, report or exception."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout, suppress

from nhi_revoke.provider.sandbox.contract import FaultName
from nhi_revoke.testing.conformance.ending import told
from nhi_revoke.testing.conformance.world import World

BREAKS: tuple[FaultName, ...] = ("denied", "500", "lost", "timeout", "429")


class Secrecy:
    """A part of `Conformance`."""

    def test_08_no_secret_is_ever_told(self, world: World) -> None:
        printed = io.StringIO()
        canaries: set[str] = set()
        with redirect_stdout(printed), redirect_stderr(printed), world.heard.listening():
            report = world.run()
            world.verify(report.run)
            self._remember(world, canaries)
            minted = sum(r.access is not None for r in report.replacements)
            for fault in BREAKS:
                for while_planning in (True, False):
                    world.restart()
                    self._break(world, fault, while_planning=while_planning)
                    self._remember(world, canaries)
        world.heard.words.append(("stdout or stderr", printed.getvalue()))
        assert canaries, "the sandbox names no secrets: this check proves nothing"
        assert minted or not world.intent.replace, "nothing was minted: no secret was ever in flight"
        assert any(where == "exception" for where, _ in world.heard.words), "no exception was heard: nothing broke"
        leaks = [
            f"a secret ({c[:6]}…) in: {', '.join(where)}" for c in sorted(canaries) if (where := world.heard.holding(c))
        ]
        assert not leaks, f"secrets were told:\n{told(leaks)}"

    def _break(self, world: World, fault: FaultName, *, while_planning: bool) -> None:
        """Everything fails, from the start or after the plan was made."""
        plan = None if while_planning else world.plan()
        world.sandbox.fault("*", fault, times=1_000_000)
        with suppress(Exception):  # its words were heard; whether it may fail so is for other checks
            world.run(plan)

    def _remember(self, world: World, canaries: set[str]) -> None:
        canaries |= set(world.sandbox.canaries())
        if world.state.exists():
            world.heard.files(world.state)
