"""Tokens that an AI agent got: nothing that is known here lists or ends them. An experiment: third-party notes, never
tried.

Okta docs: guides/ai-agent-token-exchange (an access token of a custom server), manage-user-creds (at most 24 hours
there). What it was given by others (a vaulted secret, another vendor's token) is told by `ai_agent_link`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Residual, Step
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_okta.access.times import later
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.naming import AI_AGENT
from nhi_revoke_okta.scopes import AGENTS

KIND = "okta:ai-agent-token"
STANDING = f"{KIND}/{{scope}}/AGENT/*"
"""By its id: whether names are unique, nobody tells."""
LIFE = timedelta(hours=24)
TOKENS = "tokens"
"""In `before` of each step that ends what mints tokens: their standing access."""
WHY = "access tokens that it has, up to 24 hours at a custom server: no way to end them is known here"


def standing(view: View) -> Json:
    """For a step's `before`. Pure."""
    return {TOKENS: next((a.id for a in view.of(KIND)), "")}


def ends(conn: OktaConnection, step: Step) -> Json:
    """For what a step leaves: when a token has ended that was minted until now. Asks nothing."""
    access = str(step.before.get(TOKENS) or "")
    return {"residuals": {access: later(conn.now(), LIFE)}} if access else {}


class AgentTokens(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "access tokens of an AI agent (experimental)"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (AI_AGENT,)
    reads: ClassVar[tuple[str, ...]] = (AGENTS.read,)
    survives: ClassVar[str] = WHY

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        unique = STANDING.replace("AGENT", conn.named(ref).id)
        yield Access(
            unique, ref, KIND, self.family, "unknown", label="every access token of {name}",
            evidence="none: Okta lists no access tokens", door="{name}", note=WHY,
        )  # fmt: skip

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step: those that end the credentials tell until when."""
        for access in view.of(KIND):
            yield Residual(view.who.ref, access.id, view.inventory.at + LIFE, WHY, "Okta docs: manage-user-creds")
