"""Check 6: killed after each line of the journal, then `resume`: the same end, and no orphan."""

from __future__ import annotations

import signal

import pytest

from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.crash import Killed, kill_at
from nhi_revoke.testing.conformance.ending import Ending, Failures, ending, mispredicted, told
from nhi_revoke.testing.conformance.process import command, revoking
from nhi_revoke.testing.conformance.world import World


class Crashing:
    """A part of `Conformance`."""

    kill_points: int | None = None
    """How many lines to die at, spread evenly; None: every one."""
    processes: int = 10
    """How many real processes are killed with signal 9."""
    patience: int = 8
    """After how many failures a check that tries many things gives up."""

    def test_06_killed_at_each_journal_line_and_resumed(self, world: World) -> None:
        report = world.run()
        lines = len(world.lines(report.run))
        wanted = ending(world, report)
        wrong = Failures(self.patience)
        for line in chosen(lines, self.kill_points):
            world.restart()
            try:
                said = recovered(world, line, wanted)
            except Exception as error:  # noqa: BLE001 - one kill point's failure must not hide the others'
                said = [f"{type(error).__name__}: {error}"]
            wrong.add(f"killed before line {line} of {lines}", said)
            if wrong.enough:
                break
        assert not wrong.lines, f"a crash left something behind:\n{told(wrong.lines)}"

    @pytest.mark.kill
    def test_06_real_processes_killed_and_resumed(self, world: World) -> None:
        report = world.run()
        lines = len(world.lines(report.run))
        wanted = ending(world, report)
        wrong = Failures(self.patience)
        for line in chosen(lines, self.processes):
            world.restart()
            wrong.add(f"kill -9 before line {line} of {lines}", revived(world, line, wanted))
            if wrong.enough:
                break
        assert not wrong.lines, f"a crash left something behind:\n{told(wrong.lines)}"


def chosen(lines: int, points: int | None) -> list[int]:
    """All of them, or some, the first and the last among them."""
    if points is None or points >= lines:
        return list(range(lines))
    return sorted({round(n * (lines - 1) / max(1, points - 1)) for n in range(points)})


def recovered(world: World, line: int, wanted: Ending) -> list[str]:
    """What is wrong after dying there and resuming. A run that ended before that line (how often it looks again depends
    on how busy the machine is) is begun anew, and dies before its own last line.
    """
    try:
        whole = world.run(before_append=kill_at(line))
    except Killed:
        pass
    else:
        last = len(world.lines(whole.run)) - 1
        if last >= line:
            return ["the run was not killed, and wrote the line that it was to die at"]
        world.restart()
        return recovered(world, last, wanted)
    resumed = resume_or_begin(world)
    differs = ending(world, resumed).differs(wanted)
    return [*([differs] if differs else []), *mispredicted(world, resumed)]


def resume_or_begin(world: World) -> Report:
    """What the operator does after a crash. Before the first line there is no run, and nothing was changed."""
    runs = world.runs()
    if not runs:
        assert world.mutations() == 0, "something was changed before the first journal line was stored"
        return world.run()
    assert len(runs) == 1, f"one run, and journals of {runs}"
    return world.resume(runs[0])


def revived(world: World, line: int, wanted: Ending) -> list[str]:
    """What is wrong after a real process died there and another one went on; fewer lines as in `recovered`."""
    died = command(world, *revoking(world), die_at=line)
    if died.returncode != -signal.SIGKILL:
        written = [len(world.lines(run)) for run in world.runs()]
        if len(written) != 1 or written[0] > line:
            return [f"the process was not killed: it ended with {died.returncode}: {died.stderr[-400:]}"]
        world.restart()
        return revived(world, written[0] - 1, wanted)
    again = command(world, "resume", "@last") if world.runs() else command(world, *revoking(world))
    runs = world.runs()
    if len(runs) != 1:
        return [f"one run, and journals of {runs}: {again.stderr[-400:]}"]
    report = world.report(runs[0])
    differs = ending(world, report).differs(wanted)
    leaks = [f"a secret in: {', '.join(w)}" for c in world.sandbox.canaries() if (w := world.heard.holding(c))]
    code = [] if again.returncode == report.exit_code else [f"exit {again.returncode}, and {report.exit_code} reported"]
    return [*([differs] if differs else []), *mispredicted(world, report), *leaks, *code]
