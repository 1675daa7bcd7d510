"""Whether a user is disabled in this run, and what of it that holds. Pure."""

from __future__ import annotations

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.kind import View
from nhi_revoke_entra.access.stopping import is_wanted

USER_KIND = "entra:user"
PASSWORD, PASSES = "entra:user-password", "entra:temporary-access-pass"


def is_stopped(view: View, intent: Intent) -> bool:
    """`auto`: in every containment of everything. One from an on-premises directory is disabled there alone."""
    if intent.order != "contain" or not view.of(USER_KIND) or view.who.facts.get("synced"):
        return False
    return intent.brake == "on" or (intent.brake == "auto" and intent.scope == "all")


def held_of(view: View, intent: Intent) -> tuple[Access, ...]:
    """What the brake holds: replaced, or removed, only before it is released."""
    if not is_stopped(view, intent):
        return ()
    return tuple(a for kind in (PASSWORD, PASSES) for a in view.of(kind) if is_wanted(a, intent))
