"""What the operator allowed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.approval import Approval


class Consent(Struct, frozen=True):
    """How the shown or saved plan was agreed to, and what was allowed besides."""

    how: Literal["tty", "--yes", "--confirm", "apply"]
    confirmed: str = ""
    """The name given with --confirm or typed at the prompt."""
    allow_irreversible: bool = False
    force: bool = False
    """Lifts the guard on principals whose stop breaks much, and nothing else."""
    max_accesses: int = 50
    approval: Approval | None = None
    """Who else agreed, or why nobody was waited for; None where nothing demands it."""
