"""What a provider's sandbox offers the demo, the tests and the conformance kit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from nhi_revoke.provider.sandbox.clock import MovableClock

FaultName = Literal["429", "500", "timeout", "lost", "denied", "down"]
"""`lost`: it happens, and the answer is cut off. `timeout`: it does not happen, and no answer comes."""


class Call(Struct, frozen=True):
    """One request that reached the vendor."""

    name: str
    """In the vendor's words, for example `tokens:Update`."""
    mutates: bool
    """Only the vendor's side knows: some list by POST."""
    permission: str
    by: str
    """Who asked: `operator`, `intruder`, `workload`."""
    target: str = ""
    """The principal or resource it was about, where it names one."""


class Door(Protocol):
    """A stolen way in, tried over the socket with the stolen value, by the vendor's own client where there is one."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str:
        """How it was obtained: `active-key`, `get-session-token`, `assume-role`, `chained`, …"""
        ...

    @property
    def says(self) -> str:
        """One line for the demo."""
        ...

    @property
    def access(self) -> str:
        """Id of the access it stands for (a session: the standing access), or the canonical reference of a lead."""
        ...

    def open(self) -> bool:
        """Try it now. Only a clear refusal is "shut"; anything unclear raises."""
        ...


class Seeded(Struct, frozen=True):
    """What a seeded sandbox holds."""

    name: str
    """The identity's name in the map."""
    principals: tuple[str, ...]
    map: str
    """TOML of its `[identity.…]` tables (deliver and flush included), for nhi.toml."""


class Sandbox(Protocol):
    """Starts on loopback in this process; reachable from other processes by its settings."""

    def start(self, clock: MovableClock) -> None:
        """All sandboxes of a world share one clock. Raises OSError when no port can be had."""
        ...

    def seed(self, folder: str) -> Seeded:
        """The demo's identity, and an intruder who already holds doors. `folder`: for files that settings name."""
        ...

    def settings(self) -> dict[str, Any]:
        """The provider's table of nhi.toml that reaches it (endpoint, operator's credentials)."""
        ...

    @property
    def control(self) -> str:
        """Base URL of the control door (clock, faults), loopback only."""
        ...

    def doors(self) -> Sequence[Door]: ...
    def calls(self) -> Sequence[Call]: ...
    def canaries(self) -> Sequence[str]:
        """Secrets that must appear nowhere."""
        ...

    def fault(self, call: str, fault: FaultName, times: int = 1, after: int = 0) -> None:
        """Let the call of this name fail `times` times, after `after` good ones; `*` for every call."""
        ...

    def allow_only(self, permissions: Sequence[str] | None) -> None:
        """Only these permissions for the operator; None: all."""
        ...

    def page_size(self, size: int) -> None: ...
    def lag(self, writes: float, logs: float) -> None:
        """Seconds until a write is obeyed everywhere, and until an event is in the logs."""
        ...

    def skew(self, seconds: float) -> None:
        """How far the vendor's clock is ahead of this machine's."""
        ...

    def advance(self, seconds: float) -> None:
        """Moves the one clock of vendor and tool."""
        ...

    def now(self) -> datetime: ...
    def meddle(self, what: str) -> None:
        """Let the intruder act, for tests: `new-key`, `detach-cut`, `reenable-key`, … as the sandbox documents."""
        ...

    def close(self) -> None: ...
