"""What the operator may do at a vendor, and what is handed to the vendor so that somebody may."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Stage = Literal["list", "contain", "rotate"]
STAGES: tuple[Stage, ...] = ("list", "contain", "rotate")
"""In the order in which they build on each other: who contains also lists, who rotates also does both."""
Held = Literal["held", "missing", "unknown"]


class Holding(Struct, frozen=True):
    """One permission, as a check found it."""

    permission: str
    """In the vendor's words, as it is declared."""
    state: Held
    """`missing`: the check said no. `unknown`: it could not be asked, was denied, or does not cover this one."""
    check: str = ""
    """Which one, in the vendor's words, and what it does not look at."""
    why: str = ""
    later: bool = False
    """Unknown, because it is of one address (a secret, a file): each plan asks it of the addresses that it has."""


class Document(Struct, frozen=True):
    """A policy, role or list in the vendor's own form."""

    name: str
    """Short, and one of its kind: `policy`, `project-role`."""
    file: str
    """A name for the file."""
    media_type: str
    text: str
    """Whole, with a line's end."""
    hand_in: str
    """What to do with it, in a sentence."""
    grants: tuple[str, ...]
    """The declared permissions that it gives."""


def up_to(stage: Stage | None) -> tuple[Stage, ...]:
    """The stages that a document of this one holds; None: all."""
    return STAGES if stage is None else STAGES[: STAGES.index(stage) + 1]
