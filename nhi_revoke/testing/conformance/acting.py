"""Checks 4, 5 and 11: twice does no harm, undo brings back what was, and the report is what the intruder sees."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.error import Refused
from nhi_revoke.model.found import SESSION_FAMILIES
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Resulted, Verb
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.testing.conformance.ending import counted, ending, mispredicted, told
from nhi_revoke.testing.conformance.world import World

ENDS = (Phase.CUT, Phase.END, Phase.SEAL)


class Acting:
    """A part of `Conformance`."""

    def test_04_twice_is_already_or_a_later_cutoff(self, world: World) -> None:
        intent = replace(world.intent, replace=())
        first = _changes(world, world.plan(intent))
        doors = world.doors()
        world.clock.advance(30)
        second = _changes(world, world.plan(intent))
        assert first, "the first run ended nothing"
        wrong = [
            f"{does} on {on}: {change}"
            for (does, on), changes in second.items()
            for change in changes
            if not _harmless(first.get((does, on), []), change)
        ]
        assert not wrong, f"done again, although nothing had changed:\n{told(wrong)}"
        assert world.doors() == doors, "the second run opened or shut a door"

    def test_05_undo_brings_back_what_was(self, world: World) -> None:
        had = counted(world.look(logs=False))
        report = world.run()
        shut = world.doors()
        early = [door.id for door in self._undone_at_once(world, report) if door.open() and not shut[door.id]]
        assert not early, f"undo re-armed what nobody asked it to: doors {early} are open again"

        world.restart()
        steps = world.plan().steps
        wait = max([s.rearms for s in steps if isinstance(s.rearms, float | int)], default=0.0) + 60
        world.clock.advance(wait + 300)
        lasting = {door for door, is_open in world.doors().items() if is_open}  # what time alone leaves open

        world.restart()
        before = world.doors()
        plan = world.plan()
        report = world.run(plan)
        world.clock.advance(wait)
        last = world.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])
        world.clock.advance(300)
        failed = [f"{s.does} on {s.on}: {s.detail}" for s in last.steps if s.result in ("failed", "lost", "waiting")]
        assert not failed, f"undo left steps undone:\n{told(failed)}"
        wrong = _not_as_before(world, plan, {door: before[door] and door in lasting for door in before}, before)
        assert not wrong, f"after undo:\n{told(wrong)}"
        minted = {r.access for r in report.replacements if r.access}  # served by now: undo leaves it to the workload
        gone = counted(world.look(logs=False), but=minted)
        moved = {s.id for s in plan.steps if s.phase in ENDS and world.registry.doer(s.does).moves}
        lost = {key for s in plan.steps if not s.reversible or s.id in moved for key in _keys(plan, s)}
        differs = [
            f"{gone.get(k, 0)} instead of {n} {k}" for k, n in had.items() if gone.get(k, 0) != n and k not in lost
        ]
        differs += [f"{n} new {k}" for k, n in gone.items() if k not in had]
        assert not differs, f"after undo:\n{told(differs)}"

    def _undone_at_once(self, world: World, report: Report) -> Sequence[Any]:
        """The doors, after an undo that nobody waited for and that re-arms nothing on purpose."""
        with suppress(Refused):  # it says when; nothing was changed
            world.undo(report.run)
        world.clock.advance(300)
        return world.sandbox.doors()

    def test_11_a_plan_that_was_read_for_a_while_ends_the_same(self, world: World) -> None:
        """At the prompt, or saved: it is held against the world again, and every step still has all that it needs."""
        wanted = ending(world, world.run(world.plan()))
        world.restart()
        plan = world.plan()
        world.clock.advance(60)
        report = world.run(plan)
        differs = ending(world, report).differs(wanted)
        assert not differs, f"read for a minute, the plan did something else: {differs}"
        assert not mispredicted(world, report)

    def test_11_the_report_is_what_the_intruder_sees(self, world: World) -> None:
        wrong: list[str] = []
        for number, (verb, intent) in enumerate(variants(world.intent)):
            if number:
                world.restart()
            before = world.doors()
            report = world.run(world.plan(intent), verb=verb)
            found = mispredicted(world, report)
            wrong += [f"{verb} --scope {intent.scope} --brake {intent.brake}: {line}" for line in found]
            if number == 0:
                after = world.doors()
                assert any(before[d] and not after[d] for d in before), (
                    "the run shut no door: this check proves nothing"
                )
        assert not wrong, f"the report is not what the intruder sees:\n{told(wrong)}"


def variants(intent: Intent) -> list[tuple[Verb, Intent]]:
    """Runs that end in different ways."""
    out: list[tuple[Verb, Intent]] = [("revoke", intent)]
    if intent.replace:
        out.append(("rotate", replace(intent, order="rollover")))
    out += [("revoke", replace(intent, scope=scope, replace=())) for scope in ("sessions", "keys")]
    out += [("revoke", replace(intent, brake=brake, replace=())) for brake in ("on", "off")]
    return out


def _changes(world: World, plan: Plan) -> dict[tuple[str, str], list[Change]]:
    """Carries the plan out; what its containing steps did, by doer and principal."""
    steps = {s.id: s for s in plan.steps if s.phase in ENDS}
    out: dict[tuple[str, str], list[Change]] = {}
    for line in world.lines(world.run(plan).run):
        if isinstance(line, Resulted) and line.step in steps:
            step = steps[line.step]
            out.setdefault((step.does, str(step.on)), []).append(line.change)
    return out


def _harmless(first: Sequence[Change], second: Change) -> bool:
    """It was so before, or a cut-off moved on."""
    if isinstance(second, Already):
        return True
    before = max((str(c.left.get("cutoff", "")) for c in first if isinstance(c, Done | Already)), default="")
    return isinstance(second, Done) and str(second.left.get("cutoff", "")) > before


def _not_as_before(world: World, plan: Plan, wanted: dict[str, bool], before: dict[str, bool]) -> list[str]:
    known = {a.id: a for a in plan.accesses}
    final = {a for step in plan.steps if not step.reversible for a in step.ends}
    wrong: list[str] = []
    for door in world.sandbox.doors():
        is_open, access = door.open(), known.get(door.access)
        if is_open and not before[door.id]:
            wrong.append(f"door {door.id} ({door.kind}) is open and was shut before the run")
        comes_back = access and access.family not in SESSION_FAMILIES and access.id not in final
        if wanted[door.id] and not is_open and comes_back:
            wrong.append(f"door {door.id} ({door.kind}) is still shut, and nothing said that this is irreversible")
    return wrong


def _keys(plan: Plan, step: Step) -> list[str]:
    return [f"{a.state} {a.kind} on {a.on}" for a in plan.accesses if a.id in step.ends]
