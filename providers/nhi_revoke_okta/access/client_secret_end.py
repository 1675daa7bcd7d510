"""How client secrets are ended: deactivated; the only one after a throw-away was put beside it; deleted at the end.

OpenAPI: "You can't deactivate a secret if it's the only secret of the client"; two at most; only inactive ones are
deleted. facts okta-github.md 1.2.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_okta.access.app_credential import (
    ACTIVE,
    GONE,
    INACTIVE,
    Deactivate,
    Delete,
    Row,
    Shelf,
    id_of,
    tokens_end,
)
from nhi_revoke_okta.access.client_proof import can_be_tried, signs_in_with_secret
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.scopes import APPS

KIND = "okta:client-secret"
SHELF = Shelf(KIND, "client secret", "secrets")
SLOTS = 2
ASIDE = "throwaway"
"""In what `replace` left: the id of the secret that was put beside the only one."""
SOURCE = "Okta OpenAPI: deactivateOAuth2ClientSecret"  # facts okta-github.md 1.2


def put_aside(conn: OktaConnection, app: str) -> str:
    """The id of a new secret that is not active. Its value is nobody's: it is dropped here. Not safe to repeat."""
    made = conn.send("POST", SHELF.path(app), APPS.manage, {"status": INACTIVE}, again=False)
    return str(made["id"])


class DeactivateSecret(Deactivate):
    """Where there are two. The other one may be inactive."""

    shelf: ClassVar[Shelf] = SHELF
    says: ClassVar[str] = "deactivates the client secret"
    source: ClassVar[str] = SOURCE

    def because(self, step: Step, rows: dict[str, Row]) -> Rejected | None:
        if len(rows) >= SLOTS:
            return None
        mine = id_of(step.ends[0])
        return Rejected(
            f"client secret {mine} has become the only one, which Okta does not deactivate: make a new plan"
        )

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        """Tries the old value where Okta shows it: it is read, asked with, and forgotten."""
        mine, client_id = id_of(step.ends[0]), str(step.before["client_id"])
        value = next((str(r.get("client_secret") or "") for r in SHELF.raw(conn, step.on.id) if r["id"] == mine), "")
        if not can_be_tried(client_id, value):
            return super().prove(conn, step, run)
        if signs_in_with_secret(conn, step.on.id, client_id, value):
            return Proven(Proof.UNPROVEN, "shown as inactive, but Okta still lets it in", conn.now())
        return Proven(Proof.ENFORCED, "Okta refuses it: tried at introspection with its own value", conn.now())


class Replace(DeactivateSecret):
    """For the only secret: a throw-away that was never active takes the second slot, so that Okta lets the old one be
    deactivated. A crash in between leaves two: then only the rest is done.
    """

    name: ClassVar[str] = "replace"
    says: ClassVar[str] = "puts a throw-away secret, never active, beside the only one and deactivates that"
    undone: ClassVar[str] = "activates the old one again and deletes the throw-away"

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        """Looks first: a second throw-away would be one too many."""
        rows = SHELF.listed(conn, step.on.id)
        status = str(rows.get(id_of(step.ends[0]), GONE)["status"])
        if status in (INACTIVE, GONE["status"]):
            return Already({"status": status, **self.found(step, rows), "residuals": tokens_end(conn, step)})
        made = self.found(step, rows) if len(rows) >= SLOTS else _told(step, put_aside(conn, step.on.id))
        SHELF.turn(conn, step.on.id, id_of(step.ends[0]), "deactivate")
        return Done({"status": INACTIVE, **made, "residuals": tokens_end(conn, step)}, conn.now())

    def found(self, step: Step, rows: dict[str, Row]) -> Json:
        """An inactive one that was not there when the plan was made."""
        known = {id_of(access) for access in step.before["ids"]}
        new = [secret for secret, row in rows.items() if secret not in known and row["status"] == INACTIVE]
        return _told(step, new[0]) if new else {}

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        change = super().undo(conn, step, left, run)
        aside = str(left.get(ASIDE, ""))
        if aside and isinstance(change, Done | Already):
            row = SHELF.listed(conn, step.on.id).get(aside)
            if row is not None and row["status"] == INACTIVE:
                SHELF.remove(conn, step.on.id, aside)
        return change


def _told(step: Step, aside: str) -> Json:
    return {ASIDE: aside, "made": [SHELF.access(step.on.id, aside)]}


class DeleteSecret(Delete):
    shelf: ClassVar[Shelf] = SHELF
    says: ClassVar[str] = "deletes the client secret"
    source: ClassVar[str] = "OpenAPI: deleteOAuth2ClientSecret"


def discard(conn: OktaConnection, app: str, secret: str) -> Change:
    """Deletes a secret that nobody received, whatever its state. Safe to repeat."""
    rows = SHELF.listed(conn, app)
    if rows.get(secret, {}).get("status") == ACTIVE:
        if len(rows) < SLOTS:
            put_aside(conn, app)
        SHELF.turn(conn, app, secret, "deactivate")
    return SHELF.remove(conn, app, secret)
