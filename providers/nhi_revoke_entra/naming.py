"""How Entra's principals are written. Pure.

`app/…` with an appId, either object id or an exact display name; `agent/…` with an agent identity's object id or exact
display name; `user/…` with a user principal name or an object id.
"""

from __future__ import annotations

import re

from nhi_revoke.model.ref import PrincipalRef

PROVIDER = "entra"
APP, AGENT, USER = "app", "agent", "user"
KINDS = (APP, AGENT, USER)
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def canonical(kind: str, unique_id: str) -> PrincipalRef:
    """The one form in which a principal stands in a plan: of an app its appId, which both of its objects share; of an
    agent identity and a user the object id.
    """
    return PrincipalRef(PROVIDER, kind, unique_id.lower())


def parse_ref(text: str) -> PrincipalRef | None:
    """From what follows `entra:`, or from a bare GUID; None where it is not ours."""
    kind, slash, rest = text.partition("/")
    if slash and kind in KINDS and rest.strip():
        return PrincipalRef(PROVIDER, kind, rest)
    if is_native(text):
        return PrincipalRef(PROVIDER, APP, text)
    return None


def is_native(text: str) -> bool:
    """Whether a bare text says by itself that it is Entra's: no other system here names principals by GUID."""
    return bool(GUID.fullmatch(text))
