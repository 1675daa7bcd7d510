"""Who else agreed to a plan, or why nobody was asked."""

from __future__ import annotations

from msgspec import Struct


class Signer(Struct, frozen=True):
    """A person whose signature of the plan counted."""

    name: str
    """The principal of the allowed signers file."""
    key: str
    """Fingerprint of the key that signed: `SHA256:…`."""


class Approval(Struct, frozen=True):
    """What a run was allowed by, where nhi.toml demands that more than one person agrees."""

    required: int
    """How many people had to sign, when the run began."""
    signers: tuple[Signer, ...] = ()
    plan_sha256: str = ""
    """Of the file that was signed."""
    break_glass: str = ""
    """Why it was done without them; empty: it was not."""
