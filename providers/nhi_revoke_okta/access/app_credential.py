"""What an app's secrets and public keys share: listed with a status, deactivated, activated, deleted when inactive.

OpenAPI: listOAuth2ClientSecrets, listJwk and their neighbours; facts okta-github.md 1.1 and 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import State
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.kind import View
from nhi_revoke_okta.connection import Named, OktaConnection
from nhi_revoke_okta.lifetimes import MINUTES, access_token_ends, token_minutes
from nhi_revoke_okta.scopes import APPS

ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"
GONE: Json = {"status": "gone"}
STATES: dict[str, State] = {ACTIVE: "live", INACTIVE: "disabled"}
SHOWN = ("id", "status", "created", "kid", "use", "kty", "alg", "crv")
"""Members of a row that are kept. The list of secrets holds their values in clear: they are dropped at once."""
NEEDED = (APPS.manage, APPS.read)
RIGHTS_FIRST = ("okta:app-role/unassign", "okta:app-grant/revoke")
"""An app with an admin role could make itself a new secret or key; and Okta lets nobody but a super admin change the
credentials of such an app (AWS docs: mes-partner-OktaOAuthClientSecret)."""
SURVIVES = (
    "access tokens minted with it, until they expire: 60 minutes at the org server, up to 24 hours at a custom one"
)

Row = dict[str, Any]


class Shelf(Struct, frozen=True):
    """One list of an app's credentials."""

    kind: str
    """Of access, for example `okta:client-secret`."""
    what: str
    """In a sentence: `client secret`."""
    name: str
    """In the path: `secrets`."""

    def path(self, app: str, credential: str = "", verb: str = "") -> str:
        """Of the list, of one credential, or of a lifecycle operation on it."""
        path = f"/api/v1/apps/{segment(app)}/credentials/{self.name}"
        path += f"/{segment(credential)}" if credential else ""
        return f"{path}/lifecycle/{verb}" if verb else path

    def raw(self, conn: OktaConnection, app: str) -> Iterable[Row]:
        """Whole rows. For secrets these hold the values: only a proof calls this, and keeps nothing."""
        return conn.rows(self.path(app), APPS.read)

    def listed(self, conn: OktaConnection, app: str) -> dict[str, Row]:
        """By id, without anything that is secret. Raises Denied, Missing."""
        rows = ({name: row[name] for name in SHOWN if row.get(name)} for row in self.raw(conn, app))
        return {str(row.get("id") or row.get("kid") or ""): {"status": ACTIVE, **row} for row in rows}

    def status(self, conn: OktaConnection, step: Step) -> str:
        """Of the one that the step ends; `gone` where there is none."""
        return str(self.listed(conn, step.on.id).get(id_of(step.ends[0]), GONE)["status"])

    def turn(self, conn: OktaConnection, app: str, credential: str, verb: str) -> None:
        """`activate` or `deactivate`; safe to repeat."""
        conn.send("POST", self.path(app, credential, verb), APPS.manage, again=True)

    def remove(self, conn: OktaConnection, app: str, credential: str) -> Change:
        """Of an inactive one alone. Safe to repeat."""
        try:
            conn.send("DELETE", self.path(app, credential), APPS.manage)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def access(self, app: str, credential: str) -> AccessId:
        return f"{self.kind}/{app}/{credential}"


def id_of(access: AccessId) -> str:
    """The credential's own id."""
    return access.rpartition("/")[2]


def facts_of(view: View) -> Json:
    """What each step keeps in `before`, so that acting needs no request more."""
    client = str(view.who.facts.get("client_id") or view.who.ref.id)
    return {"client_id": client, "name": view.who.name, MINUTES: token_minutes(view)}


def tokens_end(conn: OktaConnection, step: Step) -> dict[str, str]:
    """When the last access token has expired that this credential may have minted until now."""
    named = Named(step.on.id, str(step.before["client_id"]), str(step.before["name"]))
    return access_token_ends(conn, named, int(step.before[MINUTES]))


class Deactivate(Doer[OktaConnection]):
    """Refused from then on; whoever manages apps can activate it again, until it is deleted."""

    shelf: ClassVar[Shelf]
    name: ClassVar[str] = "deactivate"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    undone: ClassVar[str] = "activates it again: what leaked has no safe time for that"
    survives: ClassVar[str] = SURVIVES
    needs: ClassVar[tuple[str, ...]] = RIGHTS_FIRST

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        """At once: the plan has just listed it as active. Only where Okta refuses is it worth a look."""
        try:
            self.shelf.turn(conn, step.on.id, id_of(step.ends[0]), "deactivate")
        except Missing:
            return Already({**GONE, "residuals": tokens_end(conn, step)})
        except Rejected as refused:
            return self.refused(conn, step, refused)
        return Done({"status": INACTIVE, "residuals": tokens_end(conn, step)}, conn.now())

    def refused(self, conn: OktaConnection, step: Step, fault: Rejected) -> Change:
        """Already, where it is inactive by now. Raises the fault, or a better one, where it is not."""
        rows = self.shelf.listed(conn, step.on.id)
        status = str(rows.get(id_of(step.ends[0]), GONE)["status"])
        if status not in (INACTIVE, GONE["status"]):
            raise self.because(step, rows) or fault
        return Already({"status": status, **self.found(step, rows), "residuals": tokens_end(conn, step)})

    def because(self, step: Step, rows: dict[str, Row]) -> Rejected | None:
        """Why Okta refused, where the list tells it."""
        return None

    def found(self, step: Step, rows: dict[str, Row]) -> Json:
        """What it left besides, read back where the answer was lost."""
        return {}

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        rows = self.shelf.listed(conn, step.on.id)
        status = str(rows.get(id_of(step.ends[0]), GONE)["status"])
        if status not in (INACTIVE, GONE["status"]):
            return None
        left = run.left(step.id) or {**self.found(step, rows), "residuals": tokens_end(conn, step)}
        return {**left, "status": status}

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        status = self.shelf.status(conn, step)
        was = str(step.before["status"])
        if status == was:
            return Already({"status": was})
        if status != left.get("status"):
            return Failed(f"{self.shelf.what} {id_of(step.ends[0])} is {status}, not as this run left it")
        self.shelf.turn(conn, step.on.id, id_of(step.ends[0]), "activate")
        return Done({"status": ACTIVE}, conn.now())


class Delete(Doer[OktaConnection]):
    """For good. To free a slot for a new one, an active one that the operator named is deactivated first."""

    shelf: ClassVar[Shelf]
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    survives: ClassVar[str] = SURVIVES
    reversible: ClassVar[bool] = False

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        mine = id_of(step.ends[0])
        status = self.shelf.status(conn, step)
        if status == ACTIVE and step.phase is not Phase.MINT:
            return Failed(f"{self.shelf.what} {mine} is active again: somebody took the deactivation back")
        if status == ACTIVE:
            self.shelf.turn(conn, step.on.id, mine, "deactivate")
        return self.shelf.remove(conn, step.on.id, mine)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        return GONE if self.shelf.status(conn, step) == GONE["status"] else None
