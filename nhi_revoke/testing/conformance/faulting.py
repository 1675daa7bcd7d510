"""Check 7: throttled, failing, silent and lost answers on each call, once and for good."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from nhi_revoke.model.error import Trouble
from nhi_revoke.model.report import Report
from nhi_revoke.provider.sandbox.contract import FaultName
from nhi_revoke.testing.conformance.crashing import chosen
from nhi_revoke.testing.conformance.ending import Ending, Failures, ending, mispredicted, told
from nhi_revoke.testing.conformance.world import World

FOR_GOOD = 1_000_000


class Faulting:
    """A part of `Conformance`."""

    passing_faults: Sequence[FaultName] = ("429", "500", "timeout", "lost")
    lasting_faults: Sequence[FaultName] = ("down", "denied", "timeout")

    faults: int | None = None
    """How many of the faults to try, spread evenly; None: every one."""
    patience: int = 8
    """After how many failures a check that tries many things gives up."""

    def test_07_a_passing_fault_changes_nothing(self, world: World) -> None:
        report = world.run()
        calls = asked(world)
        wanted = ending(world, report)
        wrong = Failures(self.patience)
        changing = {call.name for call in world.sandbox.calls() if call.mutates}
        tries = [
            (call, fault, a)
            for call, n in calls.items()
            for a in sorted({0, n - 1} if call in changing else {0})
            for fault in self.passing_faults
            if fault != "lost" or call in changing  # a read whose answer is lost looks like one that timed out
        ]
        for call, fault, after in (tries[n] for n in chosen(len(tries), self.faults)):
            world.restart()
            world.sandbox.fault(call, fault, times=1, after=after)
            wrong.add(f"{fault} on {call} after {after} good ones", self._passing(world, wanted))
            if wrong.enough:
                break
        assert not wrong.lines, f"a passing fault changed the end:\n{told(wrong.lines)}"

    def _passing(self, world: World, wanted: Ending) -> list[str]:
        try:
            report = world.run()
            differs = ending(world, report).differs(wanted)
        except Exception as error:  # noqa: BLE001 - one fault's failure must not hide the others'
            return [f"{type(error).__name__}: {error}"]
        return [said for said in (differs, *mispredicted(world, report)) if said]

    def test_07_a_lasting_fault_is_never_called_done(self, world: World) -> None:
        world.run()
        wrong = Failures(self.patience)
        changing = {call.name for call in world.sandbox.calls() if call.mutates}
        # A read without an answer looks like one that never arrived: `down`.
        every = itertools.product(asked(world), self.lasting_faults)
        tries = [(call, fault) for call, fault in every if fault != "timeout" or call in changing]
        for call, fault in (tries[n] for n in chosen(len(tries), self.faults)):
            world.restart()
            wrong.add(f"{fault} on every {call}", self._lasting(world, call, fault))
            if wrong.enough:
                break
        assert not wrong.lines, f"the report claims more than was so:\n{told(wrong.lines)}"

    def _lasting(self, world: World, call: str, fault: FaultName) -> list[str]:
        """The plan was made in time; then the vendor fails, and stays so."""
        plan = world.plan()
        before = world.mutations()
        world.sandbox.fault(call, fault, times=FOR_GOOD)
        try:
            report: Report | None = world.run(plan)
        except Trouble:
            report = None
        except Exception as error:  # noqa: BLE001 - one fault's failure must not hide the others'
            return [f"{type(error).__name__}: {error}"]
        if report is None:
            changed = world.mutations() - before
            return [f"{changed} changes were made and no report came"] if changed else []
        return mispredicted(world, report, only_claims=True)


def asked(world: World) -> Counter[str]:
    """How often the operator made each call in this world."""
    return Counter(call.name for call in world.sandbox.calls() if call.by == "operator")
