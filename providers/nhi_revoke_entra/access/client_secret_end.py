"""How a client secret is ended: removed by its keyId, on the object where it stands. Nothing makes it again.

facts entra.md 2: POST …/removePassword {"keyId"} answers 204; passwords are not changed by PATCH.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke_entra.access.credential import GONE, key_id
from nhi_revoke_entra.access.places import Place, read
from nhi_revoke_entra.access.removal import Removal
from nhi_revoke_entra.access.stopping import MADE
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import WRITE_APPS


def secrets_on(conn: EntraConnection, place: Place) -> dict[str, dict[str, Any]]:
    """By keyId; none where the object is gone. Raises Denied."""
    try:
        rows = read(conn, place).get("passwordCredentials") or ()
    except Missing:
        return {}
    return {key_id(row): row for row in rows}


def remove_secret(conn: EntraConnection, place: Place, key: str) -> Change:
    """Safe to repeat: one that is gone already is told as such."""
    try:
        conn.send("POST", f"{place.path}/removePassword", WRITE_APPS, {"keyId": key}, again=True)
    except Missing:
        return Already(GONE)
    except Rejected:
        if key in secrets_on(conn, place):
            raise
        return Already(GONE)
    return Done(GONE, conn.now())


class RemoveSecret(Removal):
    says: ClassVar[str] = "removes the client secret"
    source: ClassVar[str] = "Microsoft docs: application-removepassword, serviceprincipal-removepassword"

    def there(self, conn: EntraConnection, place: Place) -> Container[str]:
        return secrets_on(conn, place)

    def remove(self, conn: EntraConnection, place: Place, key: str) -> bool:
        return isinstance(remove_secret(conn, place, key), Done)


class RetireSecret(RemoveSecret):
    """In a containment that replaces: the brake holds the old one until the new one is there."""

    name: ClassVar[str] = "retire"
    phase: ClassVar[Phase] = Phase.MINT
    says: ClassVar[str] = "removes the old client secret, once the new one is made and before the brake is released"
    needs: ClassVar[tuple[str, ...]] = MADE
