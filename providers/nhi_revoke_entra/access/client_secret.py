"""Client secrets of an app: on its application, and on its service principal, where few look.

facts entra.md 1 (rows 1 and 4), 8 (1, 29): both lists are read; the value is never told, `hint` is its first three
characters and is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.client_secret_end import RemoveSecret, RetireSecret
from nhi_revoke_entra.access.client_secret_mint import LASTS, AddPassword
from nhi_revoke_entra.access.credential import (
    ABROAD,
    BRAKED,
    SURVIVES,
    access_id,
    before_of,
    key_id,
    note_of,
    state_of,
)
from nhi_revoke_entra.access.credential_use import unread, with_last_use
from nhi_revoke_entra.access.limited import unlooked
from nhi_revoke_entra.access.places import Place, read_all
from nhi_revoke_entra.access.replacement import replacement
from nhi_revoke_entra.access.stopping import (
    SECRET,
    brake_of,
    elsewhere,
    is_wanted,
    removal_of,
)
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.named import SERVICE_PRINCIPALS
from nhi_revoke_entra.naming import APP
from nhi_revoke_entra.permissions import READ_APPS, READ_LOGS, READ_POLICIES
from nhi_revoke_entra.policies import limits_of

KIND = SECRET
OF_SSO = "of a signing key of single sign-on: taken for no client credential, and kept"


class ClientSecrets(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "client secrets"
    family: ClassVar[Family] = "secret"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS, READ_POLICIES)
    reads_logs: ClassVar[tuple[str, ...]] = (READ_LOGS,)
    remedies = (RemoveSecret(), RetireSecret())
    mint = AddPassword()
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        objects = list(read_all(conn, conn.named(ref)))
        yield from unlooked(conn, ref, KIND, objects)
        audience = next((str(row["signInAudience"]) for _, row in objects if row.get("signInAudience")), "")
        for place, row in objects:
            signing = _signing(place, row)
            for secret in row.get("passwordCredentials") or ():
                key = key_id(secret)
                label = str(secret.get("displayName") or key)
                sso = key in signing
                yield Access(
                    id=access_id(KIND, place, key),
                    on=ref,
                    kind=KIND,
                    family=self.family,
                    state=state_of(secret, conn.now()),
                    label=f"client secret {label} on {place.word}",
                    created=moment(secret.get("startDateTime")),
                    expires=moment(secret.get("endDateTime")),
                    evidence=f"GET /{place.collection}/…",
                    door=key,
                    before=before_of(place, secret),
                    opens=not sso,
                    elsewhere=elsewhere(audience, place.collection),
                    note=OF_SSO if sso else note_of(secret, place, conn.now(), audience),
                )

    def enrich(self, conn: EntraConnection, found: Sequence[Access], io: Io) -> Iterable[Access]:
        return with_last_use(conn, found)

    def observe(
        self, conn: EntraConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        """Nothing but what the report of last uses, of all three sorts of credential, could not tell."""
        return unread(conn, who, KIND)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        remove, retire = self.remedies
        braked = brake_of(view, intent).on
        for access in view.of(KIND):
            how = removal_of(view, intent, access) if is_wanted(access, intent) else ""
            if how:
                doer, phase = (remove, Phase.END) if how == "remove" else (retire, Phase.MINT)
                yield draft_step(
                    self, doer, view, access, phase=phase,
                    says=f"remove {access.label} of {view.who.name}",
                    breaks="whatever signs in with this secret",
                    before={**access.before, BRAKED: braked, ABROAD: access.elsewhere},
                )  # fmt: skip
        limited = limits_of(view.who)
        yield from replacement(
            self, view, intent, lock=f"{view.who.ref}:secrets", wanted=LASTS, at_most=limited.secret,
            doubtful=limited.no_secrets if limited.exempts else "",
        )  # fmt: skip
        kept = [a for a in view.of(KIND) if a.note == OF_SSO and a.state == "live"]
        if kept and intent.order == "contain":
            named = ", ".join(a.label for a in kept)
            said = f"{named}: taken for the password of single sign-on's signing key and kept. Where it is not, whoever"
            yield Notice(view.who.ref, f"{said} knows it signs in: look who added it, and remove it by hand", "warning")


def _signing(place: Place, row: Mapping[str, Any]) -> set[str]:
    """Ids of keys that Entra signs single sign-on with: a password of the same id belongs to one (facts entra.md 1, row
    6). They stand on the service principal. A key of another use may be given the id of anybody's secret.
    """
    if place.collection != SERVICE_PRINCIPALS:
        return set()
    return {key_id(k) for k in row.get("keyCredentials") or () if str(k.get("usage")) == "Sign"}
