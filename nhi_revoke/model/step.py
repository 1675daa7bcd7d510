"""One step of a plan, and what a plan says besides steps."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from nhi_revoke.model.ref import AccessId, Json, PrincipalRef, StepId, Utc


class Phase(StrEnum):
    """Where in the pipeline a step stands. `cut`, `end` and `seal` contain; `serve` makes a replacement current."""

    CUT = "cut"
    END = "end"
    SEAL = "seal"
    MINT = "mint"
    DELIVER = "deliver"
    PROVE = "prove"
    SERVE = "serve"
    FLUSH = "flush"
    RELEASE = "release"
    FINISH = "finish"


Rearms = Literal["no", "always"] | float
"""What taking a step back would bring to life: nothing; for N seconds after; or at any time."""


class Step(Struct, frozen=True):
    """What will be done, by which doer, on which principal, after what."""

    id: StepId
    """Given by the planner; a draft leaves it empty."""
    does: str
    """Registry key of a doer, for example `example:token/disable`."""
    on: PrincipalRef
    phase: Phase
    says: str
    """A plain sentence for the plan."""
    scope: str = ""
    """The doer's connection: account, tenant …; given by the planner where a draft leaves it empty."""
    ends: tuple[AccessId, ...] = ()
    """Accesses it ends; none when it ends only what no list can show."""
    before: Json = {}
    after: tuple[StepId, ...] = ()
    """Waits until these were seen and settled, not only asked."""
    lock: str = ""
    """Steps with the same lock never run side by side."""
    reversible: bool = True
    rearms: Rearms = "no"
    breaks: str = ""
    """What stops working, and for how long, in a sentence; empty for nothing."""
    brake: bool = False
    """It stops the principal itself; `release` takes it off."""
    when: Literal["always", "minted"] = "always"
    """`minted`: kept only where something that can mint for this principal is ended in this run."""
    replaces: StepId | None = None
    """The cut that this seal swaps out: only the later of the two is undone."""
    undoes: StepId | None = None
    """The step of the same run that this one takes back."""
    takes: StepId | None = None
    """The mint whose secret it carries."""
    to: str = ""
    """Address of a store or cache, or an access id that an argument names."""


class Manual(Struct, frozen=True):
    """What somebody must do by hand."""

    on: PrincipalRef
    kind: str
    what: str
    ends: tuple[AccessId, ...] = ()


class Residual(Struct, frozen=True):
    """What stays usable, until when, and why."""

    on: PrincipalRef
    access: AccessId
    until: Utc | None
    why: str
    source: str
    """Where the time comes from (document name)."""
    counts: bool = True
    """False for what is said in red but was the operator's choice and ends nothing by itself."""


class OpenDoor(Struct, frozen=True):
    """A door that nobody closed."""

    on: PrincipalRef
    access: AccessId
    why: str
    next: str = ""
    """The option or command that closes it."""
    kept: bool = False
    """Knowingly kept by the operator."""


class Notice(Struct, frozen=True):
    """Something the operator must read before consenting."""

    on: PrincipalRef
    says: str
    level: Literal["info", "warning", "danger"] = "warning"


Draft = Step | Manual | Residual | OpenDoor | Notice
