"""What tells an app, an agent or a service user in a configuration: its client id, its id, its login. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke_okta.access.client_key_mint import KIND as CLIENT_KEY
from nhi_revoke_okta.access.client_secret_end import KIND as CLIENT_SECRET
from nhi_revoke_okta.naming import LOGIN, USER

LONG_ENOUGH = 16
"""A client id may be chosen freely: a shorter one may be any word."""


def marks(who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
    """The kind of a client id is told where the app has one sort of credential alone."""
    kinds = {a.kind for a in accesses if a.on == who.ref and a.kind in (CLIENT_SECRET, CLIENT_KEY)}
    kind = kinds.pop() if len(kinds) == 1 else ""
    client = str(who.facts.get("client_id") or "")
    if len(client) >= LONG_ENOUGH:
        yield Mark(client, who.ref, kind=kind, field="client_id")
    if len(who.unique_id) >= LONG_ENOUGH and who.unique_id != client:
        yield Mark(who.unique_id, who.ref)
    if who.kind == USER and LOGIN.fullmatch(who.name):
        yield Mark(who.name, who.ref)
