"""Whether the brake `auto` is on: where the principal could repair itself.

Whoever holds IAM's own write rights can take a deny off in the seconds before it is obeyed, make keys, and edit trusts.
A deny that swaps to one by issue time would give such a principal back to whoever still holds a way in that nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Notice
from nhi_revoke.provider.kind import View

RIGHTS = "aws:iam-rights"
"""The kind whose accesses say that a principal holds such rights."""
MOST_NAMED = 6


class Brake(Struct, frozen=True):
    """What was decided for one principal, and what must be read before consenting."""

    on: bool
    said: tuple[Notice, ...] = ()


def brake_of(view: View, intent: Intent, released: str = "`release`") -> Brake:
    """`released`: what takes it off, in words. A rollover is no incident: it brakes nobody."""
    if intent.order != "contain":
        return Brake(on=False)
    if intent.brake == "on":
        return Brake(on=True)
    rights = rights_of(view)
    blind = next((b for b in view.blind if b.kind == RIGHTS), None)
    who = f"{view.who.kind} {view.who.name}"
    if rights:
        could = f"{who} holds rights over IAM ({_some(rights)}): it could take our deny off, make keys or edit trusts"
        if intent.brake == "off":
            return Brake(on=False, said=(Notice(view.who.ref, f"{could}; --brake off leaves it running", "danger"),))
        if intent.scope != "all":
            why = f"{could}; --scope {intent.scope} leaves it running, and --scope all stops it"
            return Brake(on=False, said=(Notice(view.who.ref, why, "danger"),))
        why = f"{could}, so the deny-all stays until {released} (brake auto; --brake off lets it go on)"
        return Brake(on=True, said=(Notice(view.who.ref, why, "warning"),))
    if blind is not None and intent.brake == "auto":
        why = f"whether {who} could repair itself could not be seen ({blind.why}): no brake; --brake on stops it"
        return Brake(on=False, said=(Notice(view.who.ref, why, "warning"),))
    return Brake(on=False)


def rights_of(view: View) -> tuple[str, ...]:
    """The actions by which it could, sorted; the access's own words where it names none."""
    held = [a for a in view.of(RIGHTS) if a.state in ("live", "unknown")]
    named = {str(action) for a in held for action in _listed(a.before.get("actions"))}
    return tuple(sorted(named)) or tuple(a.label or a.id for a in held)


def _listed(actions: object) -> Iterable[object]:
    return actions if isinstance(actions, (list, tuple)) else ()


def _some(rights: tuple[str, ...]) -> str:
    more = len(rights) - MOST_NAMED
    return ", ".join(rights[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
