"""What stands under `data` in the envelope, where it is no noun of the model itself."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.inventory import Inventory


class Listed(Struct, frozen=True):
    """`list`."""

    counts: dict[str, int]
    """live, maybe, open, reach, planted, unseen: the headline."""
    inventory: Inventory


class Judged(Struct, frozen=True):
    """One thing that `audit` looked at."""

    id: str
    what: str
    verdict: str
    """`live`, `open`, `planted`, `unseen`, `accepted`."""
    reason: str = ""
    """Of `--accept`."""


class Audited(Struct, frozen=True):
    """`audit`."""

    counts: dict[str, int]
    inventory: Inventory
    findings: tuple[Judged, ...]


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


class Moved(Struct, frozen=True):
    """`runs export` and `runs import`."""

    run: str
    path: str
    sha256: str
    lines: int


class Topic(Struct, frozen=True):
    """`help`."""

    topic: str
    text: str
