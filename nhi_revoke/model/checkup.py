"""What is right and wrong with the identity map, as it was looked at: nothing was changed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["ok", "wrong", "unseen", "shared"]
"""`unseen`: nobody could look. `shared`: right by itself, and another identity has it, too (OWASP NHI9)."""


class Finding(Struct, frozen=True):
    """One line of the map."""

    identity: str
    part: Literal["principal", "deliver", "flush"]
    what: str
    """As the map has it."""
    state: State
    why: str = ""
    hint: str = ""
