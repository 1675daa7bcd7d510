"""Principals that look like one identity, and what speaks for it: for `find NAME`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef, Utc

Rule = Literal["exact", "same", "affix", "contains"]
"""How a text resembles a name, the nearest first: letter by letter; but for separators and case; but for words that
names of accounts have besides (`svc-`, `-bot`, `-prod`); it holds the name among other words."""
Field = Literal["name", "tag", "text"]
"""What resembles: what the vendor calls it; a tag that says whose it is; a description, which says anything."""


class Resemblance(Struct, frozen=True, order=True):
    """One text of a principal that resembles the name which was looked for."""

    rule: Rule
    field: Field
    where: str
    """As the vendor calls it: `UserName`, `tag service`, `displayName`."""
    text: str
    differs: tuple[str, ...] = ()
    """For `affix`: the words that only one of the two has."""
    environment: bool = False
    """One of them names an environment: `payments-prod` and `payments-dev` are two."""
    evidence: str = ""
    """The API that showed it."""


class Pointer(Struct, frozen=True, order=True):
    """Somebody whom a principal names: who may begin its sessions, or whose it may begin."""

    to: tuple[str, ...]
    """Globs over `Candidate.aliases`, as in `Access.lets_in`. One that stands for many names nobody."""
    why: str
    """By what, and as whom: "its trust: repo:acme/shop:ref:refs/heads/main of token.example.com"."""
    evidence: str


class Saying(Struct, frozen=True, order=True):
    """A text of a principal in which another one's id may stand: never a secret."""

    text: str
    where: str
    """"its description", "variable ROLE of acme/shop"."""
    evidence: str

    def __repr__(self) -> str:
        return f"Saying({self.where}, …)"


class Candidate(Struct, frozen=True):
    """A principal that may be one with others; what the engine tells by it is in engine/likeness.py."""

    ref: PrincipalRef
    """Canonical."""
    kind: str
    name: str
    """What the vendor's own screens call it."""
    scope: str
    """Account, tenant, project or organisation."""
    unique_id: str = ""
    resembles: tuple[Resemblance, ...] = ()
    """Empty for one that another one names, or that names another one."""
    owner: str = ""
    """Of a tag that says who owns it; empty where none does, or that could not be read."""
    created: Utc | None = None
    last_used: Utc | None = None
    aliases: tuple[str, ...] = ()
    """By which trusts name this one, and nobody else: as `Principal.aliases`, without those of its whole account."""
    marks: tuple[str, ...] = ()
    """Ids that tell it wherever they stand, as whole words."""
    points: tuple[Pointer, ...] = ()
    says: tuple[Saying, ...] = ()
    note: str = ""
    """What else a reader should know: "disabled"."""
