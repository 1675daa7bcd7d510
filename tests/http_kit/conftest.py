"""A vendor behind real sockets that answers as it is told, and the kit in front of it under the real engine."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from msgspec import Struct

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.http import HttpApi, Vendor
from nhi_revoke.provider.retry import RateHeaders
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.server import HangUp, LoopbackServer

if TYPE_CHECKING:
    import threading
    from wsgiref.types import StartResponse, WSGIEnvironment

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEARER = "acme-bearer-5f1c9a77e0"
SECRET = "hunter2-in-an-answer"
NAMES = RateHeaders("x-limit", "x-remaining", "x-reset")


class Acme(Vendor):
    title: ClassVar[str] = "Acme"
    rates: ClassVar[RateHeaders] = NAMES
    login: ClassVar[str] = "Log in again."


class Bearer:
    """Signs with one value; renews it as often as it is told to."""

    def __init__(self, value: str = BEARER, renewals: int = 0) -> None:
        self.value, self.renewals = value, renewals
        self.refusals: list[int] = []

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.value}"}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        self.refusals.append(status)
        if not self.renewals:
            return False
        self.renewals -= 1
        self.value += "-renewed"
        return True


class Asked(Struct, frozen=True):
    """One request as it arrived."""

    method: str
    uri: str
    """Path and query, as they came."""
    headers: dict[str, str]
    body: str

    @property
    def path(self) -> str:
        return self.uri.partition("?")[0]


class Told(Struct, frozen=True):
    """One answer."""

    status: int = 200
    body: Any = None
    """Bytes as they are; anything else as JSON; None is no body."""
    headers: tuple[tuple[str, str], ...] = ()


class CutOff(Struct, frozen=True):
    """No answer: the connection is cut."""


Answers = Iterable[Told | CutOff] | Callable[[Asked], Told | CutOff]


class Side:
    """The vendor's: a server on loopback with a clock of its own."""

    def __init__(self, clock: MovableClock) -> None:
        self.skew = timedelta(0)
        self.asked: list[Asked] = []
        self._clock = clock
        self._answer: Callable[[Asked], Told | CutOff] = lambda _: Told()
        self.server = LoopbackServer(self._serve, self.now)
        self.server.start()

    @property
    def url(self) -> str:
        return self.server.url

    def now(self) -> datetime:
        return self._clock.now() + self.skew

    def answers(self, answers: Answers) -> None:
        """One after the other, the last one for ever; or by a function."""
        if callable(answers):
            self._answer = answers
            return
        left = list(answers)
        self._answer = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {k.removeprefix("HTTP_").lower(): str(v) for k, v in environ.items() if k.startswith("HTTP_")}
        body = environ["wsgi.input"].read().decode()
        asked = Asked(str(environ["REQUEST_METHOD"]), str(environ["RAW_URI"]), headers, body)
        self.asked.append(asked)
        told = self._answer(asked)
        if isinstance(told, CutOff):
            raise HangUp
        start_response(f"{told.status} Told", [("Content-Type", "application/json"), *told.headers])
        if told.body is None:
            return []
        return [told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()]


class WaitingClock(SandboxClock):
    """Remembers how long the engine waited."""

    def __init__(self, movable: MovableClock) -> None:
        super().__init__(movable)
        self.waits: list[float] = []

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self.waits.append(seconds)
        super().wait(seconds, stop)


class Desk:
    """The kit, on the engine's own `Io`."""

    def __init__(self) -> None:
        self.clock = MovableClock(START)
        self.waiting = WaitingClock(self.clock)
        self.io = EngineIo(self.waiting)
        self.sides: list[Side] = []
        self.side = self.another()

    def another(self) -> Side:
        """One more vendor, at another port."""
        made = Side(self.clock)
        self.sides.append(made)
        return made

    def api(self, vendor: Vendor | None = None, authorize: Any = None, base: str = "", **more: Any) -> HttpApi:
        return HttpApi(self.io, base or self.side.url, vendor or Acme(), authorize or Bearer(), **more)

    @property
    def waits(self) -> list[float]:
        return self.waiting.waits

    def close(self) -> None:
        self.io.close()
        for side in self.sides:
            side.server.close()
            assert side.server.errors == ()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


def everything_said(error: BaseException) -> str:
    """An exception and all that hangs on it: str, repr, attributes, causes, contexts, and how Python would print it."""
    said = ["".join(traceback.format_exception(error))]
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        said += [str(one), repr(one), repr(one.args), repr(vars(one)), repr(getattr(one, "__notes__", ""))]
        said += [repr(getattr(one, name, "")) for name in ("object", "request", "response", "doc")]
        left += [one.__cause__, one.__context__]
    return "\n".join(said)
