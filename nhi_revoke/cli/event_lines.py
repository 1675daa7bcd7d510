"""The engine's events as ndjson, while it works."""

from __future__ import annotations

import threading
from typing import TextIO

import msgspec

from nhi_revoke.engine.event import CountEvent, Event, HoldEvent, ReadEvent, SaysEvent, StepEvent, WaitEvent
from nhi_revoke.render.clean import json_text

_TYPES = {
    CountEvent: "count",
    HoldEvent: "hold",
    ReadEvent: "read",
    SaysEvent: "says",
    StepEvent: "step",
    WaitEvent: "wait",
}


class EventLines:
    """One JSON object a line, as soon as it happens."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def start(self) -> None:
        """Nothing to prepare."""

    def tell(self, event: Event) -> None:
        line = {"type": _TYPES[type(event)], **msgspec.to_builtins(event)}
        with self._lock:
            self._out.write(json_text(msgspec.json.encode(line).decode()) + "\n")
            self._out.flush()

    def stop(self) -> None:
        """Nothing to clear away."""
