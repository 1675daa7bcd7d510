"""What an inventory finds: accesses, leads to other principals, and what could not be seen."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.ref import AccessId, Json, PrincipalRef, Utc

State = Literal["live", "disabled", "expired", "unknown"]
Family = Literal[
    "key", "secret", "certificate", "password", "token", "session", "grant", "trust", "factor", "principal"
]
SESSION_FAMILIES: frozenset[str] = frozenset({"session", "token"})
KEY_FAMILIES: frozenset[str] = frozenset({"key", "secret", "certificate", "password"})


class Access(Struct, frozen=True, tag="access", tag_field="found"):
    """One live way in (design.md, "Nouns")."""

    id: AccessId
    """Stable, and carries the account where names repeat."""
    on: PrincipalRef
    kind: str
    family: Family
    state: State
    label: str = ""
    """What a responder reads: never a secret."""
    created: Utc | None = None
    last_used: Utc | None = None
    expires: Utc | None = None
    parent: AccessId | None = None
    """Lineage: the access that this one was minted with."""
    evidence: str = ""
    """The API that showed it."""
    door: str = ""
    """What it opens (thumbprint, subject, role and resource): equal across re-creation."""
    before: Json = {}
    """All that undo needs. Never a secret."""
    lets_in: tuple[str, ...] = ()
    """For a trust: whom it lets begin new sessions, as globs over `Principal.aliases`."""
    exposure: Literal["", "anyone", "foreign", "local", "service"] = ""
    """For a trust: how far it opens. `anyone` and `foreign` are headlined OPEN unless cut or kept."""
    opens: bool = True
    """False for what lets nobody in by itself (a group, a boundary, rights): reported, kept, never called open."""
    elsewhere: bool = False
    """What it opens does not hang on its principal's own rights: a deny on the principal does not end it."""
    denied_before: Utc | None = None
    """For a standing session access: what was issued before this moment is denied already by what stands there."""
    shut: str = ""
    """Why it lets nobody in as things stand, though nothing ended it, and what would open it again: its principal is
    disabled. Its `exposure` says how far it opens then.
    """
    note: str = ""
    never_used: bool = False
    """The vendor itself tells that nobody used it yet. Without it and `last_used`, nobody knows."""


class Lead(Struct, frozen=True, tag="lead", tag_field="found"):
    """Another principal that this one reaches or planted. The plan that found it never touches it."""

    to: PrincipalRef
    why: str
    evidence: str
    how: Literal["reach", "planted"] = "reach"
    at: Utc | None = None
    session: AccessId | None = None
    """The session on that principal that the log shows, where it shows one."""
    until: Utc | None = None
    """When that session ends by itself, where the log says so."""
    of: PrincipalRef | None = None
    """The principal of the plan that reaches or planted it."""
    next: str = ""
    """The command that looks there or ends it: for another account's responder where this operator has no login."""
    beyond: bool = False
    """The operator has no login where it is: nobody here can look at it, so it counts as open."""
    shut: str = ""
    """Why that session can do nothing any more, though nobody ended it in this run; empty: it may."""


class BlindSpot(Struct, frozen=True, tag="unseen", tag_field="found"):
    """What could not be seen, and why. Never to be shown as "none"."""

    on: PrincipalRef
    kind: str
    why: str
    needs: str = ""
    """The permission, licence or API that would open the view."""
    until: Utc | None = None
    """Log lag: unseen only until then."""
    counts: bool = True
    """False for what is said, and hides nothing as far as is known (a region that is switched off)."""
    covered_by: tuple[str, ...] = ()
    """Registry keys of doers whose settled effect ends whatever it hides."""


Found = Access | Lead | BlindSpot


class Leak(Struct, frozen=True):
    """What the shape of a leaked credential says of it; never the value."""

    kind: str
    public_id: str
    """Its own, or what stands for it where it has none (the beginning of its hash): what is found of it holds this, so
    that what was handed over and found nowhere is known. Empty: nobody can tell.
    """
    owner: PrincipalRef | None = None
    note: str = ""
