"""Ways in that were added while a brake held the app: it is not released over one that nobody knew of.

facts entra.md 8 (26): an owner, or whoever may manage apps, adds a credential to an app that is disabled, too. Between
a run's last look and its release there are the minutes in which a new secret waits for the logs, and between a run and
a `release` there may be days.
"""

from __future__ import annotations

from collections import Counter

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.kind import View
from nhi_revoke_entra.access.certificate import Certificates
from nhi_revoke_entra.access.client_secret import ClientSecrets
from nhi_revoke_entra.access.credential import name_of
from nhi_revoke_entra.access.federated_credential import FederatedCredentials
from nhi_revoke_entra.access.stopping import FEDERATED, REMOVED, is_wanted
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import APP

KNOWN = "known"
"""In a brake's `before`: the ways in that its release may free, or that were removed before it."""
KINDS = (ClientSecrets(), Certificates(), FederatedCredentials())
UNKNOWN = (
    "{named} appeared since the plan was made, and would let somebody in: it stays off. `resume` removes it where this "
    "run makes a new one; else remove it by hand, or, where it is yours, take the brake off by hand"
)


def known_ways(view: View, intent: Intent) -> Json:
    """For a brake's `before`; nothing where a listing failed, so that nobody can tell what is new."""
    if view.who.kind != APP or any(b.kind in (*REMOVED, FEDERATED) and b.counts for b in view.blind):
        return {}
    # A trust that this run removes is unwelcome under whatever id it stands there again.
    trusts = (a for a in view.of(FEDERATED) if not is_wanted(a, intent))
    held = (a for kind in REMOVED for a in view.of(kind))
    return {KNOWN: sorted({_way(a) for a in (*held, *trusts)})}


def appeared(conn: EntraConnection, step: Step, run: Run, application: str = "") -> str:
    """Why the brake is not released; empty where nothing is new. `application`: object id, where its own ways in alone
    matter. Raises Denied: what cannot be looked at is not let in.
    """
    known = step.before.get(KNOWN)
    if not isinstance(known, list):
        return ""
    new = [a for a in _live(conn, step) if _way(a) not in known]
    mine = [a for a in new if a.before.get("display_name") in (name_of(run.id), f"CN={name_of(run.id)}")]
    # A run makes one of a kind: of two that bear its name one is somebody else's.
    made = Counter(a.kind for a in mine)
    others = [a for a in new if a not in mine or made[a.kind] > 1]
    named = [a.label for a in others if not application or a.before.get("object") == application]
    return UNKNOWN.format(named=", ".join(named)) if named else ""


def _live(conn: EntraConnection, step: Step) -> list[Access]:
    found = (each for kind in KINDS for each in kind.collect(conn, step.on, conn.io))
    return [a for a in found if isinstance(a, Access) and a.opens and a.state in ("live", "unknown")]


def _way(access: Access) -> str:
    """A trust by whom it lets in, since it has another id each time that it is written."""
    return f"{access.kind} {access.door}" if access.kind == FEDERATED else access.id
