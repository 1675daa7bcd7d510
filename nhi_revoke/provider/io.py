"""What the engine lends a provider and a doer: time, fan-out, retries, and the run's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import ssl

    import httpx

    from nhi_revoke.model.concern import Concern
    from nhi_revoke.model.ref import Json, StepId
    from nhi_revoke.provider.secret import Secret

T = TypeVar("T")
R = TypeVar("R")


class Io(Protocol):
    """The only way to tell time, to fan out and to repeat a call. A test sets all of it."""

    def now(self) -> datetime:
        """This machine's clock, UTC; the sandbox's where one is in play."""
        ...

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        """Side by side, results in order, on a pool of its own: nesting never deadlocks.

        The first exception is raised after all have ended.
        """
        ...

    def ask(self, call: Callable[[], T], *, repeatable: bool) -> T:
        """Make one vendor call.

        Throttled and Unavailable are waited out and asked again (a bounded number of times);
        NoAnswer only where `repeatable` (a read, or a write that may happen twice): a create is never repeated blindly.
        """
        ...

    def pace(self, key: str, per_second: float, at_once: int = 1, count: int = 1) -> None:
        """Returns when `count` more requests may be sent under a vendor's published rate: `key` names what the rate is
        counted for (account and region, tenant, …). Waits on the engine's clock.

        `at_once`: so many may go together, and no more than that within any `at_once / per_second` seconds: for a rate
        that is told by the minute. Callers that share a key share its count; one that asks for fewer leaves the rest to
        the others. Raises ValueError for a `count` beyond it.
        """
        ...

    def leaked(self, kind: str) -> Sequence[Secret]:
        """Values that leaked, as the operator handed them over (`--leaked-from`), of one `Leak.kind`. Memory only: they
        are tried where they belong, and nothing of them is written anywhere.
        """
        ...

    def progress(self, what: str, done: int, of: int) -> None:
        """How far a long look has come, for the operator's screen; never for a decision."""
        ...

    def show(self, says: str) -> bool:
        """Shows a line to whoever sits at the terminal, at once: what that person must do elsewhere before this can go
        on. Never on stdout, in a log, a journal or a report. False where nobody sits there (a pipe, a CI job,
        `--no-input`): nothing was shown, and nobody will do it.
        """
        ...

    def http(self, base_url: str, tls: ssl.SSLContext | None = None) -> httpx.Client:
        """One client per host, all on one TLS context (52 ms each without it); redirects are never followed.

        `tls`: another context, for a host whose certificate a CA of its own signed.
        """
        ...


class Run(Protocol):
    """What a doer may know of the run it works in."""

    @property
    def id(self) -> str:
        """Written into what we change, so that another operator sees whose it is."""
        ...

    def left(self, step: StepId) -> Json:
        """What a step left, as last journaled; empty if it did nothing yet."""
        ...

    def give(self, step: StepId, secret: Secret) -> None:
        """A mint hands its secret over, for the steps that take it."""
        ...

    def take(self, step: StepId) -> Secret:
        """The secret that the mint step gave. Raises KeyError when this process does not hold it."""
        ...

    def holds(self, step: StepId) -> bool:
        """Whether this process holds the secret of that mint step."""
        ...


@runtime_checkable
class Concerned(Protocol):
    """What a run has besides while the engine works: for doers that tell others of it."""

    @property
    def concern(self) -> Concern:
        """Whom it concerns, as its plan has it."""
        ...
