"""What sandboxes of vendors over HTTP share: a server, a clock that may be wrong, a gate's faults, a planted scene.

A vendor's own sandbox says what it holds (`seed`, `settings`, `canaries`, `lag`) and which lock guards it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Call, Door, FaultName, Seeded
from nhi_revoke.provider.sandbox.control import PREFIX, ControlDoor
from nhi_revoke.provider.sandbox.faults import CallLog, FaultBook, Permissions
from nhi_revoke.provider.sandbox.server import LoopbackServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class Gate(Protocol):
    """The vendor's WSGI application."""

    faults: FaultBook
    calls: CallLog
    permissions: Permissions
    largest_page: int

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse, /) -> Iterable[bytes]: ...


class Planted(Protocol):
    """What the intruder holds, and what it can still do."""

    @property
    def doors(self) -> Sequence[Door]: ...
    @property
    def meddlings(self) -> Mapping[str, Callable[[], None]]: ...


G = TypeVar("G", bound=Gate)
P = TypeVar("P", bound=Planted)


class SandboxOverHttp(ABC, Generic[G, P]):
    """`make_gate` is called once, with the vendor's clock."""

    def __init__(self, make_gate: Callable[[Callable[[], datetime]], G]) -> None:
        import httpx

        self.gate = make_gate(self.now)
        self.client = httpx.Client(verify=False, trust_env=False)  # noqa: S501 - loopback without TLS
        """The intruder's own."""
        self._server = LoopbackServer(ControlDoor(self, self.gate), self.now)
        self._clock: MovableClock | None = None
        self._skew = timedelta(0)
        self._scene: P | None = None

    # -- the vendor's own --------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def lock(self) -> AbstractContextManager[Any]:
        """Guards the vendor's state."""

    @abstractmethod
    def seed(self, folder: str) -> Seeded:
        """Sets the scene, too."""

    @abstractmethod
    def settings(self) -> dict[str, Any]: ...
    @abstractmethod
    def canaries(self) -> Sequence[str]: ...
    @abstractmethod
    def lag(self, writes: float, logs: float) -> None: ...

    # -- what is alike -----------------------------------------------------------------------------------------------

    def start(self, clock: MovableClock) -> None:
        """Raises OSError when no port can be had."""
        self._clock = clock
        self._server.start()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def control(self) -> str:
        return self._server.url + PREFIX

    @property
    def scene(self) -> P:
        """Raises RuntimeError before `seed`."""
        if self._scene is None:
            raise RuntimeError("the sandbox is not seeded")
        return self._scene

    def doors(self) -> Sequence[Door]:
        return tuple(self.scene.doors)

    def calls(self) -> Sequence[Call]:
        return self.gate.calls.all()

    def fault(self, call: str, fault: FaultName, times: int = 1, after: int = 0) -> None:
        self.gate.faults.add(call, fault, times, after)

    def allow_only(self, permissions: Sequence[str] | None) -> None:
        self.gate.permissions.allow_only(permissions)

    def page_size(self, size: int) -> None:
        self.gate.largest_page = size

    def skew(self, seconds: float) -> None:
        self._skew = timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        self._moving().advance(seconds)

    def now(self) -> datetime:
        """The vendor's clock."""
        return self._moving().now() + self._skew

    def meddle(self, what: str) -> None:
        """Raises ValueError for what the intruder does not know."""
        meddlings = self.scene.meddlings
        if what not in meddlings:
            raise ValueError(f"the intruder does not know how to {what!r}: {', '.join(sorted(meddlings))}")
        with self.lock:
            meddlings[what]()

    def close(self) -> None:
        """Raises what the vendor's side kept as its own defect."""
        errors = self._server.errors
        self._server.close()
        self.client.close()
        if errors:
            raise errors[0]

    def _moving(self) -> MovableClock:
        if self._clock is None:
            raise RuntimeError("the sandbox is not started")
        return self._clock


def private_file(folder: str, name: str, text: str) -> str:
    """Writes what only the operator may read (0600); where it is."""
    file = Path(folder) / name
    file.touch(0o600)
    file.write_text(text)
    return str(file)
