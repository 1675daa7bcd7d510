"""What tells a service account in a configuration: its address, its number, and the ids of its keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke_gcp.access.hmac_keys import KIND as HMAC
from nhi_revoke_gcp.access.keys import key_of
from nhi_revoke_gcp.naming import ACCOUNT, UNIQUE_ID
from nhi_revoke_gcp.stopping import KEY


def marks(who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
    """The address tells the kind where the account has keys: a configuration may name it and use none."""
    if who.kind != ACCOUNT:
        return
    mine = [access for access in accesses if access.on == who.ref and access.state != "expired"]
    kind = KEY if any(access.kind == KEY for access in mine) else ""
    yield Mark(who.name, who.ref, kind=kind, field="client_email")
    if UNIQUE_ID.fullmatch(who.unique_id):
        yield Mark(who.unique_id, who.ref)
    for access in mine:
        if access.kind == KEY:
            yield Mark(key_of(access.id), who.ref, access.id, KEY, "private_key_id")
        elif access.kind == HMAC:
            yield Mark(access.id.rpartition("/")[2], who.ref, access.id, HMAC, "accessId")
