"""A rate that is told by the minute: many go together, and no minute sees more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.engine.io import EngineIo
from tests.engine.tick import Tick, after

MINUTE = timedelta(minutes=1)


def sent(io: EngineIo, clock: Tick, count: int, at_once: int, together: int = 1) -> list[datetime]:
    """When each of so many requests may go; so many are asked for together."""
    moments: list[datetime] = []
    for _ in range(count // together):
        io.pace("a", at_once / 60, at_once, together)
        moments += [clock.now()] * together
    return moments


def test_a_minutes_worth_goes_at_once_and_the_rest_when_the_minute_is_over() -> None:
    clock = Tick()
    moments = sent(EngineIo(clock), clock, 250, 100)
    assert moments == [after(0)] * 100 + [after(60)] * 100 + [after(120)] * 50
    assert clock.waits == [60.0, 60.0]


def test_a_group_goes_when_there_is_room_for_all_of_it() -> None:
    clock = Tick()
    assert sent(EngineIo(clock), clock, 120, 100, 40) == [after(0)] * 80 + [after(60)] * 40
    with pytest.raises(ValueError, match="never go together"):
        EngineIo(clock).pace("a", 1.0, 2, 3)


def test_another_key_has_its_own_minute() -> None:
    clock = Tick()
    io = EngineIo(clock)
    sent(io, clock, 100, 100)
    io.pace("b", 100 / 60, 100)
    assert clock.waits == []


def test_one_that_asks_for_fewer_leaves_the_rest_to_the_others() -> None:
    clock = Tick()
    io = EngineIo(clock)
    assert sent(io, clock, 60, 60) == [after(0)] * 60
    assert sent(io, clock, 30, 90) == [after(0)] * 30, "what it left"
    assert sent(io, clock, 1, 60) == [after(60)]


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([5, 8, 10]), st.integers(1, 5)), max_size=80))
def test_no_minute_sees_more_than_what_was_asked_for(asked: list[tuple[float, int, int]]) -> None:
    clock = Tick()
    io = EngineIo(clock)
    moments: list[datetime] = []
    for pause, at_once, together in asked:
        clock.wait(pause, io.stop)
        moments += sent(io, clock, together, at_once, together)
        assert len([m for m in moments if m > moments[-1] - MINUTE]) <= at_once
    assert all(len([m for m in moments if start <= m < start + MINUTE]) <= 10 for start in moments)
