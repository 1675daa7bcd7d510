"""A new client secret: made by Graph, shown once, handed over in memory, proven by tokens.

facts entra.md 2, 5 and 8 (18 to 20): addPassword answers 200 with the value; it is replicated within 4 to 18 seconds as
far as others measured, and one success says nothing of every replica: three in a row do, each of a new msal
application.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import NoAnswer, Rejected, Throttled, Unauthenticated, Unavailable
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.layout import Layout, variables
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.times import stamp
from nhi_revoke_entra.access.client_secret_end import remove_secret, secrets_on
from nhi_revoke_entra.access.credential import GONE, NEEDED, access_id, is_a_runs, key_of, name_of, place_of
from nhi_revoke_entra.access.stopping import SECRET
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import READ_POLICIES, WRITE_APPS
from nhi_revoke_entra.tokens import Refused

LASTS = timedelta(days=180)
"""Until the new secret expires, where no policy allows less; Graph's own default is two years."""
IN_A_ROW = 3
VARIABLES = variables(
    {"AZURE_CLIENT_ID": "client_id", "AZURE_TENANT_ID": "tenant_id", "AZURE_CLIENT_SECRET": "client_secret"}
)
"""As the Azure SDKs read them (Microsoft docs: EnvironmentCredential)."""


class AddPassword(Mint[EntraConnection]):
    """Not repeated blindly: what a lost answer left behind is found by difference and removed."""

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = (*NEEDED, READ_POLICIES)
    says: ClassVar[str] = "adds a new client secret to the application"
    undone: ClassVar[str] = "the new one is removed"
    source: ClassVar[str] = "Microsoft docs: application-addpassword"
    layouts: ClassVar[tuple[Layout, ...]] = (VARIABLES,)

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        place = place_of(step.before)
        end = stamp(conn.now() + timedelta(seconds=float(step.before["lasts"])))
        asked = {"displayName": name_of(run.id), "endDateTime": end}
        body = {"passwordCredential": asked}
        new = conn.send("POST", f"{place.path}/addPassword", WRITE_APPS, body, again=False)
        value, key = (new.get("secretText"), str(new.get("keyId") or "").lower()) if isinstance(new, dict) else ("", "")
        if not value or not key:
            raise NoAnswer("Microsoft Graph made a client secret and did not show it")
        public = {"client_id": step.on.id, "tenant_id": conn.scope, "key_id": key}
        secret = Secret(str(value), field="client_secret", public=public)
        run.give(step.id, secret)
        left = {"id": access_id(SECRET, place, key), "field": secret.field, "public": public, "expires": end}
        return Done(left, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        found = bool(left) and key_of(str(left["id"])) in secrets_on(conn, place_of(step.before))
        return left if found else None

    def orphans(self, conn: EntraConnection, step: Step) -> Sequence[AccessId]:
        """By difference, and by the name that runs give: another person's new one is nobody's orphan."""
        known, place = set(step.before.get("ids") or ()), place_of(step.before)
        mine = (key for key, row in secrets_on(conn, place).items() if is_a_runs(row))
        return [access for access in (access_id(SECRET, place, key) for key in mine) if access not in known]

    def destroy(self, conn: EntraConnection, step: Step, access: AccessId) -> Change:
        return remove_secret(conn, place_of(step.before), key_of(access))

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: EntraConnection, step: Step, secret: Secret) -> Proven:
        return proven(conn, "client secret", secret.public["client_id"], secret.reveal())


def proven(conn: EntraConnection, what: str, client_id: str, credential: object) -> Proven:
    """Tokens in a row, each asked for anew. Unproven, with the reason, while one is refused or is not clear."""
    for _ in range(IN_A_ROW):
        try:
            said = conn.signs_in(client_id, credential)
        except (Rejected, Throttled, Unavailable, NoAnswer, Unauthenticated) as fault:
            why = f"no clear answer to the new {what}: {fault.message}"
            return Proven(Proof.UNPROVEN, why, conn.now())
        if isinstance(said, Refused):
            why = f"Entra does not accept the new {what} yet ({said.code or said.error})"
            return Proven(Proof.UNPROVEN, why, conn.now())
    how = f"client {client_id} got {IN_A_ROW} tokens in a row with the new {what}, each by a new client"
    return Proven(Proof.ENFORCED, how, conn.now())
