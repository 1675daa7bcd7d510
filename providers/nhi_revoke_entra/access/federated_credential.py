"""Federated credentials: whoever gets a token of the named issuer and subject signs in as the app. No secret is needed.

facts entra.md 1 (row 3), 0 (7) and 8 (2): they are a list of their own, which clearing secrets and certificates leaves
as it is. A flexible one names its subjects by an expression, which only the beta shows. What was removed can be written
again: nothing in it is secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.credential import ABROAD, BRAKED, GONE, NEEDED, SURVIVES, key_of
from nhi_revoke_entra.access.credential_use import with_last_use
from nhi_revoke_entra.access.removal import residuals
from nhi_revoke_entra.access.right_removal import RightRemoval
from nhi_revoke_entra.access.stopping import FEDERATED, brake_of, elsewhere, is_wanted
from nhi_revoke_entra.connection import BETA, V1, EntraConnection
from nhi_revoke_entra.named import APPLICATIONS
from nhi_revoke_entra.naming import APP
from nhi_revoke_entra.permissions import READ_APPS, READ_LOGS, WRITE_APPS

KIND = FEDERATED
THERE: Json = {"state": "there"}
EXPRESSION = "claimsMatchingExpression"
SUBJECT = re.compile(r"claims\['sub'\]\s+(?:eq|matches)\s+'([^']*)'", re.IGNORECASE)
"""What an expression says of the subject, where `*` is any text and `?` one character (Microsoft docs: workload-
identities-flexible-federated-identity-credentials)."""
WRITTEN = ("name", "issuer", "subject", "audiences", "description", EXPRESSION)
"""Members that it is written again with."""


def expression_of(row: Mapping[str, Any]) -> str:
    """Empty where it was not shown, or names a subject instead."""
    return str((row.get(EXPRESSION) or {}).get("value") or "")


def lets_in(row: Mapping[str, Any]) -> tuple[str, ...]:
    """`issuer/subject` of whom it lets in, as globs. Whatever else an expression asks for counts as met; one that was
    not shown, or says nothing of the subject, lets in everybody of the issuer.
    """
    issuer = str(row.get("issuer") or "").removeprefix("https://").rstrip("/")
    subject = str(row.get("subject") or "")
    subjects = [subject] if subject else SUBJECT.findall(expression_of(row)) or ["*"]
    return tuple(f"{issuer}/{each}" for each in subjects)


def _path(application: str, credential: str = "") -> str:
    path = f"/{APPLICATIONS}/{segment(application)}/federatedIdentityCredentials"
    return f"{path}/{segment(credential)}" if credential else path


def credentials_of(conn: EntraConnection, application: str) -> list[dict[str, Any]]:
    """Raises Denied; none where the application is gone."""
    try:
        return list(conn.rows(_path(application), READ_APPS))
    except Missing:
        return []


def _same(row: dict[str, Any], before: Json) -> bool:
    """The same trust, whatever its id: written again it has another one. Of a flexible one the name tells."""
    compared = ("issuer", "subject") if before.get("subject") else ("issuer", "name")
    return all((row.get(name) or None) == (before.get(name) or None) for name in compared)


class Remove(RightRemoval):
    """At once: its trust can be written again. Itself is meant, and the same trust written again."""

    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "removes the federated credential"
    undone: ClassVar[str] = "the same issuer and subject are trusted again"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "Microsoft docs: federatedidentitycredential-delete"
    gone: ClassVar[Json] = GONE
    there: ClassVar[Json] = THERE
    kept: ClassVar[str] = "this run did not remove the federated credential"

    def held(self, conn: EntraConnection, step: Step) -> Sequence[str]:
        rows, mine = credentials_of(conn, str(step.before["object"])), key_of(step.ends[0])
        return [str(row["id"]) for row in rows if str(row["id"]).lower() == mine or _same(row, step.before)]

    def delete(self, conn: EntraConnection, step: Step, its_id: str) -> None:
        conn.send("DELETE", _path(str(step.before["object"]), its_id), WRITE_APPS)

    def give(self, conn: EntraConnection, step: Step) -> None:
        body = {name: step.before[name] for name in WRITTEN if step.before.get(name)}
        version = BETA if EXPRESSION in body else V1
        conn.send("POST", _path(str(step.before["object"])), WRITE_APPS, body, again=False, version=version)

    def left(self, conn: EntraConnection, step: Step) -> Json:
        return {**GONE, "residuals": residuals(conn, step)}


class FederatedCredentials(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "federated credentials"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS,)
    reads_logs: ClassVar[tuple[str, ...]] = (READ_LOGS,)
    remedies = (Remove(),)
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        application = conn.named(ref).application
        if not application:
            return
        rows = credentials_of(conn, application)
        if any(not row.get("subject") for row in rows):
            try:
                rows = list(conn.rows(_path(application), READ_APPS, version=BETA))
            except Fault as fault:
                why = f"the expressions of flexible federated credentials: could not be read ({fault.message})"
                yield BlindSpot(ref, KIND, why, READ_APPS, counts=False)
        for row in rows:
            yield self._access(ref, application, row)

    def _access(self, ref: PrincipalRef, application: str, row: dict[str, Any]) -> Access:
        issuer, subject = str(row.get("issuer") or ""), str(row.get("subject") or "")
        expression = expression_of(row)
        who = subject or expression or "whom an expression names that was not shown"
        kept = {name: row[name] for name in WRITTEN if row.get(name)}
        return Access(
            id=f"{KIND}/{application}/{str(row['id']).lower()}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"federated credential {row.get('name') or row['id']}: {who} of {issuer}",
            evidence="GET /applications/…/federatedIdentityCredentials",
            door=f"{issuer} {subject or expression}",
            before={"object": application, **kept},
            lets_in=lets_in(row),
            note="" if subject else "flexible: it lets in every subject that its expression matches",
        )

    def enrich(self, conn: EntraConnection, found: Sequence[Access], io: Io) -> Iterable[Access]:
        return with_last_use(conn, found)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """A rotation leaves them: it replaces secrets, and whoever signs in without one goes on."""
        if intent.order != "contain":
            return
        braked = brake_of(view, intent).on
        abroad = elsewhere(str(view.who.facts.get("audience") or ""), APPLICATIONS)
        for access in view.of(KIND):
            if is_wanted(access, intent):
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"remove {access.label}" + (" (it works in other tenants, too)" if abroad else ""),
                    breaks="whatever signs in with tokens of that issuer",
                    before={**access.before, BRAKED: braked, ABROAD: abroad},
                )  # fmt: skip
