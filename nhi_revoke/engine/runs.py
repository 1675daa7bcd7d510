"""The runs on this machine: names, summaries, journals."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.engine.history import History
from nhi_revoke.engine.journal import Journal
from nhi_revoke.engine.states import VERBS, RunState, state_of
from nhi_revoke.engine.store import Journals
from nhi_revoke.model.error import NotFound, Refused
from nhi_revoke.model.ref import Utc


class RunSummary(Struct, frozen=True):
    """One row of `runs`."""

    run: str
    identity: str
    verb: str
    state: str
    started: Utc | None
    headline: str
    exit_code: int | None
    verbs: tuple[str, ...]
    """What may be done with it now."""


def summary(store: Journals, run: str) -> RunSummary:
    """A tampered journal is listed as such, never hidden."""
    try:
        history = History(Journal.open(store, run).lines)
    except Refused as bad:
        return RunSummary(run, "", "", "tampered", None, bad.message, bad.exit_code, ())
    if not history.sections:
        return RunSummary(run, "", "", "empty", None, "no plan was written", None, ())
    state = state_of(history)
    report = history.last_report if state is not RunState.INTERRUPTED else None
    opened = history.first.opened
    return RunSummary(
        run,
        opened.plan.identity.name,
        history.now.opened.verb,
        state.value,
        opened.at,
        report.headline if report else "INTERRUPTED",
        report.exit_code if report else None,
        VERBS[state],
    )


def find_run(store: Journals, text: str) -> str:
    """A run id, a unique beginning of one, `@last`, or an identity (its newest run). Raises NotFound."""
    runs = sorted(store.runs())
    if not runs:
        raise NotFound("no-runs", "there is no run on this machine", "nhi-revoke runs import FILE  takes one over.")
    if text == "@last":
        return runs[-1]
    if text in runs:
        return text
    begins = [run for run in runs if text and run.startswith(text)]
    if len(begins) == 1:
        return begins[0]
    if len(begins) > 1:
        raise NotFound(
            "ambiguous-run", f"{text!r} begins {len(begins)} runs: {', '.join(begins[-5:])}", "Type more of it."
        )
    named = [run for run in runs if summary(store, run).identity == text]
    if named:
        return named[-1]
    raise NotFound("no-such-run", f"there is no run {text!r} on this machine", "nhi-revoke runs  lists them.")
