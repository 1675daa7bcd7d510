"""How a run ended, in a form in which two runs can be compared: ids of what was minted differ, nothing else may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.found import SESSION_FAMILIES
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Phase
from nhi_revoke.testing.conformance.world import World


class Ending(Struct, frozen=True):
    """Doors, what there is on each principal, and what became of the replacements."""

    doors: dict[str, bool]
    accesses: dict[str, int]
    """How many of each principal, kind and state: an orphan shows as one too many."""
    replaced: tuple[str, ...]

    def differs(self, other: Ending) -> str:
        """What is different, in words; empty for nothing."""
        said = [f"door {d}: {_word(is_open)}" for d, is_open in self.doors.items() if other.doors.get(d) != is_open]
        keys = sorted({*self.accesses, *other.accesses})
        said += [
            f"{self.accesses.get(k, 0)} instead of {other.accesses.get(k, 0)} {k}"
            for k in keys
            if self.accesses.get(k, 0) != other.accesses.get(k, 0)
        ]
        if self.replaced != other.replaced:
            said.append(f"replacements {self.replaced} instead of {other.replaced}")
        return "; ".join(said)


def ending(world: World, report: Report) -> Ending:
    doors = world.doors()
    return Ending(doors, counted(world.look(logs=False)), tuple(sorted(_fortunes(world, report))))


def _fortunes(world: World, report: Report) -> Iterable[str]:
    """A store that shows nothing (`Doer.shows`) leaves it untold whether it took the new one: that stays either way, so
    that "unseen" is the same end as "served" there, and there alone.
    """
    serves = {s.does for s in report.steps if s.phase is Phase.SERVE}
    shown = all(world.registry.doer(does).shows for does in serves)
    return (r.result if shown else str(r.result).replace("unseen", "served") for r in report.replacements)


def counted(inventory: Inventory, *, but: Collection[str] = ()) -> dict[str, int]:
    """Keys, trusts and the like, by principal, kind and state. Sessions come and go by themselves. `but`: without
    these ids.
    """
    kept = (a for a in inventory.accesses if a.family not in SESSION_FAMILIES and a.id not in but)
    return dict(Counter(f"{a.state} {a.kind} on {a.on}" for a in kept))


def mispredicted(world: World, report: Report, *, only_claims: bool = False) -> list[str]:
    """Doors that are not as the report says.

    `only_claims`, for a run that could not see everything: it may call a door open that is shut, and need not know of a
    principal outside the plan where it says that it was blind. It must not call anything shut that is open.
    """
    known = {o.access.id for o in report.outcomes} | {str(lead.to) for lead in (*report.leads, *report.planted)}
    blind = bool(report.blind or report.unreachable)
    wrong = []
    for door in world.sandbox.doors():
        said, found = predicted_open(report, door.access), door.open()
        forgiven = only_claims and (not found or (blind and door.access not in known))
        if said != found and not forgiven:
            wrong.append(f"door {door.id} ({door.kind}, {door.access}): predicted {_word(said)}, found {_word(found)}")
    return wrong


def _word(is_open: bool) -> str:
    return "open" if is_open else "shut"


class Failures:
    """What went wrong in a check that tries many things. Enough is enough: after `patience` of them it gives up."""

    def __init__(self, patience: int) -> None:
        self._left = patience
        self.lines: list[str] = []

    def add(self, tried: str, said: Iterable[str]) -> None:
        """`said`: nothing where it was right."""
        lines = [f"{tried}: {line}" for line in said]
        self.lines += lines
        self._left -= bool(lines)

    @property
    def enough(self) -> bool:
        return self._left <= 0


def told(failures: Sequence[str]) -> str:
    """For an assertion: the first few, and how many there are."""
    more = f"\n… and {len(failures) - 8} more" if len(failures) > 8 else ""
    return "\n".join(failures[:8]) + more
