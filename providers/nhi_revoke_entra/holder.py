"""Whose a token of the operator's own is, and of which tenant: read from its claims, and no proof of anything.

Microsoft docs: access-token-claims-reference (`appid`, in version 2 `azp`; `oid`, `tid`, `idtyp`, `scp`). A token of
Graph's is meant for Graph alone to read: what cannot be read is not guessed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_entra.naming import APP, GUID, USER, canonical


class Holder(Struct, frozen=True):
    """Who signed in. Ids in small letters."""

    tenant: str
    app: str
    """appId of the app that asked for the token: the user's client, or who signed in itself."""
    user: str = ""
    """Object id, where a user signed in, or may have."""
    app_alone: bool = False
    """No user stands behind it, for certain."""
    until: datetime | None = None

    @property
    def principals(self) -> tuple[PrincipalRef, ...]:
        """Canonical; whoever signed in first, and the app that it was done through."""
        mine = (canonical(USER, self.user),) if self.user else ()
        return (*mine, canonical(APP, self.app))


def holder_of(token: str) -> Holder | None:
    """None where its claims cannot be read, or do not say whose it is."""
    claims = claims_of(token)
    tenant, app, oid = (_guid(claims, *names) for names in (("tid",), ("appid", "azp"), ("oid",)))
    kind = str(claims.get("idtyp") or "")
    alone = kind == "app"
    if not tenant or not app or (not alone and not oid):
        return None
    ends = claims.get("exp")
    until = datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) and 0 < ends < 1 << 33 else None
    # Where the token does not say what its object is, it may be a user's: both are left alone.
    return Holder(tenant, app, "" if alone else oid, alone, until)


def claims_of(token: str) -> Mapping[str, Any]:
    """Empty where they cannot be read."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        told = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _guid(claims: Mapping[str, Any], *names: str) -> str:
    told = next((str(claims[name]) for name in names if claims.get(name)), "")
    return told.lower() if GUID.fullmatch(told) else ""
