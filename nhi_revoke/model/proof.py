"""How strongly an effect is known."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from nhi_revoke.model.ref import Utc


class Proof(StrEnum):
    """From strongest to weakest (design.md, "Nouns")."""

    ENFORCED = "enforced"
    SIMULATED = "simulated"
    RECORDED = "recorded"
    REQUESTED = "requested"
    UNPROVEN = "unproven"

    @property
    def rank(self) -> int:
        """0 is the strongest."""
        return list(Proof).index(self)

    @property
    def proves(self) -> bool:
        """Whether the word "revoked" may be printed for it."""
        return self.rank <= Proof.RECORDED.rank


class Proven(Struct, frozen=True):
    """A proof, and how it was obtained."""

    proof: Proof
    how: str
    at: Utc | None = None
