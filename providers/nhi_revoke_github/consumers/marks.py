"""What tells an app in a configuration: its client id. Pure.

Logins, slugs and numbers are none: they are words that stand everywhere. An app's key is made by hand alone (facts
okta-github.md 2.1), so that no kind is told.
"""

from __future__ import annotations

from collections.abc import Iterable

from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.identity import Principal
from nhi_revoke_github.naming import CLIENT_ID


def marks(who: Principal) -> Iterable[Mark]:
    """Of an app or an OAuth app."""
    client = str(who.facts.get("client_id") or "")
    if CLIENT_ID.fullmatch(client):
        yield Mark(client, who.ref, field="client_id")
