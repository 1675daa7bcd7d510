"""Federated credentials of a user-assigned managed identity: kept by Azure, and shown by nothing of Microsoft Graph.

facts entra.md 1 (row 5). Azure docs: federated-identity-credentials. What was removed can be written again: nothing in
it is secret. It is the one way in to a managed identity that is nobody's resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import later
from nhi_revoke_entra.access.federated_credential import expression_of, lets_in
from nhi_revoke_entra.access.right_removal import RightRemoval
from nhi_revoke_entra.access.stopping import is_wanted
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.identities import TRUSTS, trusts_of
from nhi_revoke_entra.lifetimes import MANAGED_LIVES, TOKEN, standing
from nhi_revoke_entra.naming import APP
from nhi_revoke_entra.permissions import (
    READ_IDENTITY_TRUSTS,
    REMOVE_IDENTITY_TRUSTS,
    WRITE_IDENTITY_TRUSTS,
)

KIND = "entra:managed-trust"
GONE: Json = {"state": "gone"}
THERE: Json = {"state": "there"}
EXPRESSION = "claimsMatchingExpression"
WRITTEN = ("issuer", "subject", "audiences", EXPRESSION)
SURVIVES = "access tokens minted through it: up to 24 hours, as for every token of a managed identity"


def _same(row: dict[str, Any], before: Json) -> bool:
    """The same trust, whatever its name."""
    return all((row.get(name) or None) == (before.get(name) or None) for name in ("issuer", "subject", EXPRESSION))


class Remove(RightRemoval):
    """At once: it can be written again. Itself is meant, and the same trust under another name."""

    permissions: ClassVar[tuple[str, ...]] = (REMOVE_IDENTITY_TRUSTS, WRITE_IDENTITY_TRUSTS, READ_IDENTITY_TRUSTS)
    says: ClassVar[str] = "removes the federated credential from the managed identity"
    undone: ClassVar[str] = "the same issuer and subject are trusted again, under the same name"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "Azure docs: federated-identity-credentials/delete"
    gone: ClassVar[Json] = GONE
    there: ClassVar[Json] = THERE
    kept: ClassVar[str] = "this run did not remove the federated credential"

    def held(self, conn: EntraConnection, step: Step) -> Sequence[str]:
        rows, name = trusts_of(conn, str(step.before["identity"])), str(step.before["name"]).lower()
        return [str(row["name"]) for row in rows if str(row["name"]).lower() == name or _same(row, step.before)]

    def delete(self, conn: EntraConnection, step: Step, its_id: str) -> None:
        path = f"{step.before['identity']}/{TRUSTS}/{segment(its_id)}"
        conn.azure.send("DELETE", path, REMOVE_IDENTITY_TRUSTS)

    def give(self, conn: EntraConnection, step: Step) -> None:
        path = f"{step.before['identity']}/{TRUSTS}/{segment(str(step.before['name']))}"
        told = {name: step.before[name] for name in WRITTEN if step.before.get(name)}
        conn.azure.send("PUT", path, WRITE_IDENTITY_TRUSTS, {"properties": told})

    def left(self, conn: EntraConnection, step: Step) -> Json:
        token = standing(TOKEN, conn.scope, step.on.id)
        return {**GONE, "residuals": {token: later(conn.now(), MANAGED_LIVES)}}


class ManagedTrusts(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "federated credentials of a managed identity"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (READ_IDENTITY_TRUSTS,)
    remedies = (Remove(),)
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        for row in trusts_of(conn, named.resource) if named.resource else ():
            name, issuer = str(row["name"]), str(row.get("issuer") or "")
            who = str(row.get("subject") or "") or expression_of(row) or "whom an expression names that was not shown"
            yield Access(
                id=f"{KIND}/{named.service_principal}/{name.lower()}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"federated credential {name} of the managed identity: {who} of {issuer}",
                evidence=f"GET …/userAssignedIdentities/…/{TRUSTS}",
                door=f"{issuer} {who}",
                before={"identity": named.resource, "name": name, **{k: row[k] for k in WRITTEN if row.get(k)}},
                lets_in=lets_in(row),
                note="kept by Azure: no list of the app's own credentials shows it",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if is_wanted(access, intent):
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always", says=f"remove {access.label}",
                    breaks="whatever signs in with tokens of that issuer",
                )  # fmt: skip
