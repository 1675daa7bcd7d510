"""How one attempted change ended: a tagged union, so that nobody forgets a case."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.ref import Json, Utc


class Done(Struct, frozen=True, tag="done", tag_field="change"):
    """The vendor accepted it."""

    left: Json
    """The state it left: undo acts only where this still holds."""
    at: Utc
    """The vendor's clock."""


class Already(Struct, frozen=True, tag="already", tag_field="change"):
    """It was so before."""

    left: Json


class Skipped(Struct, frozen=True, tag="skipped", tag_field="change"):
    why: str


class Impossible(Struct, frozen=True, tag="impossible", tag_field="change"):
    """The vendor has no way; somebody must do it by hand."""

    why: str
    manual: str


class Failed(Struct, frozen=True, tag="failed", tag_field="change"):
    """The vendor refused: nothing changed."""

    why: str
    needs: str = ""
    """The missing permission, where that was the cause."""


class Lost(Struct, frozen=True, tag="lost", tag_field="change"):
    """No answer: it may or may not have happened."""

    why: str


Change = Done | Already | Skipped | Impossible | Failed | Lost
