"""A credential that a provider knows by its shape, with its value where that stands beside it. Memory only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nhi_revoke.model.found import Leak
    from nhi_revoke.provider.secret import Secret


@dataclass(frozen=True)
class Recognised:
    """One sighting in a text."""

    leak: Leak
    value: Secret | None
    """None where only its public part stands in the text (an id without its secret): it can be named, and not tried."""
    start: int
    """Where the credential begins, in characters from the beginning of the text."""
    end: int
    """Where it ends: what lies between is masked wherever the text is shown."""
