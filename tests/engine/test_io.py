"""Retries, fan-out and clients: only the engine waits, and never too long."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.engine.clock import Interrupted, LiveClock, SandboxClock
from nhi_revoke.engine.io import FAN_OUT, LONGEST_OBEYED, LONGEST_PAUSE, TRIES, EngineIo
from nhi_revoke.provider.fault import Denied, Fault, NoAnswer, Throttled, Unavailable
from nhi_revoke.provider.loopback import is_near
from nhi_revoke.provider.sandbox.clock import MovableClock
from tests.engine.tick import NOON, Tick, after


@pytest.fixture
def io() -> Iterator[EngineIo]:
    made = EngineIo(Tick(), jitter=random.Random(1))  # noqa: S311 - the same in every run
    yield made
    made.close()


def failing(*faults: Exception) -> tuple[Callable[[], str], list[int]]:
    """A call that raises these, one after the other, and then works; and how often it was made."""
    left, made = list(faults), [0]

    def call() -> str:
        made[0] += 1
        if left:
            raise left.pop(0)
        return "answer"

    return call, made


def waits(io: EngineIo) -> list[float]:
    assert isinstance(io.clock, Tick)
    return io.clock.waits


def test_what_the_vendor_asks_for_is_waited_out_exactly(io: EngineIo) -> None:
    call, made = failing(Throttled("slow", retry_after=7.0), Throttled("slow", retry_after=0.0))
    assert io.ask(call, repeatable=False) == "answer"
    assert made == [3]
    assert waits(io) == [7.0]
    assert io.now() == after(7)


def test_a_retry_after_that_is_too_long_is_a_failure_to_report(io: EngineIo) -> None:
    call, made = failing(Throttled("slow", retry_after=LONGEST_OBEYED + 1))
    with pytest.raises(Throttled):
        io.ask(call, repeatable=True)
    assert made == [1]
    assert waits(io) == []


@pytest.mark.parametrize("kind", [Throttled, Unavailable, NoAnswer])
def test_tries_are_bounded(io: EngineIo, kind: type[Fault]) -> None:
    call, made = failing(*(kind("no") for _ in range(99)))
    with pytest.raises(kind):
        io.ask(call, repeatable=True)
    assert made == [TRIES[kind]]
    assert len(waits(io)) == TRIES[kind] - 1


def test_pauses_grow_and_have_an_end(io: EngineIo) -> None:
    call, _ = failing(*(Throttled("slow") for _ in range(TRIES[Throttled] - 1)))
    io.ask(call, repeatable=False)
    assert waits(io)[0] < waits(io)[3]
    assert all(0 < pause <= LONGEST_PAUSE * 1.25 for pause in waits(io))


def test_a_create_is_never_asked_twice(io: EngineIo) -> None:
    call, made = failing(NoAnswer("gone"))
    with pytest.raises(NoAnswer):
        io.ask(call, repeatable=False)
    assert made == [1]


def test_a_read_is_asked_again(io: EngineIo) -> None:
    call, made = failing(NoAnswer("gone"), Unavailable("503"))
    assert io.ask(call, repeatable=True) == "answer"
    assert made == [3]


def test_another_fault_is_raised_at_once(io: EngineIo) -> None:
    call, made = failing(Denied("no", needs="x"))
    with pytest.raises(Denied):
        io.ask(call, repeatable=True)
    assert made == [1]


class SlowDown(Throttled):
    """A provider's own kind of throttling."""


def test_a_providers_own_faults_are_retried_as_what_they_are(io: EngineIo) -> None:
    call, made = failing(SlowDown("slow", retry_after=1.0))
    assert io.ask(call, repeatable=False) == "answer"
    assert made == [2]


def test_ctrl_c_before_and_during_a_wait(io: EngineIo) -> None:
    call, made = failing(Unavailable("503"), Unavailable("503"))
    assert isinstance(io.clock, Tick)
    io.clock.at(0.1, io.stop.set)
    with pytest.raises(Interrupted):
        io.ask(call, repeatable=True)
    assert made == [1]
    with pytest.raises(Interrupted):
        io.ask(call, repeatable=True)
    assert made == [2]
    assert io.ask(call, repeatable=True) == "answer"  # what works needs no wait


@given(st.lists(st.integers(), max_size=40))
def test_results_come_in_order(items: list[int]) -> None:
    io = EngineIo(Tick())
    try:
        assert list(io.map(lambda n: n * 2, items)) == [n * 2 for n in items]
    finally:
        io.close()


def test_it_is_side_by_side_and_nesting_never_deadlocks(io: EngineIo) -> None:
    meet = threading.Barrier(8, timeout=10)

    def outer(number: int) -> int:
        meet.wait()  # passes only while eight are under way
        return sum(io.map(lambda n: sum(io.map(lambda m: m, range(n))), range(number)))

    assert list(io.map(outer, [9] * 8)) == [84] * 8


def test_what_a_worker_hands_over_is_side_by_side_too(io: EngineIo) -> None:
    meet = threading.Barrier(12, timeout=10)

    def inner(number: int) -> int:
        meet.wait()  # passes only while the six of both are under way
        return number

    assert list(io.map(lambda n: list(io.map(inner, range(n, n + 6))), [0, 10])) == [
        [0, 1, 2, 3, 4, 5],
        [10, 11, 12, 13, 14, 15],
    ]


