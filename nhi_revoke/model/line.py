"""What a journal holds: one tagged struct a line."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.approval import Approval
from nhi_revoke.model.change import Change
from nhi_revoke.model.found import Found
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proven
from nhi_revoke.model.ref import Json, StepId, Utc
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Step

Verb = Literal["revoke", "rotate", "apply", "release", "undo", "finish", "hold"]


class Opened(Struct, frozen=True, tag="opened", tag_field="line"):
    """A section begins: its plan, who consented, and how. The first section is the run itself."""

    run: str
    verb: Verb
    plan: Plan
    digest: str
    operator: tuple[str, ...]
    consent: str
    """`tty`, `--yes`, `--confirm`, `apply`."""
    version: str
    at: Utc
    approval: Approval | None = None
    """Who else agreed, or why nobody was waited for."""


class Intended(Struct, frozen=True, tag="intent", tag_field="line"):
    """Written and synced before the vendor is asked."""

    step: StepId
    attempt: int
    at: Utc


class Resulted(Struct, frozen=True, tag="result", tag_field="line"):
    step: StepId
    change: Change
    at: Utc


class Looked(Struct, frozen=True, tag="seen", tag_field="line"):
    """A look that showed the effect. `settled`: the second look, at the end of settle."""

    step: StepId
    left: Json
    at: Utc
    settled: bool = False


class Vanished(Struct, frozen=True, tag="vanished", tag_field="line"):
    """An effect that was seen is no longer there: somebody took it back."""

    step: StepId
    at: Utc


class Noted(Struct, frozen=True, tag="noted", tag_field="line"):
    """What was found while running: children, leads, blind spots, what appeared."""

    found: tuple[Found, ...]
    source: Literal["state", "logs", "late", "unread"]
    """`late`: seen for the first time, because its kind takes long to list; it need not be new. `unread`: all that the
    newest look at the run's own principals and effects could not read, in place of what an earlier one could not.
    """
    at: Utc


class Extended(Struct, frozen=True, tag="extended", tag_field="line"):
    """Steps added for what appeared on the plan's own principals."""

    steps: tuple[Step, ...]
    round: int
    why: str
    at: Utc


class Destroyed(Struct, frozen=True, tag="destroyed", tag_field="line"):
    """A minted credential that nobody received was destroyed."""

    step: StepId
    access: str
    at: Utc


class Proved(Struct, frozen=True, tag="proved", tag_field="line"):
    step: StepId
    proven: Proven
    at: Utc


class Closed(Struct, frozen=True, tag="closed", tag_field="line"):
    """A section ended in good order."""

    report: Report
    at: Utc


Line = Opened | Intended | Resulted | Looked | Vanished | Noted | Extended | Destroyed | Proved | Closed


class Sealed(Struct, frozen=True):
    """A line as it is stored: numbered and chained to the one before."""

    n: int
    prev: str
    """sha256 of the stored bytes of the line before, in hex; zeros for the first."""
    line: Line
    own: str = ""
    """sha256 of this line's own bytes with an empty `own`, in hex: the last line has no other to vouch for it."""
