"""Python's garbage collector, while a command starts: what is loaded stays, and is not gone through again and again."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable

PAUSE = 0.25
"""Seconds in which no module is loaded: a command that has started."""
MOST_PAUSES = 12
"""On a machine that is so slow, it begins all the same."""


def collect_nothing_while_starting(wait: Callable[[float], None] = time.sleep) -> None:
    """Python goes through all that is new, and through everything each time that it grows by a quarter: a `list` of one
    provider makes up to 200,000 objects while it loads, and that was a fifth of its time.

    Once it has loaded what it needs, garbage is collected as usual, since what streams through a command makes circles
    that hold whole pages; but what is there by then is gone through no more. `wait`: for so many seconds, in a thread
    of its own.
    """
    gc.disable()
    threading.Thread(target=_once_loaded, args=(wait,), name="collector", daemon=True).start()


def _once_loaded(wait: Callable[[float], None]) -> None:
    for _ in range(MOST_PAUSES):
        before = len(sys.modules)
        wait(PAUSE)
        if len(sys.modules) == before:
            break
    # The first look through all of it would take a tenth of a second, all threads waiting; most of it are modules.
    gc.freeze()
    gc.enable()
