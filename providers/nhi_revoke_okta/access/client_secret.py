"""Client secrets of an app. Two at most; Okta does not deactivate the only one; the list shows their values in clear.

OpenAPI: deactivateOAuth2ClientSecret, createOAuth2ClientSecret; facts okta-github.md 1.2 and 1.4 (2, 3, 4, 13, 25).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import slots
from nhi_revoke_okta.access.app_credential import STATES, SURVIVES, facts_of
from nhi_revoke_okta.access.client_secret_end import KIND, SHELF, SLOTS, DeactivateSecret, DeleteSecret, Replace
from nhi_revoke_okta.access.client_secret_mint import CreateSecret
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.naming import APP
from nhi_revoke_okta.scopes import APPS

WITH_SECRETS = frozenset({"", "client_secret_basic", "client_secret_post", "client_secret_jwt"})
"""Client authentication methods of an app whose secrets are touched; empty: Okta did not tell."""
BETTER = "an app that signs in by private_key_jwt has no secret that anybody could read (its secrets are deleted then)"


class ClientSecrets(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "client secrets"
    family: ClassVar[Family] = "secret"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (APPS.read,)
    remedies = (DeactivateSecret(), Replace(), DeleteSecret())
    mint = CreateSecret()
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        for secret, row in SHELF.listed(conn, named.id).items():
            state = STATES.get(str(row["status"]), "unknown")
            yield Access(
                id=SHELF.access(named.id, secret),
                on=ref,
                kind=KIND,
                family=self.family,
                state=state,
                label=f"client secret {secret}",
                created=moment(row.get("created")),
                evidence="GET /api/v1/apps/…/credentials/secrets",
                door=named.client_id,
                before={"status": str(row["status"])},
                note="can be activated again by whoever manages apps" if state == "disabled" else "",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        secrets = view.of(KIND)
        live = [a for a in secrets if a.state in ("live", "unknown") and intent.covers(a)]
        method = str(view.who.facts.get("auth_method") or "")
        if live and method not in WITH_SECRETS:
            why = f"its client authentication is {method}, which uses no secret, and Okta lists one: delete it by hand"
            yield Manual(view.who.ref, KIND, why, tuple(a.id for a in live))
            return
        new = list(self._replacement(view, intent, secrets))
        minted = any(getattr(d, "does", "") == f"{KIND}/{CreateSecret.name}" for d in new)
        # In a rollover the new secret stands beside the old one by then.
        only = len(secrets) == 1 and not (intent.order == "rollover" and minted)
        for access in live:
            yield from self._end(view, access, only=only)
        yield from new

    def _end(self, view: View, access: Access, *, only: bool) -> Iterable[Draft]:
        first, replace, _ = self.remedies
        says = f"deactivate {access.label} of app {view.who.name}"
        if only:
            says += ": the only secret cannot be deactivated: a throw-away one, never active, is put beside it first"
            yield Notice(view.who.ref, f"another way out for an only secret: {BETTER}", "info")
        yield draft_step(
            self, replace if only else first, view, access, says=says, rearms="always",
            breaks="whatever signs in to Okta with this secret",
            before={**access.before, **facts_of(view), "ids": [a.id for a in view.of(KIND)]},
        )  # fmt: skip

    def _replacement(self, view: View, intent: Intent, secrets: Sequence[Access]) -> Iterable[Draft]:
        if not slots.wanted(view, intent, KIND):
            return
        if slots.unlisted(view, KIND):
            yield Manual(view.who.ref, KIND, "not replaced: the secrets could not be listed, so both slots may be full")
            return
        if not any(intent.covers(a) for a in secrets):
            return
        lock = f"{view.who.ref}:secrets"
        if len(secrets) >= SLOTS:
            spare = slots.spare(secrets, intent)
            if spare is None:
                ids = " or ".join(f"--free-slot {a.id}" for a in secrets)
                why = f"not replaced: both slots are full; {ids} names the secret to delete first"
                yield Manual(view.who.ref, KIND, why)
                return
            yield draft_step(
                self, self.remedies[2], view, spare, phase=Phase.MINT, before=slots.evidence(spare), lock=lock,
                says=f"delete {spare.label}: the new one needs its slot",
            )  # fmt: skip
        yield draft_step(
            self, self.mint, view, lock=lock, says=f"mint a new client secret for app {view.who.name}",
            before={"ids": [a.id for a in secrets], **facts_of(view)},
        )  # fmt: skip
        yield Notice(
            view.who.ref,
            "as long as it exists, the new secret can be read in clear text by every live token with okta.apps.read: "
            f"mint it only after such tokens in the intruder's hands have passed; {BETTER}",
        )  # fmt: skip
