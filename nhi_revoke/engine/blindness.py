"""What a run could not see, and still cannot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from nhi_revoke.engine.history import History
from nhi_revoke.model.found import BlindSpot, Lead


def blind_spots(history: History, now: datetime, reach: Sequence[Lead] = ()) -> tuple[BlindSpot, ...]:
    """What is still unseen: not covered by a settled step on the same principal, and its time not passed.

    A seal covers what its own principal's late logs may still show; what that principal began on others in its `reach`
    stays unseen until they do.
    """
    settled = {(h.step.on, h.step.does) for h in history.steps.values() if h.settled and not h.step.undoes}
    logs = [note for s in history.sections for note in s.noted if note.source == "logs"]
    unread = [note for s in history.sections for note in s.noted if note.source == "unread"]
    newest = {id(f) for notes in (logs, unread) if notes for f in notes[-1].found}
    out: dict[tuple[str, str, str], BlindSpot] = {}
    spots = [(b, True) for s in history.sections for b in s.plan.blind]
    spots += [(f, note.source == "state" or id(f) in newest) for f, note in history.found if isinstance(f, BlindSpot)]
    for spot, current in spots:
        covered = any((spot.on, key) in settled for key in spot.covered_by)
        if current and not covered and not (spot.until and spot.until <= now):
            out[str(spot.on), spot.kind, spot.why] = spot
        elif current and covered and spot.until and spot.until > now:
            elsewhere = _on_others(spot, reach)
            if elsewhere:
                out[str(spot.on), spot.kind, elsewhere.why] = elsewhere
    return tuple(out.values())


def _on_others(spot: BlindSpot, reach: Sequence[Lead]) -> BlindSpot | None:
    """What such a lag hides of the principals that its own may become and that this run did not touch."""
    others = {str(x.to) for x in reach if x.of == spot.on and not x.session and not x.shut and not x.beyond}
    if not others:
        return None
    first = min(others)
    names = first if len(others) == 1 else f"{first} and {len(others) - 1} more that it may become"
    return replace(spot, why=f"{spot.why}; so what it began on {names} in those minutes", covered_by=())
