"""One budget for everything that asks one tenant: waited for instead of refused, whoever asks, in whatever order."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.provider import pace
from nhi_revoke.provider.fault import Throttled
from nhi_revoke.provider.pace import SPARE, Budget
from nhi_revoke.provider.retry import A_MOMENT, Window

from .conftest import START, Acme, Asked, Desk, Side, Told
from .test_retry import rates


class ByFolder(Acme):
    """Counts by the first part of the path."""

    title: ClassVar[str] = "Acme"

    def bucket(self, path: str) -> str:
        return path.split("/")[1]


class Meter:
    """The vendor's own count: so many requests of a folder in each minute, and 429 for what is over."""

    def __init__(self, side: Side, limit: int) -> None:
        self.side, self.limit = side, limit
        self.counted: dict[tuple[str, int], int] = {}
        self.refused = 0
        self._lock = threading.Lock()
        side.answers(self.answer)

    def answer(self, asked: Asked) -> Told:
        now = self.side.now().timestamp()
        key = (asked.path.split("/")[1], int(now // 60))
        with self._lock:
            self.counted[key] = self.counted.get(key, 0) + 1
            left = self.limit - self.counted[key]
            self.refused += left < 0
        headers = rates(self.limit, max(0, left), int((now // 60 + 1) * 60))
        return Told(429 if left < 0 else 200, {"left": left}, headers)


@pytest.mark.parametrize("skew", [-600, 0, 600])
def test_reads_wait_for_the_next_window_and_leave_a_share(desk: Desk, skew: int) -> None:
    desk.side.skew = timedelta(seconds=skew)
    meter, api = Meter(desk.side, 20), desk.api(ByFolder())
    for number in range(18):
        api.call("GET", f"/a/{number}")
    assert desk.waits == []
    api.call("GET", "/a/one-more")
    assert meter.refused == 0, "it was never refused"
    assert sum(desk.waits) <= 60 + 2 * A_MOMENT
    assert sorted(meter.counted.values()) == [1, 20 - 20 * SPARE]


def test_writes_may_use_all_of_it(desk: Desk) -> None:
    """Whoever uses up the window by reading, or from outside, must not keep the door open."""
    meter, api = Meter(desk.side, 20), desk.api(ByFolder())
    for number in range(18):
        api.call("GET", f"/a/{number}")
    api.call("POST", "/a/end")
    api.call("DELETE", "/a/end")
    assert desk.waits == []
    assert meter.counted.popitem()[1] == 20
    api.call("POST", "/a/end")
    assert meter.refused == 0
    assert sum(desk.waits) <= 60 + 2 * A_MOMENT


def test_buckets_are_counted_by_themselves(desk: Desk) -> None:
    meter, api = Meter(desk.side, 10), desk.api(ByFolder())
    for folder in ("a", "b", "c"):
        for number in range(9):
            api.call("GET", f"/{folder}/{number}")
    assert desk.waits == []
    assert meter.refused == 0


@pytest.mark.parametrize("limit", [40, 100])
def test_32_threads_share_it(desk: Desk, limit: int) -> None:
    meter, api = Meter(desk.side, limit), desk.api(ByFolder())
    api.call("GET", "/a/first")
    told = desk.io.map(lambda n: api.call("GET", f"/a/{n}").status, range(200))
    assert list(told) == [200] * 200
    assert meter.refused == 0
    assert max(meter.counted.values()) <= limit * (1 - SPARE)
    assert desk.waits


def test_32_threads_with_a_window_smaller_than_they_are(desk: Desk) -> None:
    """What wakes up together does not all go at once: the next window is as large as the last."""
    meter, api = Meter(desk.side, 10), desk.api(ByFolder())
    api.call("GET", "/a/first")
    told = desk.io.map(lambda n: api.call("GET", f"/a/{n}").status, range(32))
    assert list(told) == [200] * 32
    assert meter.refused == 0


def test_what_the_vendor_refuses_after_all_is_waited_out_by_everybody(desk: Desk) -> None:
    """Nothing is known before the first answer: a burst may be refused once."""
    meter, api = Meter(desk.side, 10), desk.api(ByFolder())
    told = desk.io.map(lambda n: api.call("GET", f"/a/{n}").status, range(32))
    assert list(told) == [200] * 32
    assert meter.refused <= 32 - 10


# -- pure ----------------------------------------------------------------------------------------------------------


def left(budget: Budget, *, reads: bool = False) -> int:
    """How many more may go now; none of them is under way afterwards."""
    taken = 0
    try:
        while taken < 1000:
            budget.take("", reads=reads)
            taken += 1
    except Throttled:
        pass
    for _ in range(taken):
        budget.back("", None)
    return taken


def told(budget: Budget, remaining: int, reset: float, limit: int = 100) -> None:
    budget.take("", reads=False)
    budget.back("", Window(limit, remaining, START + timedelta(seconds=reset)))


def test_nothing_is_known_before_the_first_answer() -> None:
    assert left(Budget(lambda: START)) == 1000


def test_answers_out_of_order() -> None:
    budget = Budget(lambda: START)
    for remaining in (7, 9, 8):
        told(budget, remaining, 60)
    assert left(budget) == 7
    told(budget, 50, 61)  # a second later by rounding: the same window
    assert left(budget) == 7
    told(budget, 2, 59)
    assert left(budget) == 2
    told(budget, 99, 120)
    assert left(budget) == 99
    told(budget, 1, 60)  # from the window before
    assert left(budget) == 99


def test_an_answer_of_a_window_that_is_over_opens_nothing_and_blocks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "A_TURN", 0.01)
    now = [START]
    budget = Budget(lambda: now[0])
    told(budget, 1, 60)
    now[0] += timedelta(seconds=61)
    assert left(budget) == 100
    told(budget, 40, 120)
    told(budget, 0, 60)
    assert left(budget) == 40


def test_what_is_under_way_counts_and_comes_back_even_without_an_answer() -> None:
    budget = Budget(lambda: START)
    told(budget, 3, 60)
    for _ in range(3):
        budget.take("", reads=False)
    with pytest.raises(Throttled) as said:
        budget.take("", reads=False)
    assert said.value.retry_after == 60 + A_MOMENT
    budget.back("", None)
    budget.take("", reads=False)


def test_a_new_window_waits_for_what_is_under_way() -> None:
    now = [START]
    budget = Budget(lambda: now[0])
    told(budget, 2, 60, limit=2)
    for _ in range(2):
        budget.take("", reads=False)
    now[0] += timedelta(seconds=61)
    third = threading.Thread(target=budget.take, args=("",), kwargs={"reads": False}, daemon=True)
    third.start()
    third.join(0.05)
    assert third.is_alive(), "it stands in line"
    budget.back("", Window(4, 3, START + timedelta(seconds=120)))
    third.join(10)
    assert not third.is_alive(), "the answer let it go"
    budget.take("", reads=False)
    with pytest.raises(Throttled) as said:
        budget.take("", reads=False)
    assert said.value.retry_after == 59 + A_MOMENT


def test_nobody_stands_in_line_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "A_TURN", 0.01)
    now = [START]
    budget = Budget(lambda: now[0])
    told(budget, 1, 60, limit=1)
    budget.take("", reads=False)
    now[0] += timedelta(seconds=61)
    with pytest.raises(Throttled) as said:
        budget.take("", reads=False)
    assert said.value.retry_after == A_MOMENT


@given(st.permutations(range(5)), st.integers(0, 5))
def test_in_one_window_any_order_of_answers_tells_the_same(order: list[int], earlier: int) -> None:
    """As five answers leave the vendor one after the other, and arrive as they like, some of an earlier window."""
    budget = Budget(lambda: START)
    told(budget, 50, 60)
    for place, number in enumerate(order):
        if place == earlier:
            told(budget, 0, 30)
        told(budget, 40 - number, 60)
    assert left(budget) == 36
    assert left(budget, reads=True) == 26
