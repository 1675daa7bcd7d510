"""Keys that are made here: the way to a new one of which Google never had the private half.

`from = "gcp:uploaded-key"` in a delivery chooses it, as `entra:certificate` does there. What it makes is a key of the
account like any other, and is listed among those (`gcp:key`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_gcp.access.key import Keys
from nhi_revoke_gcp.access.key_end import SURVIVES, Delete
from nhi_revoke_gcp.access.key_replacement import replacement
from nhi_revoke_gcp.access.key_upload import Upload
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.stopping import KEY, UPLOADED_KEY, is_to_be_replaced

KEYS = Keys()
BOTH = "not replaced by a key that is made here: a delivery of gcp:key is there as well. Keep one of the two"


class UploadedKeys(AccessKind[GcpConnection]):
    """Makes new ones, which take the place of any key."""

    name: ClassVar[str] = UPLOADED_KEY
    title: ClassVar[str] = "keys of a service account that are made here: their certificate alone is uploaded"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = ()
    mint = Upload()
    replaces: ClassVar[tuple[str, ...]] = (KEY,)
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """None of their own: they are listed with the others."""
        return ()

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if not is_to_be_replaced(view, intent, UPLOADED_KEY):
            return
        if is_to_be_replaced(view, intent):
            yield Manual(view.who.ref, UPLOADED_KEY, BOTH)
            return
        yield from replacement(self, KEYS, Delete(), view, intent)
