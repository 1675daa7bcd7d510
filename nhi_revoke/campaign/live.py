"""The live view of a campaign that this process works on: a screen that is drawn over, or a line now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TextIO

from nhi_revoke.campaign.figures import Progress
from nhi_revoke.campaign.progress_screen import progress_screen, said
from nhi_revoke.engine.event import Event, SaysEvent
from nhi_revoke.render.plain import plain_text
from nhi_revoke.render.progress import event_line
from nhi_revoke.render.screen import drawn

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

EVERY = 1.0
"""Seconds between two looks at the database, at the least."""
RARELY = 20.0
"""And so many times what a look takes: counting a million items must not slow down what is counted."""
PLAIN_EVERY = 10
"""Looks between two lines where nothing can be drawn over."""
AROUND = 16
"""Lines of the view besides the rows of tenants."""


class View(Protocol):
    """Takes events and progress from any thread, between `start` and `stop`."""

    def start(self) -> None: ...
    def tell(self, event: Event) -> None: ...
    def show(self, found: Progress) -> None: ...
    def stop(self) -> None: ...


class PlainView:
    """A line every ten looks, where something changed."""

    def __init__(self, err: TextIO, verbosity: int) -> None:
        self._err, self._verbosity = err, verbosity
        self._said = ""
        self._looks = 0

    def start(self) -> None:
        """Nothing to prepare."""

    def tell(self, event: Event) -> None:
        if _loud(event, self._verbosity):
            self._err.write(plain_text([event_line(event)]))
            self._err.flush()

    def show(self, found: Progress) -> None:
        text = said(found)
        due = self._looks % PLAIN_EVERY == 0
        self._looks += 1
        if due and text != self._said and self._verbosity >= 0:
            self._said = text
            self._err.write(f"{text}\n")
            self._err.flush()

    def stop(self) -> None:
        """Nothing to clear away."""


class LiveView:
    """The screen of `campaign status`, drawn anew; what goes wrong scrolls above."""

    def __init__(self, err: TextIO, verbosity: int, *, width: int, height: int, color: bool) -> None:
        self._err, self._verbosity = err, verbosity
        self._width, self._height, self._color = width, height, color
        self._lock = threading.Lock()
        self._live: Live | None = None

    def start(self) -> None:
        from rich.live import Live

        from nhi_revoke.render.screen import console

        self._live = Live(
            console=console(self._err, width=self._width, color=self._color),
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def tell(self, event: Event) -> None:
        from nhi_revoke.render.screen import styled

        with self._lock:
            if self._live is not None and _loud(event, self._verbosity):
                self._live.console.print(styled(*event_line(event).spans), soft_wrap=True)

    def show(self, found: Progress) -> None:
        with self._lock:
            if self._live is not None:
                self._live.update(self._drawn(found), refresh=True)

    def stop(self) -> None:
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _drawn(self, found: Progress) -> Text:
        """As many tenants as fit."""
        from rich.text import Text

        room = max(1, self._height - 1)
        lines: list[str] = []
        for most in (self._height - AROUND, (self._height - AROUND) // 2):  # a long name takes a line of its own
            blocks = progress_screen(found, max(3, most))
            lines = [*drawn(blocks, width=self._width, color=self._color)]
            if len(lines) <= room:
                break
        del lines[room:]
        text = Text.from_ansi("\n".join(lines))
        text.no_wrap, text.overflow = True, "ellipsis"
        return text


class Watch:
    """Looks at the database while work goes on, on a thread of its own, and shows what it found."""

    def __init__(
        self, look: Callable[[], Progress | None], show: Callable[[Progress], None], every: float = EVERY
    ) -> None:
        self._look, self._show, self._every = look, show, every
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            with suppress(Exception):  # a look that failed shows nothing new; the work itself tells what went wrong
                found = self._look()
                if found is not None:
                    self._show(found)
            took = time.monotonic() - began
            if self._end.wait(max(self._every, RARELY * took)):
                return


def _loud(event: Event, verbosity: int) -> bool:
    """Steps of a thousand runs would drown what matters."""
    return isinstance(event, SaysEvent) and (event.level == "danger" or verbosity > 0)
