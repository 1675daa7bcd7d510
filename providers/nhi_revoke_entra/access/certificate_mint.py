"""A new certificate: key and certificate are made here, the certificate is added, both are handed over in memory.

facts entra.md 2, 5 (6) and 8 (5, 7, 18 to 20): RSA, since Entra takes no other; added by a PATCH of the whole list
(`key_list.py`), found again by its thumbprint; proven as a new secret is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.certificate import Pair, new_pair
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.times import stamp
from nhi_revoke_entra.access.certificate_end import remove_certificate
from nhi_revoke_entra.access.client_secret_mint import proven
from nhi_revoke_entra.access.credential import GONE, NEEDED, access_id, is_a_runs, key_of, name_of, place_of, thumbprint
from nhi_revoke_entra.access.key_list import Keys, keys_after, keys_on, lost, write_keys
from nhi_revoke_entra.access.stopping import CERTIFICATE
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.pem import credential_of
from nhi_revoke_entra.permissions import READ_POLICIES

LASTS = timedelta(days=365)
"""Until a new one expires, where no policy allows less."""
EARLIER = timedelta(minutes=1)
"""It is valid from before now on: clocks differ."""
FIELD = "client_certificate"
"""PEM with both, as AZURE_CLIENT_CERTIFICATE_PATH takes it."""


class AddCertificate(Mint[EntraConnection]):
    """Not repeated blindly: whether it was added is found by difference, and what nobody received is removed."""

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = (*NEEDED, READ_POLICIES)
    says: ClassVar[str] = "makes a key and a certificate, and adds the certificate beside the others as they are"
    undone: ClassVar[str] = "the new one is removed"
    source: ClassVar[str] = "Microsoft docs: application-update, keycredential"

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        place, name, now = place_of(step.before), name_of(run.id), conn.now().replace(microsecond=0)
        ends = now + timedelta(seconds=float(step.before["lasts"]))
        pair = new_pair(name, now - EARLIER, ends)
        before = conn.written.corrected(place.id, keys_on(conn, place))
        row = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": pair.certificate, "displayName": name}
        unanswered: NoAnswer | None = None
        try:
            write_keys(conn, place, [*before.values(), row])
        except NoAnswer as gone:
            unanswered = gone
        after = keys_after(conn, place)
        key = _ours(after, before, pair)
        if not key:
            raise unanswered or NoAnswer("Microsoft Graph took a certificate, and does not show it")
        conn.written.added(place.id, key, after[key])
        public = {"client_id": step.on.id, "tenant_id": conn.scope, "key_id": key, "thumbprint": pair.thumbprint}
        secret = Secret(pair.pem, field=FIELD, public=public)
        run.give(step.id, secret)
        left = {"id": access_id(CERTIFICATE, place, key), "field": FIELD, "public": public, "expires": stamp(ends)}
        besides = lost(place, before, after)
        return Done({**left, "leaves": f"as a certificate was added, {besides}"} if besides else left, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        found = bool(left) and key_of(str(left["id"])) in keys_on(conn, place_of(step.before))
        return left if found else None

    def orphans(self, conn: EntraConnection, step: Step) -> Sequence[AccessId]:
        """By difference, and by the name that runs give: another person's new one is nobody's orphan."""
        known, place = set(step.before.get("ids") or ()), place_of(step.before)
        mine = (key for key, row in keys_on(conn, place).items() if is_a_runs(row))
        return [access for access in (access_id(CERTIFICATE, place, key) for key in mine) if access not in known]

    def destroy(self, conn: EntraConnection, step: Step, access: AccessId) -> Change:
        gone = remove_certificate(conn, place_of(step.before), key_of(access))
        return Done(GONE, conn.now()) if gone else Already(GONE)

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: EntraConnection, step: Step, secret: Secret) -> Proven:
        credential = credential_of(secret.reveal())
        if credential is None:
            return Proven(Proof.UNPROVEN, "the new certificate does not read back with its key", conn.now())
        return proven(conn, "certificate", secret.public["client_id"], credential)


def _ours(after: Keys, before: Keys, pair: Pair) -> str:
    """The keyId of what was added; empty where it is not there."""
    new = {key: row for key, row in after.items() if key not in before}
    return next((key for key, row in new.items() if _is_it(row, pair)), "")


def _is_it(row: dict[str, Any], pair: Pair) -> bool:
    mark = thumbprint(row.get("customKeyIdentifier"))
    return mark == pair.thumbprint or str(row.get("key") or "") == pair.certificate
