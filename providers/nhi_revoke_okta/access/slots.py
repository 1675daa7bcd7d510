"""When a new secret or key is made for an app, and which old one may make room for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.provider.kind import View


def wanted(view: View, intent: Intent, kind: str) -> bool:
    """Whether this run is to replace what it ends of this kind, and a delivery is meant for this principal."""
    if kind not in intent.replace or intent.rotate == "no" or intent.reason is Reason.OFFBOARDING:
        return False
    targets = [d for d in view.inventory.identity.deliver if d.kind == kind]
    mine = {"", str(view.who.ref), view.who.typed, view.who.name}
    return not targets or any(d.principal in mine for d in targets)


def unlisted(view: View, kind: str) -> bool:
    """The listing was denied: nobody knows how many there are."""
    return any(b.kind == kind and b.counts for b in view.blind)


def spare(among: Sequence[Access], intent: Intent) -> Access | None:
    """The one old credential that may go before `finish`: inactive before the run (the oldest), else named."""
    inactive = sorted((a for a in among if a.state == "disabled"), key=_age)
    named = [a for a in among if a.id in intent.free_slot]
    return next(iter([*inactive, *named]), None)


def evidence(access: Access) -> dict[str, object]:
    """What a delete leaves in the journal of what was deleted."""
    return {**access.before, "created": access.created.isoformat() if access.created else None}


def _age(access: Access) -> tuple[bool, float]:
    return access.created is None, access.created.timestamp() if access.created else 0.0
