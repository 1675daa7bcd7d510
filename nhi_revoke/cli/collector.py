"""Python's garbage collector, while a command starts: what is loaded stays, and is not gone through again and again."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable

PAUSE = 0.25
"""Seconds in which no module is loaded: a command that has started."""
MOST_PAUSES = 20
"""On a machine that is so slow, it is as usual from then on."""
NEW_ALONE = (20_000, 50, 1000)
"""Until then only new objects are looked through, once. Else all are, each time that they grow by a quarter: a `list`
of one provider makes up to 200,000 while it loads, and that was a sixth of its time."""


def collect_little_while_starting(wait: Callable[[float], None] = time.sleep) -> None:
    """From then on it is as usual, but for what is there by then, which is gone through no more: what streams through
    a command makes circles that hold whole pages. `wait`: for so many seconds, in a thread of its own.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*NEW_ALONE)
    threading.Thread(target=_once_loaded, args=(usual, wait), name="collector", daemon=True).start()


def _once_loaded(usual: tuple[int, int, int], wait: Callable[[float], None]) -> None:
    for _ in range(MOST_PAUSES):
        before = len(sys.modules)
        wait(PAUSE)
        if len(sys.modules) == before:
            break
    # The first look through all of it would take a tenth of a second, all threads waiting; most of it are modules.
    gc.freeze()
    gc.set_threshold(*usual)
