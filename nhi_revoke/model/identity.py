"""Who is being contained: identities, their principals, where replacements go, what caches trust them."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.ref import Json, PrincipalRef


class Delivery(Struct, frozen=True, rename={"kind": "from"}):
    """Where the replacement of one access kind goes."""

    kind: str
    """The access kind that is replaced, for example `example:token` (written `from` in the map)."""
    to: str
    """`store:address`, for example `file:/run/secrets/bot.json`."""
    principal: str = ""
    """Needed only where several principals of the identity have this kind."""
    format: str = ""
    """How it is written there, as `--format` takes it; empty: as the store does by itself."""


class FlushTarget(Struct, frozen=True):
    """What must forget the old credential."""

    use: str
    """Registry name of the flush."""
    settings: Json = {}


class Identity(Struct, frozen=True):
    """A non-human identity: a name and one or more principals, as typed or as the map has it."""

    name: str
    principals: tuple[PrincipalRef, ...]
    owner: str = ""
    deliver: tuple[Delivery, ...] = ()
    flush: tuple[FlushTarget, ...] = ()
    tags: tuple[str, ...] = ()


class Principal(Struct, frozen=True):
    """A principal that the vendor confirmed to exist."""

    ref: PrincipalRef
    """Canonical, whatever was typed."""
    kind: str
    """`user`, `role`, `app`, …"""
    name: str
    """What the vendor's own screens call it."""
    scope: str
    """Account, tenant, project or organisation: one connection each."""
    unique_id: str
    """Changes when it is deleted and created again."""
    typed: str = ""
    """What the operator typed."""
    aliases: tuple[str, ...] = ()
    """Every way in which another principal's trust may name this one; matched against `Access.lets_in`. One that ends
    in `*` stands for a family of names: a trust of one of them names this principal."""
    untouchable: str | None = None
    """Why the vendor does not let anybody change it (with the manual way), or None."""
    delicate: str | None = None
    """What breaks beyond this identity when it is stopped (needs --force), or None."""
    facts: Json = {}
    """What the first read showed; never a secret."""
