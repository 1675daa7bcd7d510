"""What an `Io` has besides where several workers share what a tenant may be asked: it counts what is sent.

`Io.ask` counts one request for each try, and that is right for whatever sends one. What may send more, or later, tells
each request by `sends` right before it goes: the first of a try is the one that was counted. A call that sends none
itself, or knows by what the vendor counts, is asked through `ask_counted`, which counts nothing but what is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.retry import Window

T = TypeVar("T")


@runtime_checkable
class Counting(Protocol):
    """Without workers that share anything, an `Io` has none of this."""

    def ask_counted(self, call: Callable[[], T], *, repeatable: bool) -> T:
        """As `Io.ask`, of a call that tells by `sends` what it sends."""
        ...

    def sends(self, count: int = 1, *, bucket: str = "", reads: bool = True) -> None:
        """Returns when so many requests, as the vendor counts them, may go: at once then, and together.

        `bucket`: what the vendor counts them by besides the tenant. `reads`: they change nothing, and let others go
        first. Raises Interrupted after Ctrl-C.
        """
        ...

    def answered(self, count: int, bucket: str, told: Window | None, seconds: float) -> None:
        """Those were answered, or failed. `told`: what the answer said of the vendor's window, which ends in so many
        `seconds`.
        """
        ...


def ask_counted(io: Io, call: Callable[[], T], *, repeatable: bool) -> T:
    """`Counting.ask_counted` where there is one, else `Io.ask`."""
    return (
        io.ask_counted(call, repeatable=repeatable) if isinstance(io, Counting) else io.ask(call, repeatable=repeatable)
    )


def sends(io: Io, count: int = 1, *, reads: bool = True) -> None:
    """`Counting.sends` where there is one, of what no answer will tell anything about the vendor's window."""
    if isinstance(io, Counting):
        io.sends(count, reads=reads)
        io.answered(count, "", None, 0.0)
