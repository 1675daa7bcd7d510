"""Python's garbage collector, while a command starts: what is loaded stays, and is not gone through again and again."""

from __future__ import annotations

import gc
import threading

STARTING = 1.0
"""Seconds in which a command loads most of what it needs."""
NEW_ALONE = (20_000, 50, 1000)
"""Until then only new objects are looked through, once. Else all are, each time that they grow by a quarter: a `list`
of one provider makes up to 200,000 while it loads, and that was a sixth of its time."""


def collect_little_while_starting(seconds: float = STARTING) -> None:
    """From then on it is as usual: what streams through a command makes circles that hold whole pages."""
    as_usual = threading.Timer(seconds, gc.set_threshold, gc.get_threshold())
    as_usual.daemon = True
    as_usual.start()
    gc.set_threshold(*NEW_ALONE)
