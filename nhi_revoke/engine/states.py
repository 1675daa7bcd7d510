"""A run's states, and which verbs each allows: the one table, for the engine, the help and the docs."""

from __future__ import annotations

from enum import StrEnum

from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.model.change import Failed, Impossible, Lost, Skipped
from nhi_revoke.model.error import Refused
from nhi_revoke.model.step import Phase


class RunState(StrEnum):
    INTERRUPTED = "interrupted"
    PARTIAL = "partial"
    HELD = "held"
    CONTAINED = "contained"
    UNDONE = "undone"
    FINISHED = "finished"


MEANS: dict[RunState, str] = {
    RunState.INTERRUPTED: "a section has no end: a crash or Ctrl-C; the journal is whole",
    RunState.PARTIAL: "ended, but some steps failed or were lost",
    RunState.HELD: "ended, and a brake that stops a principal is still on",
    RunState.CONTAINED: "ended; what was to be ended is, as far as the report proves it",
    RunState.UNDONE: "what could be taken back was",
    RunState.FINISHED: "what was disabled has been deleted",
}

VERBS: dict[RunState, tuple[str, ...]] = {
    RunState.INTERRUPTED: ("resume", "report"),
    RunState.PARTIAL: ("resume", "verify", "hold", "undo", "release", "report"),
    RunState.HELD: ("verify", "hold", "release", "undo", "report"),
    RunState.CONTAINED: ("verify", "hold", "undo", "finish", "report"),
    RunState.UNDONE: ("verify", "report"),
    RunState.FINISHED: ("verify", "hold", "undo", "finish", "report"),
}


def require(run: str, history: History, verb: str) -> None:
    """Raises Refused, with what may be done instead, for a verb that the run's state does not allow."""
    state = state_of(history)
    if verb not in VERBS[state]:
        raise Refused(
            "wrong-state",
            f"run {run} is {state.value} ({MEANS[state]}): {verb} is not for it now. Nothing was changed.",
            f"You may: {', '.join(VERBS[state])}.",
        )


def require_unmoved(run: str, verb: str, planned: int | None, now: int) -> None:
    """Raises Refused where somebody else worked on the run since the plan was made. `planned`, `now`: its journal's
    bytes; None: it was not planned here.
    """
    if planned not in (None, now):
        raise Refused(
            "run-moved",
            f"somebody else worked on run {run} since this was planned: what {verb} would touch may be otherwise by "
            "now. Nothing was changed.",
            f"nhi-revoke {verb} {run}",
        )


def state_of(history: History, *, closing: bool = False) -> RunState:
    """From the journal alone; `closing`: as it will be once the section is closed."""
    section = history.now
    if section.closed is None and not closing:
        return RunState.INTERRUPTED
    steps = history.steps.values()
    taken_back = {h.step.undoes for h in steps if h.step.undoes and h.settled}
    if any(_unfinished(h) for h in section.steps.values()):
        return RunState.PARTIAL
    containing = [h for h in steps if h.step.phase in (Phase.CUT, Phase.END, Phase.SEAL) and not h.step.undoes]
    swapped = {h.step.replaces for h in steps if h.step.replaces and h.accepted}
    done = [h for h in containing if h.settled and h.step.id not in swapped]
    if section.opened.verb == "undo" and done and all(h.step.id in taken_back or not h.step.reversible for h in done):
        return RunState.UNDONE
    if left_over(history):
        return RunState.PARTIAL
    if section.opened.verb == "finish":
        return RunState.FINISHED
    if braked(history):
        return RunState.HELD
    return RunState.CONTAINED


def left_over(history: History) -> tuple[StepHistory, ...]:
    """Cuts, ends and seals of earlier sections that did not hold, and that nothing made up for since: another command
    on the run (a hold, a release) does not make them done.
    """
    if len(history.sections) == 1:
        return ()
    newest = history.steps
    made_up = {h.step.replaces for h in newest.values() if h.step.replaces and h.accepted} | history.taken_back
    released = {h.step.on for h in newest.values() if h.step.phase is Phase.RELEASE and h.accepted}
    return tuple(
        h
        for section in history.sections[:-1]
        for h in section.steps.values()
        if newest[h.step.id] is h
        and h.step.phase in (Phase.CUT, Phase.END, Phase.SEAL)
        and not h.step.undoes
        and _unfinished(h)
        and h.step.id not in made_up
        # Whoever took the brakes off wants none of them back on.
        and not (h.step.brake and h.step.on in released)
    )


def _unfinished(history: StepHistory) -> bool:
    """Whether `resume` has something to do for it. A cut, end or seal is only skipped because another step failed; a
    rotation is skipped for reasons of its own, and `rotate` makes up for it.
    """
    if isinstance(history.change, Skipped):
        return history.step.phase in (Phase.CUT, Phase.END, Phase.SEAL)
    return isinstance(history.change, (Failed, Lost, Impossible)) or (history.accepted and not history.settled)


def braked(history: History) -> tuple[str, ...]:
    """Ids of steps whose brake is on now."""
    steps = history.steps.values()
    off = {h.step.replaces for h in steps if h.step.phase in (Phase.RELEASE, Phase.SEAL) and h.settled}
    off |= {h.step.undoes for h in steps if h.step.undoes and h.settled}
    puts_on = (Phase.CUT, Phase.END)
    return tuple(
        h.step.id for h in steps if h.step.brake and h.step.phase in puts_on and h.settled and h.step.id not in off
    )
