"""Domain-wide delegation: a Workspace lets the account act as its users. No interface tells whether one does.

facts gcp.md 1 (row 10): it stands in the Admin console alone, under the account's client id. It is a right of the
account and no way in by itself: whoever uses it signs as the account, which it cannot while it is disabled. So it is
unseen until then, never "none", and in every containment a look that somebody takes by hand. Google Workspace docs:
Control API access with domain-wide delegation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_gcp.access.behind import behind, unseen
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.permissions import GET_ACCOUNT

KIND = "gcp:domain-wide-delegation"
WHERE = "Admin console of the Workspace, Security, Access and data control, API controls, Manage Domain Wide Delegation"

DISABLED = (
    "the account is disabled, and signs no more; tokens that it had for users before may live for up to an hour, and "
    "that a disabled account ends them is documented nowhere"
)


class Delegations(AccessKind[GcpConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "domain-wide delegation"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_ACCOUNT,)
    manual: ClassVar[str] = f"No interface tells it: look for the account's client id in the {WHERE}."
    survives: ClassVar[str] = "tokens that it had for users of a Workspace, for their time"

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        if not named.agent and conn.settings.domain_wide_delegation == "unknown":
            client = named.client_id or named.unique_id
            what = (
                f"whether it may act as users of a Workspace: no interface tells; look for client id {client} ({WHERE})"
            )
            yield from behind(conn, named, [unseen(ref, KIND, what)], DISABLED)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """By hand, wherever a containment means all that the account can do."""
        if intent.order != "contain" or intent.scope != "all" or not any(b.kind == KIND for b in view.blind):
            return
        client = view.who.facts.get("client_id") or view.who.unique_id
        what = (
            f"unseen: whether {view.who.name} may act as users of a Workspace (domain-wide delegation). Look for "
            f"client id {client} ({WHERE}), and delete what stands there: tokens that it had as them may live for up "
            'to an hour. Where nothing does, domain_wide_delegation = "none" in [gcp] of nhi.toml says so from then on'
        )
        yield Manual(view.who.ref, KIND, what)
