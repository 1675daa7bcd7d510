"""A walk over many repositories keeps GitHub's pace, and keeps nobody else waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.io import EngineIo
from nhi_revoke_github.repositories import BULK, GROUP, WALK, paced, walk

from .conftest import START, Bench

MANY = WALK + 100
A_WHILE = 20.0
"""Seconds: only a failure takes so long."""


class Stands:
    """A clock that stands still: whoever waits, waits until the operator stops it."""

    def __init__(self) -> None:
        self.waited = threading.Event()

    def now(self) -> datetime:
        return START

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self.waited.set()
        assert stop.wait(A_WHILE)


def test_while_a_walk_waits_for_its_pace_others_go_on(bench: Bench) -> None:
    clock = Stands()
    io = EngineIo(clock)
    looked: list[str] = []
    names = [f"acme/{number}" for number in range(MANY)]
    with ThreadPoolExecutor(1) as pool:
        walked = pool.submit(walk, bench.conn, io, "keys", "", looked.append, names)
        assert clock.waited.wait(A_WHILE)
        assert len(looked) <= WALK
        others = io.map(lambda number: number * 2, range(100))
        assert list(others) == [number * 2 for number in range(100)]
        left = range(BULK - WALK - GROUP)  # beside those that the walk was given, and those that it waits for
        assert paced(bench.conn, io, str, left) == [str(number) for number in left]
        io.stop.set()
        with pytest.raises(Interrupted):
            walked.result(A_WHILE)
    io.close()
    assert len(looked) <= WALK, "nothing was asked after that"
