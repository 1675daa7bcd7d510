"""What stands under `data` in the envelope, where it is no noun of the model itself."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.engine.handover import Handover
from nhi_revoke.model.inventory import Inventory


class Listed(Struct, frozen=True):
    """`list`."""

    counts: dict[str, int]
    """live, maybe, open, reach, planted, unseen: the headline."""
    inventory: Inventory


class Need(Struct, frozen=True):
    """A permission that a provider declares, and what needs it."""

    provider: str
    stage: str
    """`list`, `contain` or `rotate`."""
    permission: str
    by: tuple[str, ...]
    """Access kinds and registry keys."""


class Checked(Struct, frozen=True):
    """One connection, as `doctor` found it."""

    provider: str
    scope: str
    state: str
    """`ok`, or why it cannot be used."""
    operator: tuple[str, ...] = ()
    """Who you are there, and what that was assumed from."""
    why: str = ""
    hint: str = ""


class Right(Struct, frozen=True):
    """One permission that a stage needs on one connection, and whether the operator has it there."""

    provider: str
    scope: str
    stage: str
    permission: str
    state: str
    """`held`, `missing` or `unknown`."""
    later: bool = False
    """Unknown, because it is of one address: each plan asks it of the addresses that it has."""
    check: str = ""
    """Which one told, and what it does not look at."""
    why: str = ""
    without: tuple[str, ...] = ()
    """What does not work while it is not held."""


class Diagnosis(Struct, frozen=True):
    """`doctor`."""

    checked: tuple[Checked, ...]
    needs: tuple[Need, ...]
    rights: tuple[Right, ...] = ()


class Approved(Struct, frozen=True):
    """`approve`."""

    identity: str
    digest: str
    """Of the steps, targets and settings."""
    sha256: str
    """Of the plan's file."""
    signature: str
    """The file beside the plan."""
    signer: str
    """Whom the allowed signers name for the key; empty where this nhi.toml names no such file."""
    key: str
    """Its fingerprint."""
    required: int
    """How many people nhi.toml demands for this plan."""
    approved_by: tuple[str, ...]
    """Whose signatures count now."""


class Moved(Struct, frozen=True):
    """`runs export` and `runs import`."""

    run: str
    path: str
    sha256: str
    lines: int
    handover: Handover
    """What the next shift must know first."""


class Topic(Struct, frozen=True):
    """`help`."""

    topic: str
    text: str
