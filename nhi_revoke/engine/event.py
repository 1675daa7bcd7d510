"""What the engine tells while it works: for progress on stderr, never for decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from nhi_revoke.model.ref import Utc


class StepEvent(Struct, frozen=True):
    """One step moved on."""

    step: str
    says: str
    phase: str
    what: Literal["started", "asked", "seen", "settled", "failed", "skipped", "lost", "impossible"]
    detail: str = ""


class WaitEvent(Struct, frozen=True):
    """The engine waits, until when, and why."""

    until: Utc
    now: Utc
    why: str


class CountEvent(Struct, frozen=True):
    """Headline while running: `acted 4/5  sealed 1/5  failed 0`."""

    acted: int
    to_act: int
    sealed: int
    to_seal: int
    failed: int


class SaysEvent(Struct, frozen=True):
    """A line for the operator."""

    says: str
    level: Literal["info", "warning", "danger"] = "info"


class ReadEvent(Struct, frozen=True):
    """How far a long look has come."""

    what: str
    done: int
    of: int


class Remaining(Struct, frozen=True):
    """What is still usable, and ends by itself."""

    access: str
    says: str
    """What it is, in words."""
    until: Utc


class HoldEvent(Struct, frozen=True):
    """`hold` has looked, and looks again."""

    now: Utc
    next: Utc
    """When it looks again."""
    until: Utc
    """When it stops."""
    looks: int
    """How often it looked so far."""
    left: tuple[Remaining, ...]
    """The soonest first."""
    closed: tuple[str, ...] = ()
    """What it closed again so far, and saw closed."""


Event = StepEvent | WaitEvent | CountEvent | SaysEvent | ReadEvent | HoldEvent
Tell = Callable[[Event], None]