def test_where_every_worker_waits_each_does_its_own(io: EngineIo) -> None:
    full = threading.Barrier(FAN_OUT, timeout=10)
    seen: set[tuple[str, int]] = set()

    def inner(number: int) -> int:
        seen.add((threading.current_thread().name, number))
        return number

    def outer(number: int) -> list[int]:
        full.wait()
        return list(io.map(inner, range(number * 3, number * 3 + 3)))

    assert list(io.map(outer, range(FAN_OUT))) == [[n * 3, n * 3 + 1, n * 3 + 2] for n in range(FAN_OUT)]
    assert {number for _, number in seen} == set(range(FAN_OUT * 3))
    assert len(seen) == FAN_OUT * 3  # each done once


def test_what_fails_within_is_raised_after_all_have_ended(io: EngineIo) -> None:
    ended: list[int] = []

    def inner(number: int) -> int:
        if number % 2:
            raise ValueError(str(number))
        ended.append(number)
        return number

    with pytest.raises(ValueError, match=r"^1$"):
        io.map(lambda _: io.map(inner, range(8)), [1, 2])
    assert sorted(ended) == [0, 0, 2, 2, 4, 4, 6, 6]


def test_a_worker_ends_what_it_began_when_the_pool_is_closed(io: EngineIo) -> None:
    begun, closed = threading.Barrier(3, timeout=60), threading.Event()

    def outer(number: int) -> list[int]:
        begun.wait()
        closed.wait(60)
        return list(io.map(lambda n: n, [number, number + 1]))

    got: list[object] = []
    asking = threading.Thread(target=lambda: got.extend(io.map(outer, [1, 5])))
    asking.start()
    begun.wait()
    closer = threading.Thread(target=io.close)
    closer.start()

    def ask_on() -> None:
        while closer.is_alive():
            io.map(str, [1, 2])

    with pytest.raises(RuntimeError):  # as soon as the pool takes nothing more
        ask_on()
    closed.set()
    asking.join(60)
    closer.join(60)
    assert got == [[1, 2], [5, 6]]


def test_the_first_exception_comes_after_all_have_ended(io: EngineIo) -> None:
    ended: list[int] = []
    lock = threading.Lock()
    gate = threading.Event()

    def work(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        if number == 2:
            raise KeyError("two")
        if number == 3:
            gate.wait(10)
        else:
            gate.set()
        with lock:
            ended.append(number)
        return number

    with pytest.raises(ValueError, match="one"):
        io.map(work, [1, 2, 3, 4])
    assert sorted(ended) == [3, 4]


def test_one_client_for_each_host_and_no_redirects(io: EngineIo) -> None:
    one, again, other = io.http("https://a.invalid"), io.http("https://a.invalid"), io.http("https://b.invalid")
    assert one is again
    assert one is not other
    assert not one.follow_redirects
    assert one.timeout.read is not None
    assert one.timeout.connect is not None
    io.close()
    assert one.is_closed
    assert other.is_closed


def test_a_sandboxs_clock_is_moved_instead_of_waited_for() -> None:
    movable = MovableClock(NOON)
    clock, stop = SandboxClock(movable), threading.Event()
    clock.wait(3600, stop)
    assert (clock.now() - NOON).total_seconds() >= 3600
    clock.wait(-5, stop)
    stop.set()
    clock.wait(3600, stop)
    assert (clock.now() - NOON).total_seconds() < 3700


def test_the_live_clock_returns_as_soon_as_it_is_stopped() -> None:
    clock, stop = LiveClock(), threading.Event()
    clock.wait(-1, stop)
    stop.set()
    began = clock.now()
    clock.wait(3600, stop)
    assert (clock.now() - began).total_seconds() < 60
    assert began.tzinfo is not None


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://169.254.169.254", True),
        ("http://[fe80::1]", True),
        ("http://metadata.example", False),
        ("http://10.0.0.1", False),
        ("http://169.254.169.254.evil.example", False),
        ("https://graph.example", False),
        ("", False),
    ],
)
def test_no_proxy_is_asked_for_what_serves_this_machine_alone(url: str, near: bool) -> None:
    """Names are never looked up."""
    assert is_near(url) is near


def test_what_waits_aside_holds_up_nothing_that_fans_out_beside_it(io: EngineIo) -> None:
    """A vendor's published rate for its logs keeps no look at a cut waiting."""
    full, free = threading.Barrier(FAN_OUT + 1, timeout=10), threading.Event()
    told: list[Sequence[bool]] = []

    def wait(number: int) -> bool:
        if number < FAN_OUT:
            full.wait()
        return free.wait(10)

    def slowly() -> None:
        io.aside()
        told.append(io.map(wait, range(FAN_OUT + 8)))

    beside = threading.Thread(target=slowly)
    beside.start()
    full.wait()
    assert io.map(str, [1, 2, 3]) == ["1", "2", "3"]
    free.set()
    beside.join()
    assert told == [[True] * (FAN_OUT + 8)]
