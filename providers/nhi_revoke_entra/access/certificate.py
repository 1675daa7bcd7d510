"""Certificates of an app: whoever holds the private key signs in. On both of its objects.

facts entra.md 1 (rows 2, 4, 6) and 8 (3, 32): a key of usage Sign is Entra's own, for single sign-on; its public pair,
of usage Verify, has the same thumbprint. Graph tells thumbprints in hex, though its schema says binary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.certificate_end import RemoveCertificate, RetireCertificate
from nhi_revoke_entra.access.certificate_mint import LASTS, AddCertificate
from nhi_revoke_entra.access.credential import (
    ABROAD,
    BRAKED,
    SURVIVES,
    access_id,
    before_of,
    key_id,
    note_of,
    state_of,
    thumbprint,
)
from nhi_revoke_entra.access.credential_use import with_last_use
from nhi_revoke_entra.access.key_list import lock_of
from nhi_revoke_entra.access.places import read_all
from nhi_revoke_entra.access.replacement import replacement
from nhi_revoke_entra.access.stopping import CERTIFICATE, brake_of, elsewhere, is_wanted, removal_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import APP
from nhi_revoke_entra.permissions import READ_APPS, READ_LOGS, READ_POLICIES
from nhi_revoke_entra.policies import limits_of

KIND = CERTIFICATE
VERIFY = "Verify"
PAIR = "the public half of a key that Entra signs single sign-on with: it is kept, and signs nobody in"


class Certificates(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "certificates"
    family: ClassVar[Family] = "certificate"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS, READ_POLICIES)
    reads_logs: ClassVar[tuple[str, ...]] = (READ_LOGS,)
    remedies = (RemoveCertificate(), RetireCertificate())
    mint = AddCertificate()
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        objects = list(read_all(conn, conn.named(ref)))
        audience = next((str(row["signInAudience"]) for _, row in objects if row.get("signInAudience")), "")
        for place, row in objects:
            keys = row.get("keyCredentials") or ()
            signing = {thumbprint(k.get("customKeyIdentifier")) for k in keys if str(k.get("usage")) == "Sign"}
            signing |= {str(row.get("preferredTokenSigningKeyThumbprint") or "").upper()}
            for key in keys:
                purpose = _purpose(key, signing - {""})
                mark = thumbprint(key.get("customKeyIdentifier"))
                yield Access(
                    id=access_id(KIND, place, key_id(key)),
                    on=ref,
                    kind=KIND,
                    family=self.family,
                    state=state_of(key, conn.now()),
                    label=f"{_word(key)} {key.get('displayName') or mark or key_id(key)} on {place.word}",
                    created=moment(key.get("startDateTime")),
                    expires=moment(key.get("endDateTime")),
                    evidence=f"GET /{place.collection}/…",
                    door=mark or key_id(key),
                    before={**before_of(place, key), "usage": str(key.get("usage") or ""), "thumbprint": mark},
                    opens=not purpose,
                    elsewhere=elsewhere(audience, place.collection),
                    note=purpose or note_of(key, place, conn.now(), audience),
                )

    def enrich(self, conn: EntraConnection, found: Sequence[Access], io: Io) -> Iterable[Access]:
        return with_last_use(conn, found)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        remove, retire = self.remedies
        braked = brake_of(view, intent).on
        for access in view.of(KIND):
            how = removal_of(view, intent, access) if is_wanted(access, intent) else ""
            if how:
                doer, phase = (remove, Phase.END) if how == "remove" else (retire, Phase.MINT)
                yield draft_step(
                    self, doer, view, access, phase=phase, lock=lock_of(str(access.before["object"])),
                    says=f"remove {access.label} of {view.who.name}",
                    breaks="whatever signs in with its private key",
                    before={**access.before, BRAKED: braked, ABROAD: access.elsewhere},
                )  # fmt: skip
        limited, application = limits_of(view.who), str(view.who.facts.get("application") or "")
        yield from replacement(
            self, view, intent, lock=lock_of(application), wanted=LASTS, at_most=limited.certificate,
            doubtful=limited.unknown,
        )  # fmt: skip
        pairs = [a for a in view.of(KIND) if a.note == PAIR and a.state == "live"]
        if pairs and intent.order == "contain":
            named = ", ".join(a.label for a in pairs)
            said = f"{named}: taken for single sign-on's and kept. Where somebody uploaded it, its private key signs in"
            yield Notice(view.who.ref, f"{said}: compare its thumbprint, and remove it by hand", "warning")


def _purpose(key: Mapping[str, Any], signing: set[str]) -> str:
    """What it is for, where that is no sign-in; else empty."""
    usage = str(key.get("usage") or "")
    if usage == "Sign":
        return "a key that Entra signs single sign-on with: it is no client credential, and is kept"
    if usage != VERIFY:
        return f"a key of usage {usage or 'unknown'}: it is no client credential, and is kept"
    return PAIR if thumbprint(key.get("customKeyIdentifier")) in signing else ""


def _word(key: Mapping[str, Any]) -> str:
    return "symmetric key" if str(key.get("type")) == "Symmetric" else "certificate"
