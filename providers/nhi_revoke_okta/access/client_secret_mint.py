"""A new client secret: made by Okta, handed over in memory, proven at introspection.

OpenAPI: createOAuth2ClientSecret (an empty body lets Okta generate it; a third one is refused).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.proof import Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_okta.access.app_credential import ACTIVE, GONE, INACTIVE, NEEDED, Row, id_of
from nhi_revoke_okta.access.client_proof import new_one_opens, signs_in_with_secret
from nhi_revoke_okta.access.client_secret_end import ASIDE, KIND, SHELF, SLOTS, discard
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.scopes import APPS

FULL = "not replaced: both slots of the app are full; --free-slot ID names the secret to delete first"


class CreateSecret(Mint[OktaConnection]):
    """Not repeated blindly: what a lost answer left behind is found by difference and deleted. The throw-away of this
    run's `replace` makes room: it never opened anything.
    """

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "mints a new client secret"
    undone: ClassVar[str] = "the new one is deactivated and deleted"
    source: ClassVar[str] = "OpenAPI: createOAuth2ClientSecret"
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/delete",)

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        app = step.on.id
        rows = SHELF.listed(conn, app)
        if len(rows) >= SLOTS:
            aside = next(iter(_put_aside(step, run, rows)), "")
            if not aside:
                return Failed(FULL)
            SHELF.remove(conn, app, aside)
        new = conn.send("POST", SHELF.path(app), APPS.manage, {}, again=False)
        if not new.get("client_secret"):
            raise NoAnswer("Okta made a client secret and did not show it")
        public = {"client_id": str(step.before["client_id"])}
        secret = Secret(str(new["client_secret"]), field="client_secret", public=public)
        run.give(step.id, secret)
        return Done({"id": SHELF.access(app, str(new["id"])), "field": secret.field, "public": public}, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        row = SHELF.listed(conn, step.on.id).get(id_of(str(left["id"]))) if left else None
        return left if row and row["status"] == ACTIVE else None

    def orphans(self, conn: OktaConnection, step: Step) -> Sequence[AccessId]:
        """A throw-away of this run counts: nobody has it, and its slot is needed."""
        known = set(step.before.get("ids") or ())
        ids = (SHELF.access(step.on.id, secret) for secret in SHELF.listed(conn, step.on.id))
        return [access for access in ids if access not in known]

    def destroy(self, conn: OktaConnection, step: Step, access: AccessId) -> Change:
        return discard(conn, step.on.id, id_of(access))

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: OktaConnection, step: Step, secret: Secret) -> Proven:
        app, client_id = step.on.id, secret.public["client_id"]
        return new_one_opens(
            conn, "client secret", client_id, lambda: signs_in_with_secret(conn, app, client_id, secret.reveal())
        )


def _put_aside(step: Step, run: Run, rows: dict[str, Row]) -> Iterable[str]:
    """What the `replace` of this run left beside the only secret, as long as it is there and inactive."""
    for before in step.after:
        aside = str(run.left(before).get(ASIDE, ""))
        if rows.get(aside, {}).get("status") == INACTIVE:
            yield aside
