"""Tokens that an app minted for its installations (`ghs_…`): nothing lists them, and each lives for an hour.

OpenAPI: DELETE /installation/token (authenticated by that very token: nobody ends another's). GitHub docs: token
expiration (one hour). Whether a suspension ends those minted before is documented nowhere (facts okta-github.md 5):
they count as living until their hour is over.
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
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP

KIND = "github:installation-token"
STANDING = f"{KIND}/{{scope}}/{{name}}/*"
LIVES = timedelta(hours=1)
SOURCE = "GitHub docs: token-expiration-and-revocation"
WHY = (
    "an installation's token lives for an hour, and only itself can end it sooner; whether a suspension or a removal "
    "ends those minted before is documented nowhere"
)


def until_of(minted: datetime) -> datetime:
    """When the last token minted by then is over."""
    return minted + LIVES


class InstallationTokens(AccessKind[GithubConnection]):
    """No remedy: a suspension stops new ones, and tells until when the old ones last."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "tokens of an app's installations"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = ()
    survives: ClassVar[str] = WHY
    manual: ClassVar[str] = "whoever holds one ends it with itself: DELETE /installation/token"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        yield Access(
            id=STANDING,
            on=ref,
            kind=KIND,
            family=self.family,
            state="unknown",
            label="every token of the installations of {name}",
            evidence="none: GitHub lists no installation tokens",
            door="{name}",
            elsewhere=True,
            note="they live for an hour each",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step."""
        for access in view.of(KIND):
            yield Residual(view.who.ref, access.id, until_of(view.inventory.at), WHY, SOURCE)
