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


Event = StepEvent | WaitEvent | CountEvent | SaysEvent | ReadEvent
Tell = Callable[[Event], None]
