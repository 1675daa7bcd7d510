"""Public keys of an app (JWKS): whoever holds the private one signs in. Only signing keys are deactivated.

OpenAPI: listJwk, deactivateOAuth2ClientJsonWebKey and their neighbours; Okta docs: guides/key-management; facts
okta-github.md 1.1 (the list comes wrapped), 1.2 and 1.4 (4, 19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from nhi_revoke.model.change import Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual, OpenDoor, Phase, Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import slots
from nhi_revoke_okta.access.app_credential import STATES, SURVIVES, Deactivate, Delete, Row, Shelf, facts_of
from nhi_revoke_okta.access.client_key_mint import KIND, SHELF, CreateKey
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.naming import APP
from nhi_revoke_okta.scopes import APPS

MOST = 50
"""Okta docs: guides/key-management."""
ENCRYPTION = "enc"
ELSEWHERE = "jwks-uri"
BY_HAND = (
    "activate another encryption key, which makes this one inactive: what Okta encrypts for this app can be read by "
    "whoever holds the private key"
)


class DeactivateKey(Deactivate):
    shelf: ClassVar[Shelf] = SHELF
    says: ClassVar[str] = "deactivates the public key"
    source: ClassVar[str] = "OpenAPI: deactivateOAuth2ClientJsonWebKey"

    def check(self, conn: OktaConnection, step: Step) -> Impossible | None:
        if step.before.get("use") == ENCRYPTION:
            return Impossible("Okta deactivates signing keys alone", BY_HAND)
        return None


class DeleteKey(Delete):
    shelf: ClassVar[Shelf] = SHELF
    says: ClassVar[str] = "deletes the public key"
    source: ClassVar[str] = "OpenAPI: deletejwk"


class ClientKeys(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "client keys (JWKS)"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (APPS.read,)
    remedies = (DeactivateKey(), DeleteKey())
    mint = CreateKey()
    manual: ClassVar[str] = "keys behind a jwks_uri: change it, or remove the key where that URL is served"
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        looks: list[Callable[[], Any]] = [lambda: _jwks_uri(conn, named.id), lambda: _listed(conn, named.id)]
        told, rows = io.map(_call, looks)
        for key, row in rows.items():
            yield self._key(ref, named.id, key, row)
        if told:
            yield Access(
                id=SHELF.access(named.id, ELSEWHERE), on=ref, kind=KIND, family=self.family, state="unknown",
                label=f"keys served at {told}", evidence="GET /api/v1/apps/… (jwks_uri)", door=told,
                before={"jwks_uri": told}, note="the key set is outside Okta: nobody here can list or end its keys",
            )  # fmt: skip

    def _key(self, ref: PrincipalRef, app: str, key: str, row: Row) -> Access:
        state = STATES.get(str(row["status"]), "unknown")
        encrypts = row.get("use") == ENCRYPTION
        notes = {
            "an encryption key: it signs nobody in": encrypts,
            "can be activated again by whoever manages apps": state == "disabled",
        }
        return Access(
            id=SHELF.access(app, key),
            on=ref,
            kind=KIND,
            family=self.family,
            state=state,
            label=f"{'encryption' if encrypts else 'client'} key {row.get('kid') or key}",
            created=moment(row.get("created")),
            evidence="GET /api/v1/apps/…/credentials/jwks",
            door=str(row.get("kid") or key),
            before={"status": str(row["status"]), **{m: str(row.get(m) or "") for m in ("kid", "use", "kty")}},
            opens=not encrypts,
            note="; ".join(text for text, holds in notes.items() if holds),
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if access.state not in ("live", "unknown") or not intent.covers(access):
                continue
            if _is_elsewhere(access):
                yield from self._elsewhere(view, intent, access)
            elif not access.opens:
                yield Manual(view.who.ref, KIND, f"{access.label}: {BY_HAND}", (access.id,))
            else:
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"deactivate {access.label} of app {view.who.name}",
                    breaks="whatever signs in to Okta with this key's private half",
                    before={**access.before, **facts_of(view)},
                )  # fmt: skip
        if slots.wanted(view, intent, KIND):
            yield from self._replacement(view, intent)

    def _elsewhere(self, view: View, intent: Intent, access: Access) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        where = access.before["jwks_uri"]
        why = (
            f"whoever holds a private key of the set served at {where} signs in; deleting keys in Okta changes nothing"
        )
        yield OpenDoor(view.who.ref, access.id, why, "--brake on")
        if intent.brake != "on":
            how = f"remove the leaked key where {where} is served, change the app's jwks_uri, or deactivate the app"
            yield Manual(view.who.ref, KIND, how, (access.id,))

    def _replacement(self, view: View, intent: Intent) -> Iterable[Draft]:
        on, mine = view.who.ref, view.of(KIND)
        keys = [a for a in mine if a.opens and not _is_elsewhere(a)]
        if slots.unlisted(view, KIND):
            yield Manual(on, KIND, "not replaced: the app's keys could not be listed")
            return
        if len(mine) > len(keys) and any(map(_is_elsewhere, mine)):
            yield Manual(on, KIND, "not replaced: the key set is outside Okta; add the new key where it is served")
            return
        if not any(intent.covers(a) for a in keys):
            return
        nameless = [a for a in mine if not a.before["kid"]]
        lock = f"{on}:keys"
        if nameless or len(mine) >= MOST:
            spare = slots.spare(nameless or keys, intent)
            if spare is None:
                yield Manual(on, KIND, _no_room(nameless))
                return
            yield draft_step(
                self, self.remedies[1], view, spare, phase=Phase.MINT, before=slots.evidence(spare), lock=lock,
                says=f"delete {spare.label}: the new one needs its place",
            )  # fmt: skip
        yield draft_step(
            self, self.mint, view, lock=lock, says=f"mint a new key pair for app {view.who.name}",
            before={"ids": [a.id for a in mine], "kty": _family(keys), **facts_of(view)},
        )  # fmt: skip


def _call(look: Callable[[], Any]) -> Any:
    return look()


def _jwks_uri(conn: OktaConnection, app: str) -> str:
    """Where the key set is served, without what may be secret in the URL; empty: in Okta."""
    settings = conn.get(f"/api/v1/apps/{segment(app)}", APPS.read).get("settings") or {}
    told = str((settings.get("oauthClient") or {}).get("jwks_uri") or "")
    parts = urlsplit(told)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if told else ""


def _listed(conn: OktaConnection, app: str) -> dict[str, Any]:
    try:
        return SHELF.listed(conn, app)
    except Missing:
        return {}


def _is_elsewhere(access: Access) -> bool:
    return "jwks_uri" in access.before


def _family(keys: Sequence[Access]) -> str:
    """Of the newest live one: a workload that signs with an elliptic curve gets the like."""
    live = [a for a in keys if a.state == "live" and a.created] or [a for a in keys if a.created]
    newest = max(live, key=lambda a: a.created.timestamp() if a.created else 0.0, default=None)
    return "EC" if newest is not None and newest.before["kty"] == "EC" else "RSA"


def _no_room(nameless: Sequence[Access]) -> str:
    if nameless:
        ids = " or ".join(f"--free-slot {a.id}" for a in nameless)
        return f"not replaced: Okta adds no key beside one without a kid; {ids} deletes that first"
    return f"not replaced: the app has {MOST} keys, the most that Okta keeps; --free-slot ID names one to delete first"
