"""How a certificate is ended: the object's whole list of keys is written again without it (`key_list.py`)."""

from __future__ import annotations

from collections.abc import Container
from typing import ClassVar

from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Conflict, Missing
from nhi_revoke_entra.access.key_list import keys_after, keys_on, lost, write_keys
from nhi_revoke_entra.access.places import Place
from nhi_revoke_entra.access.removal import Removal
from nhi_revoke_entra.access.stopping import MADE
from nhi_revoke_entra.connection import EntraConnection


def remove_certificate(conn: EntraConnection, place: Place, key: str) -> bool:
    """Safe to repeat. Whether it was there. Raises Conflict where a survivor is gone, too."""
    found = keys_on(conn, place)
    if key not in found:
        return False
    survivors = {each: row for each, row in conn.written.corrected(place.id, found).items() if each != key}
    try:
        write_keys(conn, place, survivors.values())
    except Missing:
        return False
    conn.written.removed(place.id, key)
    if besides := lost(place, survivors, keys_after(conn, place)):
        raise Conflict(f"with the certificate, {besides}")
    return True


class RemoveCertificate(Removal):
    says: ClassVar[str] = "removes the certificate, and writes the other keys again as they are"
    source: ClassVar[str] = "Microsoft docs: application-update, serviceprincipal-update"

    def there(self, conn: EntraConnection, place: Place) -> Container[str]:
        return keys_on(conn, place)

    def remove(self, conn: EntraConnection, place: Place, key: str) -> bool:
        return remove_certificate(conn, place, key)


class RetireCertificate(RemoveCertificate):
    """In a containment that replaces: the brake holds the certificate until then."""

    name: ClassVar[str] = "retire"
    phase: ClassVar[Phase] = Phase.MINT
    says: ClassVar[str] = "removes the certificate, once a new one is made and before the brake is released"
    needs: ClassVar[tuple[str, ...]] = MADE
