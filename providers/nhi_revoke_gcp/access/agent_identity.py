"""What an agent identity has: nothing of it is looked at yet, which is told as such (facts gcp.md 1, row 13)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_gcp.agent_identity import KIND as ON
from nhi_revoke_gcp.agent_identity import UNTOUCHABLE
from nhi_revoke_gcp.connection import GcpConnection

KIND = "gcp:agent-identity"
UNSEEN = (
    "whether this agent exists, its auth providers, the authorizations that users gave it, and its tokens: this "
    "version does not ask agentidentity.googleapis.com"
)


class AgentIdentities(AccessKind[GcpConnection]):
    """By hand, for now."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "an agent identity: its auth providers and authorizations"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = ()
    manual: ClassVar[str] = UNTOUCHABLE
    survives: ClassVar[str] = "all of it: nothing is ended"

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        yield BlindSpot(ref, KIND, UNSEEN)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step."""
        return ()
