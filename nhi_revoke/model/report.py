"""What a run did, what it proved, and what is left."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.approval import Approval
from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import AccessId, StepId, Utc
from nhi_revoke.model.step import Manual, Notice, OpenDoor, Phase, Residual

ResultWord = Literal["done", "already", "skipped", "impossible", "failed", "lost", "stale", "waiting", "undone"]
Fortune = Literal["served", "delivered", "not-replaced", "destroyed", "waiting", "unseen"]
"""`unseen`: nobody can tell whether the store took it, so that it stays beside what it was to replace."""
Fate = Literal["ended", "left", "open", "unseen", "failed", "already", "kept", "expired", "lasts"]
"""`lasts`: nothing ends it before the time in `until`, and nothing is left that would make more of it."""


class Outcome(Struct, frozen=True):
    """What became of one access."""

    access: Access
    fate: Fate
    proof: Proof | None
    how: str
    """How that is known, or why it was left."""
    until: Utc | None = None
    appeared: bool = False
    """It was not there when the plan was made."""


class StepResult(Struct, frozen=True):
    id: StepId
    does: str
    on: str
    phase: Phase
    says: str
    result: ResultWord
    detail: str
    reversible: bool
    proof: Proof | None = None
    at: Utc | None = None


class Replacement(Struct, frozen=True):
    """What became of one rotation."""

    kind: str
    on: str
    result: Fortune
    access: AccessId | None
    to: str
    proof: Proof | None
    why: str


class Times(Struct, frozen=True):
    """UTC. `acted`: every cut and end was seen. `sealed`: nothing born before survives."""

    detected: Utc | None = None
    started: Utc | None = None
    acted: Utc | None = None
    sealed: Utc | None = None
    served: Utc | None = None
    verified: Utc | None = None


class Report(Struct, frozen=True):
    run: str
    verb: str
    identity: str
    intent: Intent
    state: str
    """A state of the table in `engine/states.py`."""
    exit_code: int
    headline: Literal["OUT", "NOT PROVEN OUT", "NOTHING CHANGED", "TAKEN BACK", "RELEASED", "FINISHED"]
    operator: tuple[str, ...]
    times: Times
    principals: tuple[Principal, ...]
    outcomes: tuple[Outcome, ...]
    steps: tuple[StepResult, ...]
    replacements: tuple[Replacement, ...] = ()
    open: tuple[OpenDoor, ...] = ()
    residuals: tuple[Residual, ...] = ()
    residual_until: Utc | None = None
    blind: tuple[BlindSpot, ...] = ()
    leads: tuple[Lead, ...] = ()
    planted: tuple[Lead, ...] = ()
    manual: tuple[Manual, ...] = ()
    notices: tuple[Notice, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    next: tuple[str, ...] = ()
    """Commands to type, the most urgent first."""
    next_plan: str | None = None
    """Path of the plan for what this run found but was not consented to touch."""
    journal: str = ""
    journal_sha256: str = ""
    approval: Approval | None = None
    """Who else agreed to the plan, or why nobody was waited for; None where nothing demanded it."""
    owner: str = ""
    """Of the identity, as the map named it when the plan was made."""
    redacted: bool = False
    """Names in it are pseudonyms: made for outsiders (`--redact`)."""
