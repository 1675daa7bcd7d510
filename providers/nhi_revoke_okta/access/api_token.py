"""API tokens (SSWS) that a user made: each does whatever its owner may, from anywhere, for as long as it is used.

Okta docs: create-an-api-token (it expires after 30 days without use; deactivating its owner deprovisions it; of
suspension nothing is said, so each is deleted by itself). OpenAPI: listApiTokens (active ones alone, never the value,
no parameters), revokeApiToken. `DELETE /api-tokens/current` would end the operator's own, and is never asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import user_role
from nhi_revoke_okta.access.times import stamp
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.scopes import TOKENS, USERS

KIND = "okta:api-token"
LIST = "GET /api/v1/api-tokens"
GONE: Json = {"status": "gone"}
API_CLIENT = "Okta API"
"""`clientName` of a token that a person made; agents' tokens name the agent."""


def token_id(step: Step) -> str:
    """Okta's own, of the token that a step ends."""
    return step.ends[0].rpartition("/")[2]


class Delete(Doer[OktaConnection]):
    """For good: the value was shown once, when it was made."""

    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (TOKENS.manage, TOKENS.read)
    says: ClassVar[str] = "revokes the API token"
    survives: ClassVar[str] = "whatever was changed or made with it"
    source: ClassVar[str] = "OpenAPI: revokeApiToken; Okta docs: create-an-api-token"
    reversible: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = (f"{user_role.KIND}/unassign",)
    only_first: ClassVar[bool] = True

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        try:
            conn.send("DELETE", f"/api/v1/api-tokens/{segment(token_id(step))}", TOKENS.manage)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        try:
            conn.get(f"/api/v1/api-tokens/{segment(token_id(step))}", TOKENS.read)
        except Missing:
            return GONE
        return None


class ApiTokens(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "API tokens (SSWS)"
    family: ClassVar[Family] = "secret"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (TOKENS.read, USERS.read)
    remedies = (Delete(),)
    survives: ClassVar[str] = Delete.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """The whole org's, since Okta takes no filter; whose each is, its row says."""
        user = conn.named(ref).id
        for row in conn.rows("/api/v1/api-tokens", TOKENS.read):
            if str(row.get("userId")) != user:
                continue
            expires, client = moment(row.get("expiresAt")), str(row.get("clientName") or "")
            notes = [
                f"expires {stamp(expires)}, unless it is used until then" if expires else "",
                f"of {client}: an agent's own token, perhaps" if client not in ("", API_CLIENT) else "",
            ]
            yield Access(
                id=f"{KIND}/{row['id']}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"API token {row.get('name') or row['id']}",
                created=moment(row.get("created")),
                evidence=LIST,
                door=str(row["id"]),
                before={"name": str(row.get("name") or ""), "client": client},
                note="; ".join(filter(None, notes)),
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if intent.covers(access):
                client = str(access.before["client"])
                agent = f"; {client}, which it was made for" if client not in ("", API_CLIENT) else ""
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"revoke {access.label}",
                    breaks=f"whatever calls Okta's API with it{agent}",
                )  # fmt: skip
