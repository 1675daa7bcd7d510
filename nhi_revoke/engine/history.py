"""What a journal says of each step: the only memory that resume, undo, verify and the report have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Lost, Skipped
from nhi_revoke.model.found import Found
from nhi_revoke.model.line import (
    Closed,
    Destroyed,
    Extended,
    Intended,
    Line,
    Looked,
    Noted,
    Opened,
    Proved,
    Resulted,
    Vanished,
)
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proven
from nhi_revoke.model.ref import Json, StepId, Utc
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Step


class StepHistory(Struct):
    """All that happened to one step."""

    step: Step
    attempts: int = 0
    asked: bool = False
    """An intent without a result: a crash ate the answer."""
    change: Change | None = None
    changed_at: Utc | None = None
    left: Json = {}
    seen_at: Utc | None = None
    settled_at: Utc | None = None
    vanished: int = 0
    gone: bool = False
    """Seen once and no longer there."""
    proven: Proven | None = None
    destroyed: tuple[str, ...] = ()
    unanswered: bool = False
    """An attempt got no answer, and no later one was accepted: what came of it only a look can tell."""

    @property
    def in_doubt(self) -> bool:
        """Whether it may have happened all the same, as far as answers go."""
        return self.asked or self.unanswered

    @property
    def accepted(self) -> bool:
        """The vendor said yes, or it was so already."""
        return isinstance(self.change, (Done, Already))

    @property
    def settled(self) -> bool:
        return self.settled_at is not None and not self.gone


class Section(Struct):
    """One command's work on a run: its plan and what came of it."""

    opened: Opened
    steps: dict[StepId, StepHistory]
    noted: list[Noted]
    rounds: int = 0
    closed: Closed | None = None

    @property
    def plan(self) -> Plan:
        return self.opened.plan


class History:
    """Sections of one run, rebuilt from its lines and kept up with each new one."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.sections: list[Section] = []
        for line in lines:
            self.add(line)

    @property
    def now(self) -> Section:
        """The section that is being worked on, or was last. Raises IndexError for an empty journal."""
        return self.sections[-1]

    @property
    def first(self) -> Section:
        """The run itself."""
        return self.sections[0]

    def step(self, step_id: StepId) -> StepHistory:
        """Newest section first: later sections continue earlier ones' steps under the same id only on purpose."""
        for section in reversed(self.sections):
            if step_id in section.steps:
                return section.steps[step_id]
        raise KeyError(step_id)

    def has(self, step_id: StepId) -> bool:
        return any(step_id in s.steps for s in self.sections)

    @property
    def steps(self) -> dict[StepId, StepHistory]:
        """Every step of every section; the newest wins."""
        return {i: h for section in self.sections for i, h in section.steps.items()}

    @property
    def taken_back(self) -> frozenset[StepId]:
        """Ids of steps that an undo took back, and that were not done again since."""
        back: set[StepId] = set()
        for section in self.sections:
            for h in section.steps.values():
                if h.settled:
                    back.discard(h.step.id)
                    back |= {h.step.undoes} if h.step.undoes else set()
        return frozenset(back)

    @property
    def found(self) -> tuple[tuple[Found, Noted], ...]:
        """What was found while running, with the line that says when and by what."""
        return tuple((f, note) for s in self.sections for note in s.noted for f in note.found)

    @property
    def last_report(self) -> Report | None:
        return next((s.closed.report for s in reversed(self.sections) if s.closed), None)

    def add(self, line: Line) -> None:
        """Raises ValueError for a line before the first section."""
        if isinstance(line, Opened):
            self.sections.append(Section(line, {s.id: StepHistory(s) for s in line.plan.steps}, []))
            return
        if not self.sections:
            raise ValueError("a journal opens with a plan")
        section = self.now
        if isinstance(line, Extended):
            section.steps.update({s.id: StepHistory(s) for s in line.steps})
            section.rounds = max(section.rounds, line.round)
        elif isinstance(line, Noted):
            section.noted.append(line)
        elif isinstance(line, Closed):
            section.closed = line
        else:
            _apply(self.step(line.step), line)


def _apply(mine: StepHistory, line: Intended | Resulted | Looked | Vanished | Destroyed | Proved) -> None:
    if isinstance(line, Intended):
        mine.unanswered = mine.in_doubt
        mine.attempts, mine.asked = line.attempt, True
        mine.gone, mine.settled_at, mine.seen_at, mine.proven = False, None, None, None
    elif isinstance(line, Resulted):
        if isinstance(line.change, (Done, Already)):
            mine.unanswered = False
        elif isinstance(line.change, Lost) or (mine.asked and isinstance(line.change, Skipped)):
            mine.unanswered = True
        mine.change, mine.changed_at, mine.asked = line.change, line.at, False
        if isinstance(line.change, (Done, Already)):
            mine.left = line.change.left
        else:  # what was seen of an earlier attempt holds no longer: a staged secret that was taken away
            mine.seen_at = mine.settled_at = mine.proven = None
    elif isinstance(line, Looked):
        mine.left = line.left
        if line.settled:
            mine.settled_at = line.at
        else:
            mine.seen_at = line.at
    elif isinstance(line, Vanished):
        mine.gone, mine.vanished = True, mine.vanished + 1
        mine.seen_at = mine.settled_at = mine.proven = None
    elif isinstance(line, Destroyed):
        mine.destroyed = (*mine.destroyed, line.access)
        mine.change, mine.asked, mine.left, mine.seen_at, mine.settled_at = None, False, {}, None, None
        mine.unanswered = False
    else:
        mine.proven = line.proven


def unfinished(section: Section) -> Sequence[StepHistory]:
    """Steps that resume would look at again."""
    return [h for h in section.steps.values() if not h.settled]
