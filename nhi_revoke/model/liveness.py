"""Whether a leaked credential still opens anything, and what its own answer tells of it. Never its value."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef, Utc

Alive = Literal["alive", "dead", "unknown"]
"""`unknown`: nobody asked, nothing can be asked, or the answer tells nothing. Never to be shown as dead."""


class Liveness(Struct, frozen=True):
    """What one harmless call told, or why none was made."""

    state: Alive
    how: str
    """The call and its answer in words: "GetCallerIdentity names the user"; or why nothing can tell."""
    owner: PrincipalRef | None = None
    """Whose it is, canonical, where the answer says so."""
    scope: str = ""
    """Account, tenant, project or organisation, where the answer or the shape says so."""
    reaches: tuple[str, ...] = ()
    """What the answer itself says that it may do: scopes, roles, audiences."""
    expires: Utc | None = None
    """When it ends by itself."""
