"""Owners of an app's two objects: each of them can add a credential, and enable again what was disabled.

facts entra.md 1 (row 7), 8 (26); Microsoft docs: deactivate-application-portal ("remove all owners before
deactivating").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.credential import NEEDED, SETTLE, place_of
from nhi_revoke_entra.access.places import Place, places_of
from nhi_revoke_entra.access.stopping import is_wanted
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import AGENT, APP, USER, canonical
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS

KIND = "entra:owner"
GONE: Json = {"owner": False}
THERE: Json = {"owner": True}
TYPES = {"#microsoft.graph.user": "user", "#microsoft.graph.servicePrincipal": "service principal"}


def owners_of(conn: EntraConnection, place: Place) -> list[dict[str, Any]]:
    """Raises Denied; none where the object is gone."""
    try:
        return list(conn.rows(f"{place.path}/owners", READ_APPS))
    except Missing:
        return []


class Remove(Doer[EntraConnection]):
    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "removes the owner"
    undone: ClassVar[str] = "the same user or service principal is made an owner again"
    survives: ClassVar[str] = "what the owner added before, and directory roles by which the same may be done"
    source: ClassVar[str] = "Microsoft docs: application-delete-owners, serviceprincipal-delete-owners"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        place, owner = place_of(step.before), str(step.before["owner"])
        try:
            conn.send("DELETE", f"{place.path}/owners/{owner}/$ref", WRITE_APPS)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        return None if self._owns(conn, step) else GONE

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        if self._owns(conn, step):
            return Already(THERE)
        if left != GONE:
            return Failed("this run did not remove the owner: nothing was changed")
        body = {"@odata.id": conn.object_url(str(step.before["owner"]))}
        try:
            conn.send("POST", f"{place_of(step.before).path}/owners/$ref", WRITE_APPS, body, again=True)
        except Rejected:
            if not self._owns(conn, step):
                raise
        return Done(THERE, conn.now())

    def _owns(self, conn: EntraConnection, step: Step) -> bool:
        owners = owners_of(conn, place_of(step.before))
        return str(step.before["owner"]) in {str(row.get("id")) for row in owners}


class Owners(AccessKind[EntraConnection]):
    """Removed in a containment; whoever is a rightful owner is put back by `undo`."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "owners"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS,)
    remedies = (Remove(),)
    survives: ClassVar[str] = Remove.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        places = places_of(conn.named(ref))
        listed: Sequence[list[dict[str, Any]]] = io.map(lambda place: owners_of(conn, place), places)
        for place, rows in zip(places, listed, strict=True):
            for row in rows:
                yield self._access(ref, place, row)

    def _access(self, ref: PrincipalRef, place: Place, row: Mapping[str, Any]) -> Access:
        owner, kind = str(row["id"]), TYPES.get(str(row.get("@odata.type")), "object")
        name = str(row.get("userPrincipalName") or row.get("displayName") or owner)
        app = str(row.get("appId") or "").lower()
        return Access(
            id=f"{KIND}/{place.id}/{owner}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"{kind} {name}, an owner of {place.word}",
            evidence=f"GET /{place.collection}/…/owners",
            door=f"{place.collection} {owner}",
            before={"place": place.collection, "object": place.id, "owner": owner, "name": name, "app_id": app},
            elsewhere=True,
            note="can add credentials, and enable what was disabled",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if not is_wanted(access, intent):
                continue
            app, me = str(access.before["app_id"]), view.inventory.operator
            if (app and canonical(APP, app) in me) or canonical(USER, str(access.before["owner"])) in me:
                yield Notice(view.who.ref, f"{access.label}: it is you, and stays", "info")
                continue
            yield draft_step(
                self, self.remedies[0], view, access, rearms="always",
                says=f"remove {access.label} of {view.who.name}",
                breaks=f"whatever {access.before['name']} does as its owner",
            )  # fmt: skip
