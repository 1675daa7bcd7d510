"""Access tokens that an API service integration minted: nothing lists or ends them; they end by themselves.

Okta docs: guides/build-api-integration (the org server alone, client credentials); manage-user-creds (60 minutes there,
fixed). OAuth API, revoke: a client ends its own tokens alone, with the token and its own secret (facts 1.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Residual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_okta.access.times import later
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.lifetimes import ORG_MINUTES
from nhi_revoke_okta.naming import API_SERVICE
from nhi_revoke_okta.scopes import SERVICES

KIND = "okta:api-service-token"
STANDING = f"{KIND}/{{scope}}/SERVICE/*"
"""By its id: an integration that is installed twice has one name."""
LIFE = timedelta(minutes=ORG_MINUTES)
WHY = (
    "an access token of the org server does what its scopes allow for 60 minutes: only its own client can end it, and "
    "only by its value"
)


def last_end(now: datetime) -> str:
    """When a token has ended that was minted this moment: `…Z`."""
    return later(now, LIFE)


class ApiServiceTokens(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "access tokens of an API service integration"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (API_SERVICE,)
    reads: ClassVar[tuple[str, ...]] = (SERVICES.read,)
    survives: ClassVar[str] = WHY

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        unique = STANDING.replace("SERVICE", conn.named(ref).id)
        yield Access(
            unique, ref, KIND, self.family, "unknown", label="every access token of {name}",
            evidence="none: Okta lists no access tokens", door="{name}", note=WHY,
        )  # fmt: skip

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step: those that end the secrets tell until when."""
        for standing in view.of(KIND):
            yield Residual(view.who.ref, standing.id, view.inventory.at + LIFE, WHY, "Okta docs: manage-user-creds")
