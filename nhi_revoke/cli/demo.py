"""`demo`: the whole job against the bundled sandboxes, with an intruder who tries every door before and after."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import Struct

from nhi_revoke.cli.demo_stage import MOST, Ran, Stage
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.demo.doors import DoorResult, Intruder
from nhi_revoke.model.report import Report
from nhi_revoke.render.block import BLANK, Block, Span, line, table

if TYPE_CHECKING:
    from nhi_revoke.demo.world import DemoWorld

app = application()
Scenario = Annotated[
    Literal["incident", "rollover"],
    typer.Option("--scenario", help="incident: an intruder is ended. rollover: credentials are replaced at work."),
]


class DemoData(Struct, frozen=True):
    """`demo`."""

    intruder: Intruder
    """Doors before and after `revoke`; `predicted` is computed from its report alone."""
    mispredicted: int
    then: tuple[DoorResult, ...]
    """The same doors after the next plan, which the report told to apply; `before` is after `revoke`."""
    commands: tuple[Ran, ...]
    report: Report


@app.command()
@spread
def demo(
    session: Session,
    scenario: Scenario = "incident",
    keep: bool = typer.Option(False, "--keep", help="Keep the demo's folder (journals, report)."),
    serve: bool = typer.Option(False, "--serve", help="Only start the sandboxes, to work with from another terminal."),
) -> Result:
    """Run the whole job against a sandbox on this machine; no cloud account is touched.

    nhi-revoke demo
    """
    from nhi_revoke.cli.demo_rollover import Rollover
    from nhi_revoke.cli.demo_serve import Serve

    folder = Path(tempfile.mkdtemp(prefix="nhi-revoke-demo-"))
    try:
        stage = Serve if serve else Rollover if scenario == "rollover" else Incident
        return stage(session, folder, keep).play()
    finally:
        if not keep:
            import shutil

            shutil.rmtree(folder)


class Incident(Stage):
    """The commands of a containment, in order, and the intruder's doors between them."""

    def play(self) -> Result:
        from nhi_revoke.demo.doors import compare, try_all
        from nhi_revoke.demo.world import DemoWorld

        self._say("Starting the sandboxes on this machine. No cloud account is touched.")
        with DemoWorld(self._session.registry, self._folder, datetime.now(UTC)) as world:
            doors = world.doors()
            before = try_all(doors)
            self._say(f"An intruder holds {len(doors)} doors of {world.identity}; {sum(before.values())} are open now.")
            self._run(world, "list", world.identity)
            self._run(world, "plan", world.identity)
            consent = ("--yes", "--allow-irreversible", "--max-accesses", str(MOST))
            self._run(world, "revoke", world.identity, "--case", "DEMO-1", *consent)
            report = self._report(world)
            after = try_all(doors)
            intruder = compare(doors, before, after, report)
            self._show(
                [BLANK, line(Span("The intruder tries every door again:", "strong")), door_table(intruder.doors)]
            )
            then = self._next_plan(world, report, intruder)
            report_path = self._folder / "report.md"
            self._run(world, "report", report.run, "-o", "md", "--out", str(report_path), "-q")
        data = DemoData(intruder, intruder.mispredicted, then, tuple(self._ran), report)
        code = ExitCode.FAILED if intruder.mispredicted else ExitCode.DONE
        return Result(data, lambda: verdict(data, report_path if self._keep else None), int(code))

    def _next_plan(self, world: DemoWorld, report: Report, intruder: Intruder) -> tuple[DoorResult, ...]:
        """What the report says is still open elsewhere is closed as it says, and the replacement follows."""
        from nhi_revoke.demo.doors import compare, try_all

        if report.next_plan is None:
            return ()
        self._run(world, "apply", report.next_plan)
        follow = self._report(world)
        if any(r.result != "served" for r in report.replacements):
            self._run(world, "rotate", world.identity, "--yes", "--allow-irreversible")
        doors = world.doors()
        was = {d.id: d.after == "open" for d in intruder.doors}
        results = compare(doors, was, try_all(doors), follow).doors
        self._show(
            [BLANK, line(Span("And once more, after the next plan:", "strong")), door_table(results, predicted=False)]
        )
        return results


def door_table(doors: Sequence[DoorResult], *, predicted: bool = True) -> Block:
    """A row a door. Words first; colour only underlines them."""
    heads = ["BEFORE", "AFTER", *(["PREDICTED"] if predicted else []), "KIND", "DOOR"]
    rows: list[list[str | Span]] = [
        [_word(d.before), _word(d.after), *([_predicted(d)] if predicted else []), d.kind, f"{d.id}: {d.says}"]
        for d in doors
    ]
    return table(heads, rows, keep="BEFORE AFTER PREDICTED KIND", indent=2)


def _word(state: str) -> Span:
    return Span(state.upper() if state == "open" else state, "danger" if state == "open" else "good")


def _predicted(door: DoorResult) -> Span:
    return Span(door.predicted, "") if door.right else Span(f"{door.predicted} WRONG", "danger")


def verdict(data: DemoData, report: Path | None) -> list[Block]:
    """The last lines."""
    doors = data.intruder.doors
    opened = sum(d.before == "open" for d in doors)
    left = sum(d.after == "open" for d in doors)
    blocks: list[Block] = [
        BLANK,
        line(
            Span(f"{len(doors)} doors of {len({d.kind for d in doors})} kinds: ", "strong"),
            f"{opened} open before, {left} after revoke, ",
            f"{sum(d.after == 'open' for d in data.then)} after the next plan, " if data.then else "",
            Span(f"{data.mispredicted} other than the report said", "danger" if data.mispredicted else "good"),
        ),
    ]
    if report is not None:
        blocks.append(line(f"Kept: {report.parent}"))
    return blocks
