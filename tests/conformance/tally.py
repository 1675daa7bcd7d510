"""What the conformance kit tried on one provider, counted where it happens, for the figures of a release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from nhi_revoke.model.line import Verb
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance import Killed, World
from nhi_revoke.testing.conformance.ending import mispredicted


class Tally:
    """Counts by name, in the order in which they first came; `kinds` are names of access kinds."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.kinds: set[str] = set()

    def figures(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**dict(sorted(self.counts.items())), "kinds covered": sorted(self.kinds)}


class CountedWorld(World):
    """A world that counts lives, runs, kills, recoveries, and the doors that reports were held against."""

    def __init__(self, *arguments: Any, tally: Tally, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._tally = tally

    def restart(self) -> World:
        super().restart()
        self._tally.counts["worlds started"] += 1
        return self

    def run(
        self, plan: Plan | None = None, *, verb: Verb = "revoke", before_append: Callable[[int], None] | None = None
    ) -> Report:
        self._tally.counts["runs"] += 1
        try:
            report = super().run(plan, verb=verb, before_append=before_append)
        except Killed:
            self._tally.counts["kill points tried in process"] += 1
            raise
        self._tally.kinds |= {outcome.access.kind for outcome in report.outcomes}
        return report

    def resume(self, run: str) -> Report:
        report = super().resume(run)
        self._tally.counts["runs resumed in process"] += 1
        return report

    def count_doors(self, report: Report, before: dict[str, bool], after: dict[str, bool]) -> None:
        """One run's doors: planted ones were open before it."""
        planted = [door for door, is_open in before.items() if is_open]
        self._tally.counts["doors planted"] += len(planted)
        self._tally.counts["doors shut"] += sum(not after[door] for door in planted)
        self._tally.counts["doors left open, as predicted"] += sum(after[door] for door in planted)
        self._tally.counts["doors mispredicted"] += len(mispredicted(self, report))
