"""What the engine tells while it works, on stderr: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TextIO

from nhi_revoke.engine.event import CountEvent, Event, HoldEvent, ReadEvent, Remaining, SaysEvent, StepEvent, WaitEvent
from nhi_revoke.render.block import Line, Span, Style, line
from nhi_revoke.render.moment import length, minute, moment
from nhi_revoke.render.plain import plain_text

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

MOST_LEFT = 12
"""Residuals that a live countdown shows."""
LONG_LOOK = 10
"""Requests of one look from which on its end is worth a line where nothing can be drawn over."""
_LOUD = ("failed", "lost", "impossible")
_STYLE: dict[str, Style] = {"failed": "danger", "lost": "danger", "impossible": "warning", "settled": "good"}


def event_line(event: Event, passed: float = 0.0) -> Line:
    """One event in words. `passed`: seconds since it was told."""
    if isinstance(event, CountEvent):
        return line(*_count_spans(event))
    if isinstance(event, WaitEvent):
        left = (event.until - event.now).total_seconds() - passed
        return line(f"waiting until {moment(event.until)} ({length(max(0.0, left))}): {event.why}")
    if isinstance(event, StepEvent):
        detail = f": {event.detail}" if event.detail else ""
        return line(Span(event.what, _STYLE.get(event.what, "")), f"  {event.says}{detail}")
    if isinstance(event, ReadEvent):
        return line(Span(f"reading {event.what}: {event.done} of {event.of}", "dim"))
    if isinstance(event, HoldEvent):
        return line(*_hold_spans(event, passed))
    style: Style = "" if event.level == "info" else event.level
    return line(Span(event.says, style))


def remaining_line(each: Remaining, event: HoldEvent, passed: float = 0.0) -> Line:
    """How long it stays, until when, what it is."""
    left = max(0.0, (each.until - event.now).total_seconds() - passed)
    style: Style = "warning" if left else "dim"
    what = f"until {minute(each.until)}  {each.says or each.access}"
    return line(Span(f"{length(left).rjust(11)} left", style), f"  {what}", indent=2)


def wanted(event: Event, verbosity: int) -> bool:
    """-1 (`-q`): only what went wrong; 0: what changed; 1 (`-v`): everything."""
    if isinstance(event, StepEvent):
        return event.what in _LOUD or verbosity > 0 or (verbosity == 0 and event.what in ("seen", "settled", "skipped"))
    if isinstance(event, SaysEvent):
        return event.level == "danger" or verbosity >= 0
    if isinstance(event, ReadEvent):
        return verbosity > 0 or (verbosity == 0 and event.done == event.of >= LONG_LOOK)
    return verbosity >= 0


def shown(says: str, progress: Progress | None, err: TextIO) -> None:
    """A line for the person at the terminal, whatever the verbosity; above a live line, where one is drawn."""
    if not (isinstance(progress, LiveProgress) and progress.show(says)):
        err.write(plain_text([line(says)]))
        err.flush()


class Progress(Protocol):
    """Takes events from any thread, between `start` and `stop`."""

    def start(self) -> None: ...
    def tell(self, event: Event) -> None: ...
    def stop(self) -> None: ...


class PlainProgress:
    """One line for each event that is wanted; the same wait or count is said once, and a countdown where it changed."""

    def __init__(self, err: TextIO, verbosity: int) -> None:
        self._err = err
        self._verbosity = verbosity
        self._lock = threading.Lock()
        self._said: dict[str, str] = {}
        """Per kind of event, the last text: counts and waits are repeated only when they change."""

    def start(self) -> None:
        """Nothing to prepare."""

    def tell(self, event: Event) -> None:
        if not wanted(event, self._verbosity):
            return
        text = plain_text([event_line(event)])
        kind = type(event).__name__
        now = f"{event.why}{moment(event.until)}" if isinstance(event, WaitEvent) else text
        if isinstance(event, HoldEvent):
            text = plain_text([event_line(event), *(remaining_line(each, event) for each in event.left)])
            now = f"{event.until}{event.left}{event.closed}{event.looks * (self._verbosity > 0)}"
        with self._lock:
            if isinstance(event, CountEvent | WaitEvent | HoldEvent) and self._said.get(kind) == now:
                return
            self._said[kind] = now
            self._err.write(text)
            self._err.flush()

    def stop(self) -> None:
        """Nothing to clear away."""


class LiveProgress:
    """The count stays at the bottom, with what is waited for below it; other events scroll above."""

    def __init__(
        self, err: TextIO, verbosity: int, *, width: int, color: bool, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`now`: seconds of a clock that only ever runs on."""
        self._err = err
        self._verbosity = verbosity
        self._width = width
        self._color = color
        self._lock = threading.Lock()
        self._count: list[Span] = []
        self._wait: WaitEvent | None = None
        self._now = now
        self._told_at = self._held_at = 0.0
        self._read: ReadEvent | None = None
        self._hold: HoldEvent | None = None
        self._live: Live | None = None

    def start(self) -> None:
        from rich.live import Live

        from nhi_revoke.render.screen import console

        self._live = Live(
            get_renderable=self._drawn,  # anew eight times a second: a wait counts down
            console=console(self._err, width=self._width, color=self._color),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            refresh_per_second=8,
        )
        self._live.start()

    def tell(self, event: Event) -> None:
        from nhi_revoke.render.screen import styled

        with self._lock:
            if self._live is None or not (isinstance(event, ReadEvent) or wanted(event, self._verbosity)):
                return
            if isinstance(event, CountEvent):
                self._count, self._wait = _count_spans(event), None
            elif isinstance(event, WaitEvent):
                self._wait, self._told_at = event, self._now()
            elif isinstance(event, HoldEvent):
                self._hold, self._wait, self._count, self._held_at = event, None, [], self._now()
            elif isinstance(event, ReadEvent):
                self._read = event if event.done < event.of and self._verbosity >= 0 else None
            else:
                self._live.console.print(styled(*event_line(event).spans), soft_wrap=True)
            self._live.refresh()

    def show(self, says: str) -> bool:
        """Above the live line; False where none is drawn now."""
        from nhi_revoke.render.screen import styled

        with self._lock:
            if self._live is None:
                return False
            self._live.console.print(styled(Span(says, "strong")), soft_wrap=True)
            return True

    def stop(self) -> None:
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _drawn(self) -> Group:
        """The count, what is waited for and what is read, a line each; of `hold` a line for each residual, cut at the
        edge so that none jumps.
        """
        from rich.console import Group

        from nhi_revoke.render.screen import styled

        now, wait, hold = self._now(), self._wait, self._hold
        lines = [styled(*self._count)] if self._count else []
        cut = []
        if hold is not None:
            passed = now - self._held_at
            cut = [styled(*event_line(hold, passed).spans)]
            cut += [styled(Span("  "), *remaining_line(each, hold, passed).spans) for each in hold.left[:MOST_LEFT]]
            if more := hold.left[MOST_LEFT:]:
                cut.append(styled(Span(f"  and {len(more)} more, the last until {minute(more[-1].until)}")))
        for each in cut:
            each.no_wrap, each.overflow = True, "ellipsis"
        if wait is not None:
            lines.append(styled(*event_line(wait, now - self._told_at).spans))
        if self._read is not None:
            lines.append(styled(*event_line(self._read).spans))
        return Group(*lines, *cut)


def _hold_spans(event: HoldEvent, passed: float) -> list[Span]:
    """When it looks again, what it had to close again, and until when: a narrow terminal cuts the end."""
    gone = timedelta(seconds=passed)
    left, then = (max(0.0, (at - event.now - gone).total_seconds()) for at in (event.until, event.next))
    again = Span(f"closed again {len(event.closed)}", "danger" if event.closed else "")
    last = f", last: {event.closed[-1]}" if event.closed else ""
    end = f"  until {minute(event.until)} ({length(left)})  look {event.looks}{last}"
    return [Span("holding", "strong"), Span(f"  next look in {length(then)}  "), again, Span(end)]


def _count_spans(event: CountEvent) -> list[Span]:
    return [
        Span(f"acted {event.acted}/{event.to_act}", "good" if event.acted == event.to_act else "strong"),
        Span("  "),
        Span(f"sealed {event.sealed}/{event.to_seal}", "good" if event.sealed == event.to_seal else "strong"),
        Span("  "),
        Span(f"failed {event.failed}", "danger" if event.failed else ""),
    ]
