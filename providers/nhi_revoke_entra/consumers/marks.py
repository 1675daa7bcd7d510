"""What tells an app or a service user in a configuration: ids, thumbprints, a user principal name. Pure.

facts entra.md 1 and 8 (4): an app has three ids, and a configuration may hold any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke_entra.access.certificate import KIND as CERTIFICATE
from nhi_revoke_entra.access.client_secret import KIND as SECRET
from nhi_revoke_entra.access.credential import key_of
from nhi_revoke_entra.naming import APP, USER

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")


def marks(who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
    """The kind of an app's id is told where it has one sort of credential alone."""
    held = [access for access in accesses if access.on == who.ref and access.kind in (SECRET, CERTIFICATE)]
    live = {access.kind for access in held if access.state != "expired"}
    kind = live.pop() if len(live) == 1 else ""
    if GUID.fullmatch(who.unique_id):
        app = who.kind == APP
        yield Mark(who.unique_id, who.ref, kind=kind if app else "", field="client_id" if app else "")
    for name in ("application", "service_principal"):
        text = str(who.facts.get(name) or "")
        if GUID.fullmatch(text) and text != who.unique_id:
            yield Mark(text, who.ref)
    if who.kind == USER and "@" in who.name:
        yield Mark(who.name, who.ref)
    for access in held:
        key = key_of(access.id)
        if GUID.fullmatch(key):
            yield Mark(key, who.ref, access.id, access.kind, "key_id")
        if access.kind == CERTIFICATE and THUMBPRINT.fullmatch(access.door):
            yield Mark(access.door, who.ref, access.id, access.kind, "thumbprint")
