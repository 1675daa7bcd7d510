"""What the engine lends a provider and a doer: time, fan-out, retries, and the run's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import httpx

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

    def http(self, base_url: str) -> httpx.Client:
        """One client per host, all on one TLS context (52 ms each without it); redirects are never followed."""
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
