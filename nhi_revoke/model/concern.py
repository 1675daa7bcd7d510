"""Whom a run concerns: what a flush may tell others of it."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef, Utc


class Concern(Struct, frozen=True):
    """As its plan has it; no secret among it."""

    identity: str
    principals: tuple[PrincipalRef, ...]
    """Canonical."""
    at: Utc
    """When the run began."""
    case: str = ""
    reason: str = ""
    sessions: tuple[PrincipalRef, ...] = ()
    """Whose sessions the run ends."""
    keys: tuple[PrincipalRef, ...] = ()
    """Whose keys, secrets or certificates it ends."""
    minted: tuple[PrincipalRef, ...] = ()
    """Who gets a new one."""
