"""How a run makes a new one of a kind whose old ones it removes: drafted alike for secrets and certificates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.credential import BRAKED
from nhi_revoke_entra.access.limited import unsure, until
from nhi_revoke_entra.access.stopping import NOUNS, brake_of, is_made, unreplaced_because
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.named import APPLICATIONS
from nhi_revoke_entra.policies import lasts


def replacement(
    kind: AccessKind[EntraConnection],
    view: View,
    intent: Intent,
    *,
    lock: str,
    wanted: timedelta,
    at_most: float | None,
    doubtful: str,
) -> Iterable[Draft]:
    """On the application. `wanted`: how long it lasts where no policy allows less (`at_most`, seconds). `doubtful`: a
    policy that may refuse it all the same.
    """
    if intent.rotate == "no" or kind.mint is None:
        return
    if why := unreplaced_because(view, intent, kind.name):
        yield Manual(view.who.ref, kind.name, why)
    if not is_made(view, intent, kind.name):
        return
    noun = NOUNS[kind.name]
    yield draft_step(
        kind, kind.mint, view, lock=lock,
        says=f"mint a new {noun} for {view.who.name}, {until(view, wanted, at_most)}",
        before={
            "ids": [a.id for a in view.of(kind.name)],
            "place": APPLICATIONS,
            "object": str(view.who.facts.get("application") or ""),
            "lasts": lasts(wanted, at_most),
            BRAKED: brake_of(view, intent).on,
        },
    )  # fmt: skip
    yield from unsure(view, doubtful, noun)
